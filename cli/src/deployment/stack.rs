//! A deployed stack and its resources.

use anyhow::{Result, bail};
use aws_sdk_cloudformation::{
    Client,
    error::ProvideErrorMetadata,
    types::{ResourceStatus, Stack as Described, StackStatus},
};
use std::collections::BTreeMap;

use crate::{account::error, deployment::package::NESTED};

/// Beginning of the description of each of our templates. It distinguishes our stacks from those of other tools.
pub const OURS: &str = "Nightly EBS backup";

/// Stack that exists.
#[derive(Clone, Debug)]
pub struct DeployedStack {
    pub name: String,
    pub id: String,
    pub status: StackStatus,
    pub description: String,
    pub parameters: BTreeMap<String, String>,
    pub outputs: BTreeMap<String, String>,
    /// Unix time of the last update in seconds, or empty if there was none.
    pub updated: String,
}

/// Resource of a stack or of a stack nested in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    pub logical_id: String,
    pub physical_id: String,
    pub kind: String,
}

/// Returns the stack, if it exists.
///
/// # Errors
/// CloudFormation refuses or does not answer.
pub async fn find(cloudformation: &Client, name: &str) -> Result<Option<DeployedStack>> {
    match cloudformation.describe_stacks().stack_name(name).send().await {
        // The stack does not exist (CloudFormation API reference, DescribeStacks).
        Err(error) if error.code() == Some("ValidationError") => Ok(None),
        Err(error) => Err(error::from_sdk("DescribeStacks", error)),
        Ok(found) => Ok(found.stacks().first().map(read)),
    }
}

fn read(stack: &Described) -> DeployedStack {
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    let parameters = stack.parameters().iter().map(|one| (text(one.parameter_key()), text(one.parameter_value())));
    let outputs = stack.outputs().iter().map(|one| (text(one.output_key()), text(one.output_value())));
    let updated = stack.last_updated_time().map(|time| time.secs().to_string());
    DeployedStack {
        name: text(stack.stack_name()),
        id: text(stack.stack_id()),
        status: stack.stack_status().cloned().unwrap_or(StackStatus::from("UNKNOWN")),
        description: text(stack.description()),
        parameters: parameters.collect(),
        outputs: outputs.collect(),
        updated: updated.unwrap_or_default(),
    }
}

impl DeployedStack {
    /// Returns whether the stack only has a change set, and nothing was ever deployed to it.
    pub fn is_new(&self) -> bool {
        self.status == StackStatus::ReviewInProgress
    }

    /// Refuses a stack that another tool created.
    ///
    /// # Errors
    /// The description is not that of one of our templates.
    pub fn require_ours(&self) -> Result<()> {
        if self.is_new() || self.description.starts_with(OURS) {
            return Ok(());
        }
        bail!(
            "the stack {} is not a nightly backup (its description is {:?}): choose another name",
            self.name,
            self.description
        )
    }

    /// Refuses a stack whose state allows no deployment.
    ///
    /// # Errors
    /// Another deployment is in progress, or an earlier one left the stack in a state that a person must resolve.
    pub fn require_deployable(&self, region: &str) -> Result<()> {
        let (name, status) = (&self.name, self.status.as_str());
        let destroy = format!("nightly destroy --stack {name} --region {region}");
        let remedy = match status {
            "REVIEW_IN_PROGRESS" => return Ok(()),
            "ROLLBACK_COMPLETE" => {
                format!("its creation failed and was undone, so nothing is lost: run `{destroy}`, then deploy again")
            }
            "ROLLBACK_FAILED" => {
                format!(
                    "its creation failed and could not be undone: run `{destroy}`. The stack's events name what cannot be deleted"
                )
            }
            "UPDATE_ROLLBACK_FAILED" => format!(
                "an update could not be undone: fix what the stack's events name, then run `aws cloudformation continue-update-rollback \
                 --stack-name {name} --region {region}`"
            ),
            "DELETE_FAILED" => {
                format!("a deletion stopped half way: fix what the stack's events name, then run `{destroy}` again")
            }
            status if status.ends_with("_IN_PROGRESS") => {
                "another deployment is at work: wait for its end, then run this again".to_owned()
            }
            _ => return Ok(()),
        };
        bail!("the stack {name} is {status}: {remedy}")
    }
}

/// Lists the resources of a stack and of the stacks nested in it, except those that are deleted.
///
/// # Errors
/// CloudFormation refuses or does not answer.
pub async fn resources(cloudformation: &Client, stack: &str) -> Result<Vec<Resource>> {
    let (mut found, mut stacks) = (Vec::new(), vec![stack.to_owned()]);
    while let Some(stack) = stacks.pop() {
        let listed = cloudformation.list_stack_resources().stack_name(stack).into_paginator().items().send();
        let listed = listed.collect::<Result<Vec<_>, _>>().await;
        for one in listed.map_err(|error| error::from_sdk("ListStackResources", error))? {
            let physical_id = one.physical_resource_id().unwrap_or_default().to_owned();
            if physical_id.is_empty() || one.resource_status() == Some(&ResourceStatus::DeleteComplete) {
                continue;
            }
            let kind = one.resource_type().unwrap_or_default().to_owned();
            if kind == NESTED {
                stacks.push(physical_id.clone());
            }
            let logical_id = one.logical_resource_id().unwrap_or_default().to_owned();
            found.push(Resource { logical_id, physical_id, kind });
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stack(status: &str, description: &str) -> DeployedStack {
        let described = Described::builder().stack_name("s").stack_status(status.into()).description(description);
        read(&described.creation_time(aws_sdk_cloudformation::primitives::DateTime::from_secs(0)).build())
    }

    #[test]
    fn a_stack_of_another_tool_is_refused() {
        assert!(stack("CREATE_COMPLETE", "Nightly EBS backup: the servers").require_ours().is_ok());
        let error = stack("CREATE_COMPLETE", "A shop").require_ours().unwrap_err().to_string();
        assert!(error.contains("not a nightly backup"), "{error}");
    }

    #[test]
    fn a_stuck_stack_is_refused_with_the_remedy() {
        for (status, remedy) in [
            ("ROLLBACK_COMPLETE", "nightly destroy --stack s --region eu-west-1"),
            ("ROLLBACK_FAILED", "nightly destroy"),
            ("UPDATE_ROLLBACK_FAILED", "continue-update-rollback --stack-name s"),
            ("DELETE_FAILED", "a deletion stopped half way"),
            ("UPDATE_IN_PROGRESS", "wait for its end"),
        ] {
            let error = stack(status, OURS).require_deployable("eu-west-1").unwrap_err().to_string();
            assert!(error.contains(remedy), "{error}");
        }
        for status in ["CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "REVIEW_IN_PROGRESS"] {
            assert!(stack(status, OURS).require_deployable("eu-west-1").is_ok(), "{status}");
        }
    }
}
