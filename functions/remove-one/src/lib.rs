//! Deletes one volume that a drill made: that of an item, whatever came of it, or one that a drill before left behind. It finds it by the
//! tag that restore-one gave it, and IAM lets it delete no volume without that.

use aws_sdk_ec2::{
    Client,
    error::ProvideErrorMetadata,
    types::{Filter, Volume, VolumeAttachmentState, VolumeState},
};
use domain::{
    Error, ErrorName,
    drill::{DRILL_EXECUTION, Item, RESTORE_DRILL},
    drill_wire::{Progress, Removed},
    tags,
};
use jiff::{SignedDuration, Timestamp};
use runtime::error;

/// How long a volume may resist before a person must look.
const PATIENCE: SignedDuration = SignedDuration::from_mins(15);
/// How long EC2 may not find a volume that it has just made (EC2 developer guide, "Eventual consistency").
const UNTIL_FOUND: SignedDuration = SignedDuration::from_mins(1);
/// Seconds between two looks.
const WAIT: u64 = 10;

/// Takes the next step: detaches, or deletes. `now` is when.
///
/// # Errors
/// `Throttled` where EC2 is busy, `Transient` where it is silent, `Refused` for any other answer and for a volume that is not gone after
/// 15 minutes.
pub async fn handle(ec2: &Client, backup_stack: &str, now: Timestamp, input: Progress) -> Result<Removed, Error> {
    let stack = tags::backup_stack(backup_stack)?;
    let since = input.removed.as_ref().map_or(now, |removed| removed.since);
    let found = find(ec2, stack, &input).await?;
    let may_be_unseen = input.restored.as_ref().is_some_and(|made| now.duration_since(made.begun) < UNTIL_FOUND);
    let mut is_gone = input.removed.is_some() || !(found.is_empty() && may_be_unseen);
    for volume in &found {
        let id = volume.volume_id().unwrap_or_default();
        if now.duration_since(since) > PATIENCE {
            return Err(stays(id, volume));
        }
        is_gone &= step(ec2, id, volume).await?;
    }
    Ok(Removed { is_gone, wait_seconds: WAIT, since })
}

/// The volume, as long as it is there: by its id where that is known. Where restore-one failed it may have made one all the same.
async fn find(ec2: &Client, stack: &str, input: &Progress) -> Result<Vec<Volume>, Error> {
    let of_stack = filter(&format!("tag:{RESTORE_DRILL}"), stack);
    let mut filters = vec![of_stack];
    match (&input.item, &input.restored) {
        (Item::Leftover(leftover), _) => filters.push(filter("volume-id", &leftover.volume_id)),
        (Item::Point(_), Some(restored)) => filters.push(filter("volume-id", &restored.volume_id)),
        (Item::Point(point), None) => {
            filters.push(filter(&format!("tag:{DRILL_EXECUTION}"), &input.execution));
            filters.push(filter("snapshot-id", &point.snapshot_id));
        }
    }
    let listed = ec2.describe_volumes().set_filters(Some(filters)).into_paginator().items().send();
    let found = listed.collect::<Result<Vec<_>, _>>().await.map_err(|error| error::of("DescribeVolumes", error))?;
    Ok(found.into_iter().filter(|volume| volume.state() != Some(&VolumeState::Deleting)).collect())
}

fn filter(name: &str, value: &str) -> Filter {
    Filter::builder().name(name).values(value).build()
}

/// Whether the volume is gone now. One that is deleted may be listed as `deleting` for a moment, and is billed no more.
async fn step(ec2: &Client, id: &str, volume: &Volume) -> Result<bool, Error> {
    let attached = volume.attachments().iter().filter(|one| one.state() != Some(&VolumeAttachmentState::Detached));
    let mut is_attached = false;
    for attachment in attached {
        is_attached = true;
        if attachment.state() != Some(&VolumeAttachmentState::Detaching) {
            let instance = attachment.instance_id().unwrap_or_default();
            let detached = ec2.detach_volume().volume_id(id).instance_id(instance).send().await;
            detached.map_err(|error| error::of("DetachVolume", error))?;
        }
    }
    if is_attached {
        return Ok(false);
    }
    match ec2.delete_volume().volume_id(id).send().await {
        Ok(_) => Ok(true),
        Err(error) => match error.code() {
            Some("InvalidVolume.NotFound") => Ok(true),
            // It is being made, or detached, still.
            Some("IncorrectState" | "VolumeInUse") => Ok(false),
            _ => Err(error::of("DeleteVolume", error)),
        },
    }
}

fn stays(id: &str, volume: &Volume) -> Error {
    let state = volume.state().map_or("in no state", VolumeState::as_str);
    let servers: Vec<_> = volume.attachments().iter().filter_map(|one| one.instance_id()).collect();
    let on = if servers.is_empty() { String::new() } else { format!(" on {}", servers.join(", ")) };
    let todo = "unmount it there and detach it, or the next drill will try again";
    let message = format!("VolumeStays: {id} is {state}{on} after {} minutes: {todo}", PATIENCE.as_mins());
    Error { name: ErrorName::Refused, message }
}

#[cfg(test)]
mod tests;
