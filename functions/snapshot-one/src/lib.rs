//! Creates the Night's snapshot of one volume when its turn has come. The same call adds the identity tags and the tags that the account
//! requires.
//!
//! CreateSnapshot has no client token (EC2 API reference). If the response of an attempt was lost, the attempt may have created the
//! snapshot. So each attempt looks for a snapshot before it creates one, the SDK makes only one attempt at the call, and the state machine
//! retries. EC2 itself refuses a second snapshot within 15 seconds, which covers a snapshot that is not listed yet.

use aws::{error, snapshots};
use aws_sdk_ec2::{
    Client,
    config::{Config, retry::RetryConfig},
    types::{ResourceType, TagSpecification},
};
use domain::{
    Error, Night,
    descriptive_tags::{self, Owner},
    messages::{ChildPosition, SelectedVolume},
    pace::Pace,
    tags,
    tags_at_creation::TagsAtCreation,
};
use lambda::pace;
use serde::{Deserialize, Serialize};

/// One volume of the work list, and the Night of the run.
#[derive(Debug, Deserialize)]
pub struct Input {
    pub region: String,
    pub night: Night,
    pub volume: SelectedVolume,
    pub turn: ChildPosition,
    /// Name of the run's execution, for the log.
    #[serde(default)]
    pub execution: String,
}

/// Parameters of the stack.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    pub backup_stack: String,
    pub snapshots_per_second: String,
    pub owner: Owner,
    /// Parsed by [`TagsAtCreation::read`].
    pub tags_at_creation: String,
}

/// The snapshot, and the data that tag-snapshot needs to describe it.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    pub region: String,
    pub night: Night,
    /// Name of the run's execution.
    pub execution: String,
    pub snapshot_id: String,
    pub volume: SelectedVolume,
}

/// Creates the snapshot, or finds the one that an earlier attempt created.
///
/// # Errors
/// `BadInput` for a parameter that a person must fix, `SnapshotTooSoon` if EBS requires a wait of 15 s, `Throttled` if EC2 throttles,
/// `Transient` if EC2 does not respond, `Refused` for any other error.
pub async fn handle(ec2: &Client, settings: &Settings, input: Input) -> Result<Output, Error> {
    let stack = tags::backup_stack(&settings.backup_stack)?;
    let creation_tags = TagsAtCreation::read(settings.owner.clone(), &settings.tags_at_creation)?;
    pace::wait_for(input.turn, Pace::read(&settings.snapshots_per_second)?).await;
    let snapshot_id = match find(ec2, stack, &input).await? {
        Some(snapshot_id) => snapshot_id,
        None => create(ec2, stack, &creation_tags, &input).await?,
    };
    let Input { region, night, execution, volume, .. } = input;
    Ok(Output { region, night, execution, snapshot_id, volume })
}

async fn find(ec2: &Client, stack: &str, input: &Input) -> Result<Option<String>, Error> {
    let night = input.night.to_string();
    let filters = [("volume-id", input.volume.volume_id.as_str()), (&format!("tag:{}", tags::NIGHT), &night)];
    let mut found = None;
    snapshots::each_managed(ec2, stack, &filters, async |snapshot| {
        if snapshots::protects(&snapshot) {
            found = snapshot.snapshot_id;
        }
        Ok(())
    })
    .await?;
    Ok(found)
}

async fn create(ec2: &Client, stack: &str, creation_tags: &TagsAtCreation, input: &Input) -> Result<String, Error> {
    let SelectedVolume { volume_id, intervals, plan, tags, .. } = &input.volume;
    let intervals = intervals.as_ref().ok_or_else(|| Error::bad_input("volume", volume_id, "has no intervals"))?;
    let mut tags = creation_tags.select(tags);
    tags.extend(tags::identity(stack, input.night, intervals, plan, volume_id));
    let tags = Some(snapshots::ec2_tags(tags));
    let tags = TagSpecification::builder().resource_type(ResourceType::Snapshot).set_tags(tags).build();
    let once = Config::builder().retry_config(RetryConfig::disabled());
    let created = ec2
        .create_snapshot()
        .volume_id(&input.volume.volume_id)
        .description(descriptive_tags::snapshot_description(&input.volume.tags))
        .tag_specifications(tags)
        .customize()
        .config_override(once)
        .send()
        .await
        .map_err(|error| error::from_sdk("CreateSnapshot", error))?;
    created.snapshot_id.ok_or_else(|| Error::unanswered("CreateSnapshot", "no snapshot id"))
}

#[cfg(test)]
mod tests;
