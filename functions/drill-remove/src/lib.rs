//! Deletes one volume that a drill made, a step a look, and says whether it is gone. It touches none that does not bear the drill's tag.

use aws::{error, snapshots};
use aws_sdk_ec2::{
    Client,
    error::ProvideErrorMetadata,
    types::{Filter, Volume, VolumeAttachmentState, VolumeState},
};
use domain::{
    Error, ErrorName,
    drill::{
        DRILL_EXECUTION, Item, RESTORE_DRILL,
        messages::{Progress, Removed},
    },
    tags,
};
use jiff::Timestamp;

/// Seconds after which a person must look.
const PATIENCE: i64 = 15 * 60;
/// Seconds for which a volume that was made may not be listed yet (EC2 developer guide, "Eventual consistency").
const UNLISTED: i64 = 60;

/// Takes the next step of the removal. `now` is the time of the look.
///
/// # Errors
/// `Refused` for a volume without the drill's tag, for one that is still there after 15 minutes, and for EC2's own refusals;
/// `Throttled` or `Transient` where EC2 is busy or silent.
pub async fn handle(ec2: &Client, backup_stack: &str, now: Timestamp, input: Progress) -> Result<Removed, Error> {
    let stack = tags::backup_stack(backup_stack)?;
    let since = input.removed.as_ref().map_or(now, |removed| removed.since);
    let passed = now.duration_since(since).as_secs();
    let mut there = Vec::new();
    for volume in listed(ec2, filters(stack, &input)).await? {
        require_ours(stack, &volume)?;
        there.extend(remove(ec2, &volume).await?.then(|| in_words(&volume)));
    }
    let is_gone = there.is_empty() && !may_appear(&input, now, passed);
    if !is_gone && passed >= PATIENCE {
        return Err(not_removed(&there.join("; "), stack));
    }
    Ok(Removed { is_gone, wait_seconds: (passed / 10).clamp(5, 60) as u64, since })
}

/// What finds the item's volume. Where drill-restore failed nobody knows an id, and there may be a volume all the same.
fn filters(stack: &str, input: &Progress) -> Vec<(String, String)> {
    match (&input.item, &input.restored) {
        (Item::Leftover(leftover), _) => vec![("volume-id".to_owned(), leftover.volume_id.clone())],
        (_, Some(restored)) => vec![("volume-id".to_owned(), restored.volume_id.clone())],
        (Item::Point(point), None) => vec![
            (format!("tag:{RESTORE_DRILL}"), stack.to_owned()),
            (format!("tag:{DRILL_EXECUTION}"), input.execution.clone()),
            ("snapshot-id".to_owned(), point.snapshot_id.clone()),
        ],
    }
}

async fn listed(ec2: &Client, filters: Vec<(String, String)>) -> Result<Vec<Volume>, Error> {
    let filters = filters.into_iter().map(|(name, value)| Filter::builder().name(name).values(value).build());
    let pages = ec2.describe_volumes().set_filters(Some(filters.collect())).into_paginator().items().send();
    pages.collect::<Result<_, _>>().await.map_err(|error| error::of("DescribeVolumes", error))
}

/// IAM says the same: it lets the function delete nothing else.
fn require_ours(stack: &str, volume: &Volume) -> Result<(), Error> {
    let tags = snapshots::tags_of(volume.tags());
    if tags.get(RESTORE_DRILL).map(String::as_str) == Some(stack) {
        return Ok(());
    }
    let id = volume.volume_id().unwrap_or_default();
    let problem = format!("{id} does not bear the tag {RESTORE_DRILL}={stack}");
    let message = format!("NotRemoved: {problem}, so it stays; delete it by hand if it is the drill's");
    Err(Error { name: ErrorName::Refused, message })
}

/// Takes the next step with a volume; whether it is still there.
async fn remove(ec2: &Client, volume: &Volume) -> Result<bool, Error> {
    match volume.state() {
        Some(VolumeState::Deleted) => Ok(false),
        Some(VolumeState::Deleting) => Ok(true),
        Some(VolumeState::InUse) => detach(ec2, volume).await.map(|()| true),
        _ => delete(ec2, volume).await,
    }
}

async fn detach(ec2: &Client, volume: &Volume) -> Result<(), Error> {
    let attached = |state: Option<&VolumeAttachmentState>| {
        matches!(state, Some(VolumeAttachmentState::Attached | VolumeAttachmentState::Attaching))
    };
    for attachment in volume.attachments().iter().filter(|attachment| attached(attachment.state())) {
        let detach = ec2.detach_volume().set_volume_id(volume.volume_id.clone());
        let detached = detach.set_instance_id(attachment.instance_id.clone()).send().await;
        let Err(error) = detached else { continue };
        // It is on its way already, or not yet there.
        if !matches!(error.code(), Some("IncorrectState" | "InvalidAttachment.NotFound")) {
            return Err(error::of("DetachVolume", error));
        }
    }
    Ok(())
}

async fn delete(ec2: &Client, volume: &Volume) -> Result<bool, Error> {
    let Err(error) = ec2.delete_volume().set_volume_id(volume.volume_id.clone()).send().await else { return Ok(true) };
    match error.code() {
        Some("InvalidVolume.NotFound") => Ok(false),
        // It is being made, or detached.
        Some("IncorrectState" | "VolumeInUse") => Ok(true),
        _ => Err(error::of("DeleteVolume", error)),
    }
}

/// Whether a volume that is not listed may yet appear: it was just made, or an answer of CreateVolume's was lost.
fn may_appear(input: &Progress, now: Timestamp, passed: i64) -> bool {
    match (&input.item, &input.restored) {
        (Item::Leftover(_), _) => false,
        (_, Some(restored)) => {
            let was_seen = input.checked.as_ref().is_some_and(|checked| checked.seconds.is_some());
            !was_seen && now.duration_since(restored.begun).as_secs() < UNLISTED
        }
        (_, None) => {
            let refused = input.failure.get("DrillRestore").is_some_and(|caught| caught.error == "Refused");
            !refused && passed < UNLISTED
        }
    }
}

fn in_words(volume: &Volume) -> String {
    let state = volume.state().map_or("there", VolumeState::as_str);
    let instances = volume.attachments().iter().filter_map(|attachment| attachment.instance_id());
    let instances: Vec<_> = instances.collect();
    let on = if instances.is_empty() { String::new() } else { format!(" on {}", instances.join(", ")) };
    format!("{} is {state}{on}", volume.volume_id().unwrap_or_default())
}

fn not_removed(there: &str, stack: &str) -> Error {
    let message = format!(
        "NotRemoved: {there} after {} minutes; detach it if it is in use, then delete it: it bears the tag {RESTORE_DRILL}={stack}",
        PATIENCE / 60
    );
    Error { name: ErrorName::Refused, message }
}

#[cfg(test)]
mod tests;
