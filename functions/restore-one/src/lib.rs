//! Makes a volume from one restore point. CreateVolume has a client token, so a second attempt is answered with the volume of the first
//! (EC2 developer guide, "Ensuring idempotency in Amazon EC2 API requests").

use aws_sdk_ec2::{
    Client,
    types::{ResourceType, TagSpecification, VolumeType},
};
use domain::{
    Error,
    drill_wire::{Progress, Restored, volume_tags},
    tags,
};
use jiff::Timestamp;
use runtime::{error, snapshots};
use std::hash::{DefaultHasher, Hash, Hasher};

/// Makes the volume, its tags in the same call: it is the cheapest type, for what is proven is the data.
///
/// # Errors
/// `Throttled` where EC2 is busy, `Transient` where it is silent, `Refused` for any other answer (a snapshot that is gone, a quota).
pub async fn handle(ec2: &Client, backup_stack: &str, input: Progress) -> Result<Restored, Error> {
    let (stack, point) = (tags::backup_stack(backup_stack)?, input.point()?);
    let tags = snapshots::ec2_tags(volume_tags(stack, &input.execution, point));
    let tagged = TagSpecification::builder().resource_type(ResourceType::Volume).set_tags(Some(tags)).build();
    let created = ec2
        .create_volume()
        .snapshot_id(&point.snapshot_id)
        .availability_zone(&input.zone)
        .volume_type(VolumeType::Gp3)
        .client_token(client_token(&input.execution, &point.snapshot_id))
        .tag_specifications(tagged)
        .send()
        .await
        .map_err(|error| error::of("CreateVolume", error))?;
    let unanswered = |what| Error::unanswered("CreateVolume", what);
    let begun = created.create_time.and_then(|time| Timestamp::from_second(time.secs()).ok());
    Ok(Restored {
        volume_id: created.volume_id.ok_or_else(|| unanswered("no volume id"))?,
        begun: begun.ok_or_else(|| unanswered("no time of creation"))?,
    })
}

/// At most 64 characters of ASCII (AWSEC2 API reference, CreateVolume); an execution's name may have 80.
fn client_token(execution: &str, snapshot_id: &str) -> String {
    let mut hasher = DefaultHasher::new();
    execution.hash(&mut hasher);
    format!("{:016x}-{snapshot_id}", hasher.finish())
}

#[cfg(test)]
mod tests;
