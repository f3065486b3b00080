//! Change sets that CloudFormation leaves behind.

use anyhow::Result;
use aws_sdk_cloudformation::{Client, types::ChangeSetStatus};

use crate::{
    account::error,
    deployment::{package::NESTED, stack},
};

/// Beginning of the name of our change sets.
pub const PREFIX: &str = "nightly-";

/// Deletes the failed change sets of nested stacks. CloudFormation creates one for every nested stack that does not change, and keeps it
/// after the root's change set was executed (copilot-cli, issue 4426).
///
/// # Errors
/// CloudFormation refuses or does not answer.
pub async fn clean(cloudformation: &Client, root: &str) -> Result<()> {
    let resources = stack::resources(cloudformation, root).await?;
    for nested in resources.iter().filter(|one| one.kind == NESTED) {
        let listed = cloudformation.list_change_sets().stack_name(&nested.physical_id).into_paginator().items().send();
        let listed = listed.collect::<Result<Vec<_>, _>>().await;
        for set in listed.map_err(|error| error::from_sdk("ListChangeSets", error))? {
            let is_ours = set.change_set_name().is_some_and(|name| name.starts_with(PREFIX));
            if let (true, Some(ChangeSetStatus::Failed), Some(id)) = (is_ours, set.status(), set.change_set_id()) {
                let deleted = cloudformation.delete_change_set().change_set_name(id).send().await;
                deleted.map_err(|error| error::from_sdk("DeleteChangeSet", error))?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_cloudformation::{
        operation::{
            delete_change_set::DeleteChangeSetOutput, list_change_sets::ListChangeSetsOutput,
            list_stack_resources::ListStackResourcesOutput,
        },
        types::{ChangeSetSummary, StackResourceSummary},
    };
    use aws_smithy_mocks::{RuleMode, mock, mock_client};

    fn resource(id: &str, kind: &str) -> StackResourceSummary {
        let resource =
            StackResourceSummary::builder().logical_resource_id(id).physical_resource_id(id).resource_type(kind);
        let now = aws_sdk_cloudformation::primitives::DateTime::from_secs(0);
        resource.last_updated_timestamp(now).resource_status("CREATE_COMPLETE".into()).build()
    }

    #[tokio::test]
    async fn only_failed_change_sets_of_ours_in_nested_stacks_are_deleted() {
        let root = mock!(Client::list_stack_resources).match_requests(|asked| asked.stack_name() == Some("root"));
        let root = root.then_output(|| {
            let all = [resource("nested", NESTED), resource("topic", "AWS::SNS::Topic")];
            ListStackResourcesOutput::builder().set_stack_resource_summaries(Some(all.to_vec())).build()
        });
        let nested = mock!(Client::list_stack_resources).match_requests(|asked| asked.stack_name() == Some("nested"));
        let nested = nested.then_output(|| ListStackResourcesOutput::builder().build());
        let sets = mock!(Client::list_change_sets).match_requests(|asked| asked.stack_name() == Some("nested"));
        let sets = sets.then_output(|| {
            let set = |name: &str, status| {
                ChangeSetSummary::builder().change_set_name(name).change_set_id(name).status(status).build()
            };
            let all = [
                set("nightly-1-Backup", ChangeSetStatus::Failed),
                set("nightly-2-Backup", ChangeSetStatus::CreateComplete),
                set("somebody-elses", ChangeSetStatus::Failed),
            ];
            ListChangeSetsOutput::builder().set_summaries(Some(all.to_vec())).build()
        });
        let delete = mock!(Client::delete_change_set)
            .match_requests(|asked| asked.change_set_name() == Some("nightly-1-Backup"));
        let delete = delete.then_output(|| DeleteChangeSetOutput::builder().build());
        let client = mock_client!(aws_sdk_cloudformation, RuleMode::MatchAny, &[&root, &nested, &sets, &delete]);
        clean(&client, "root").await.unwrap();
        assert_eq!(delete.num_calls(), 1);
    }
}
