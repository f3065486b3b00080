//! Creates a volume from one restore point.

use aws::{error, snapshots};
use aws_sdk_ec2::{
    Client,
    types::{ResourceType, TagSpecification, VolumeType},
};
use domain::{
    Error,
    drill::{
        RestorePoint,
        messages::{ProofProgress, Stage},
    },
    tags,
};
use jiff::Timestamp;
use serde::Deserialize;
use std::hash::{DefaultHasher, Hash, Hasher};

/// A restore point, and the Availability Zone of its volume.
#[derive(Clone, Debug, Deserialize)]
pub struct Input {
    pub region: String,
    pub zone: String,
    pub execution: String,
    pub point: RestorePoint,
}

/// Creates the volume, or finds the one that an earlier attempt created. If EC2 knows the client token, it returns the same volume (EC2
/// developer guide, "Ensuring idempotency in Amazon EC2 API requests").
///
/// # Errors
/// `BadInput` if the stack has no name; `Throttled`, `Transient` or `Refused` from EC2, with EC2's message.
pub async fn handle(ec2: &Client, backup_stack: &str, input: Input) -> Result<ProofProgress, Error> {
    let Input { zone, execution, point, .. } = input;
    let tags = snapshots::ec2_tags(point.volume_tags(tags::backup_stack(backup_stack)?, &execution));
    let tags = TagSpecification::builder().resource_type(ResourceType::Volume).set_tags(Some(tags)).build();
    let create = ec2.create_volume().snapshot_id(&point.snapshot_id).availability_zone(zone);
    let create = create.volume_type(VolumeType::Gp3).tag_specifications(tags).client_token(token(&execution, &point));
    let volume = create.send().await.map_err(|error| error::from_sdk("CreateVolume", error))?;
    let created = volume.create_time.and_then(|time| Timestamp::from_second(time.secs()).ok());
    Ok(ProofProgress {
        volume_id: volume.volume_id.ok_or_else(|| Error::unanswered("CreateVolume", "no volume id"))?,
        created: created.ok_or_else(|| Error::unanswered("CreateVolume", "no creation time"))?,
        stage: Stage::Creating,
        wait_seconds: 0,
    })
}

/// Returns the same token for every attempt of one execution. A token has at most 64 ASCII characters (AWSEC2 API reference, CreateVolume),
/// but the name of an execution alone may have 80. So the token contains a hash of the name.
fn token(execution: &str, point: &RestorePoint) -> String {
    let mut hasher = DefaultHasher::new();
    execution.hash(&mut hasher);
    format!("{}-{:016x}", point.snapshot_id, hasher.finish())
}

#[cfg(test)]
mod tests;
