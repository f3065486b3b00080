//! Makes a volume from one restore point.

use aws::{error, snapshots};
use aws_sdk_ec2::{
    Client,
    types::{ResourceType, TagSpecification, VolumeType},
};
use domain::{
    Error,
    drill::{
        RestorePoint,
        messages::{Progress, Restored, volume_tags},
    },
    tags,
};
use jiff::Timestamp;
use std::hash::{DefaultHasher, Hash, Hasher};

/// Makes the volume, or finds the one that an earlier attempt made: EC2 answers a client token that it knows with the same volume (EC2
/// developer guide, "Ensuring idempotency in Amazon EC2 API requests").
///
/// # Errors
/// `BadInput` for an item that is no restore point; `Throttled`, `Transient` or `Refused` from EC2, in its words.
pub async fn handle(ec2: &Client, backup_stack: &str, input: Progress) -> Result<Restored, Error> {
    let (stack, point) = (tags::backup_stack(backup_stack)?, input.point()?);
    let bears = snapshots::ec2_tags(volume_tags(stack, &input.execution, point));
    let bears = TagSpecification::builder().resource_type(ResourceType::Volume).set_tags(Some(bears)).build();
    let create = ec2.create_volume().snapshot_id(&point.snapshot_id).availability_zone(&input.zone);
    let create = create.volume_type(VolumeType::Gp3).tag_specifications(bears);
    let created = create.client_token(token(&input.execution, point)).send().await;
    let created = created.map_err(|error| error::of("CreateVolume", error))?;
    let begun = created.create_time.and_then(|time| Timestamp::from_second(time.secs()).ok());
    Ok(Restored {
        volume_id: created.volume_id.ok_or_else(|| Error::unanswered("CreateVolume", "no volume id"))?,
        begun: begun.ok_or_else(|| Error::unanswered("CreateVolume", "no creation time"))?,
    })
}

/// The same for every attempt of one execution, in at most 64 ASCII characters (AWSEC2 API reference, CreateVolume): the execution's
/// name alone may have 80.
fn token(execution: &str, point: &RestorePoint) -> String {
    let mut hasher = DefaultHasher::new();
    execution.hash(&mut hasher);
    format!("{}-{:016x}", point.snapshot_id, hasher.finish())
}

#[cfg(test)]
mod tests;
