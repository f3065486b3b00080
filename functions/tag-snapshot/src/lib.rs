//! Adds the descriptive tags to one snapshot: its volume's name and description, Client, Project, and the volume's other tags. If a policy
//! of the account denies one tag, the others are still added.

use aws::{error, snapshots};
use aws_sdk_ec2::Client;
use domain::{
    Error, ErrorName, Reason,
    descriptive_tags::{self, Owner},
    messages::SelectedVolume,
    tags::Tags,
    tags_at_creation::TagsAtCreation,
    tags_not_copied::TagsNotCopied,
};
use serde::{Deserialize, Serialize};

/// The output of snapshot-one.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    pub region: String,
    pub snapshot_id: String,
    pub volume: SelectedVolume,
}

/// The snapshot of one volume, created and described.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    pub volume_id: String,
    pub snapshot_id: String,
    /// Keys of the volume's tags that do not fit into the 50 tags of a snapshot.
    pub dropped_tags: Vec<String>,
}

/// Parameters of the stack.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    pub owner: Owner,
    /// Parsed by [`TagsNotCopied::read`].
    pub tags_not_copied: String,
    /// Parsed by [`TagsAtCreation::read`].
    pub tags_at_creation: String,
}

/// Adds the tags. If the snapshot already has them, nothing changes.
///
/// # Errors
/// `BadInput` for a parameter that a person must fix, `Throttled` if EC2 throttles, `Transient` if it does not respond, `Refused` for any
/// other error. After `Refused`, the snapshot has every tag except those that the message names.
pub async fn handle(ec2: &Client, settings: &Settings, input: Input) -> Result<Output, Error> {
    let foreign = TagsNotCopied::read(&settings.tags_not_copied)?;
    let creation = TagsAtCreation::read(settings.owner.clone(), &settings.tags_at_creation)?;
    let described = descriptive_tags::descriptive_tags(&input.volume, &creation, &foreign);
    if !described.dropped.is_empty() {
        tracing::warn!(snapshot = input.snapshot_id, dropped = ?described.dropped, "no room for every tag of the volume");
    }
    add(ec2, &input.snapshot_id, described.tags).await?;
    Ok(Output { volume_id: input.volume.volume_id, snapshot_id: input.snapshot_id, dropped_tags: described.dropped })
}

/// Adds all tags in one call. If EC2 refuses the call, because a policy of the account denies a tag, the function splits the tags in half
/// repeatedly until it finds the denied ones.
async fn add(ec2: &Client, snapshot_id: &str, tags: Tags) -> Result<(), Error> {
    let (mut refused, mut last) = (Vec::new(), None);
    let mut parts = vec![Vec::from_iter(tags)];
    while let Some(mut part) = parts.pop() {
        let tags = snapshots::ec2_tags(part.iter().cloned().collect());
        let tagged = ec2.create_tags().resources(snapshot_id).set_tags(Some(tags)).send().await;
        match tagged.map_err(|error| not_found_yet(error::from_sdk("CreateTags", error))) {
            Ok(_) => {}
            Err(error) if error.name != ErrorName::Refused => return Err(error),
            Err(_) if part.len() > 1 => {
                let half = part.split_off(part.len() / 2);
                parts.extend([part, half]);
            }
            Err(error) => {
                refused.extend(part.into_iter().map(|(key, _)| key));
                last = Some(error);
            }
        }
    }
    match last {
        None => Ok(()),
        Some(error) => {
            let message = format!("{} (refused: the tag {})", error.message, refused.join(", "));
            Err(Error { message, ..error })
        }
    }
}

/// Makes `InvalidSnapshot.NotFound` retryable, because EC2 may not find a new snapshot yet (EC2 developer guide, "Eventual consistency").
fn not_found_yet(error: Error) -> Error {
    let is_new = Reason::from_error("", &error.message).code == "InvalidSnapshot.NotFound";
    Error { name: if is_new { ErrorName::Transient } else { error.name }, ..error }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_ec2::{
        error::ErrorMetadata,
        operation::create_tags::{CreateTagsError, CreateTagsInput, CreateTagsOutput},
    };
    use aws_smithy_mocks::{RuleMode, mock, mock_client};
    use serde_json::json;
    use std::{
        collections::BTreeSet,
        sync::{Arc, Mutex},
    };

    fn input(tags: serde_json::Value) -> Input {
        let volume = json!({"volumeId": "vol-1", "instances": [], "tags": tags});
        serde_json::from_value(json!({"region": "eu-west-1", "snapshotId": "snap-1", "volume": volume})).unwrap()
    }

    #[tokio::test]
    async fn adds_the_name_the_description_the_owner_and_the_volumes_own_tags_in_one_call() {
        let create = mock!(Client::create_tags)
            .match_requests(|request| {
                let tags: Vec<_> =
                    request.tags().iter().map(|tag| (tag.key().unwrap(), tag.value().unwrap())).collect();
                let expected = [
                    ("Client", "acme"),
                    ("Description", "Created by snapshot-one"),
                    ("Name", "db"),
                    ("Project", "shop"),
                    ("Team", "data"),
                ];
                request.resources() == ["snap-1"] && tags == expected
            })
            .then_output(|| CreateTagsOutput::builder().build());
        let ec2 = mock_client!(aws_sdk_ec2, RuleMode::MatchAny, &[&create]);
        let owner = Owner { client: "acme".into(), project: String::new() };
        let settings = Settings { owner, tags_not_copied: "Cost*".into(), tags_at_creation: String::new() };
        let volume = json!({"Name": "db", "Project": "shop", "Team": "data", "aws:x": "y", "BackupStack": "other",
            "night": "x", "kubernetes.io/cluster/prod": "owned", "CostCenter": "1"});
        let output = handle(&ec2, &settings, input(volume)).await.unwrap();
        let snapshot = Output { volume_id: "vol-1".into(), snapshot_id: "snap-1".into(), dropped_tags: vec![] };
        assert_eq!((output, create.num_calls()), (snapshot, 1));
    }

    #[tokio::test]
    async fn tries_again_for_a_snapshot_that_is_not_found_yet_and_for_no_other_refusal() {
        for (code, expected) in
            [("InvalidSnapshot.NotFound", ErrorName::Transient), ("UnauthorizedOperation", ErrorName::Refused)]
        {
            let refuse = move || CreateTagsError::generic(ErrorMetadata::builder().code(code).message("no").build());
            let create = mock!(Client::create_tags).then_error(refuse);
            let ec2 = mock_client!(aws_sdk_ec2, RuleMode::MatchAny, &[&create]);
            let error = handle(&ec2, &Settings::default(), input(json!({}))).await.unwrap_err();
            assert_eq!(error.name, expected);
        }
    }

    #[tokio::test]
    async fn says_which_tags_found_no_room() {
        let create = mock!(Client::create_tags)
            .match_requests(|request| request.tags().len() == 44)
            .then_output(|| CreateTagsOutput::builder().build());
        let ec2 = mock_client!(aws_sdk_ec2, RuleMode::MatchAny, &[&create]);
        let tags = (0..49).map(|number| (format!("k{number:02}"), json!("v"))).collect();
        let output = handle(&ec2, &Settings::default(), input(serde_json::Value::Object(tags))).await.unwrap();
        assert_eq!(output.dropped_tags, ["k42", "k43", "k44", "k45", "k46", "k47", "k48"]);
    }

    #[tokio::test]
    async fn a_tag_that_is_refused_costs_no_other() {
        let is_refused = |request: &CreateTagsInput| request.tags().iter().any(|tag| tag.key() == Some("Owner"));
        let refuse =
            || CreateTagsError::generic(ErrorMetadata::builder().code("UnauthorizedOperation").message("no").build());
        let refused = mock!(Client::create_tags).match_requests(move |request| is_refused(request)).then_error(refuse);
        let keys = Arc::new(Mutex::new(BTreeSet::new()));
        let seen = keys.clone();
        let added = mock!(Client::create_tags)
            .match_requests(move |request| {
                let allowed = !is_refused(request);
                if allowed {
                    let keys = request.tags().iter().filter_map(|tag| tag.key().map(str::to_owned));
                    seen.lock().unwrap().extend(keys);
                }
                allowed
            })
            .then_output(|| CreateTagsOutput::builder().build());
        let ec2 = mock_client!(aws_sdk_ec2, RuleMode::MatchAny, &[&refused, &added]);
        let volume = json!({"Name": "db", "Owner": "x", "Team": "data", "Stage": "prod"});
        let error = handle(&ec2, &Settings::default(), input(volume)).await.unwrap_err();
        assert_eq!(error.message, "CreateTags: UnauthorizedOperation: no (refused: the tag Owner)");
        let keys: Vec<_> = keys.lock().unwrap().iter().cloned().collect();
        assert_eq!(keys, ["Description", "Name", "Stage", "Team"]);
    }
}
