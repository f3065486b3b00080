//! Deletes volumes that a drill created, one step per invocation, and returns whether they are gone. Never deletes a volume without the
//! drill's tag.

use aws::{error, snapshots};
use aws_sdk_ec2::{
    Client,
    error::ProvideErrorMetadata,
    types::{Filter, Volume, VolumeAttachmentState, VolumeState},
};
use domain::{
    Error, ErrorName, Reason,
    drill::{
        RestorePoint,
        messages::{ProofProgress, Removal},
    },
    reason::Code,
    step_functions::Caught,
    tags::{self, DRILL_EXECUTION, RESTORE_DRILL},
};
use jiff::Timestamp;
use serde::Deserialize;
use std::collections::BTreeSet;

/// Seconds after which a person must check the volume.
const ALARM_AFTER: i64 = 15 * 60;
/// Seconds for which EC2 may not list a new volume yet (EC2 developer guide, "Eventual consistency").
const UNLISTED: i64 = 60;

/// The state of a child execution, or of a Region before its child executions start.
#[derive(Clone, Debug, Deserialize)]
pub struct Input {
    pub region: String,
    pub execution: String,
    /// Restore point of the volume to delete. Absent for the volumes that earlier drills left behind.
    pub point: Option<RestorePoint>,
    /// Absent if drill-restore failed.
    pub progress: Option<ProofProgress>,
    pub failure: Option<Caught>,
    /// Output of the last invocation. Absent in the first invocation.
    pub removal: Option<Removal>,
}

/// The volumes to delete.
enum Removable<'a> {
    /// The volume that CreateVolume returned.
    Created(&'a ProofProgress),
    /// The volume that CreateVolume may have created although it failed. If EC2 refused the call, there is no volume.
    Unknown { snapshot_id: &'a str, was_refused: bool },
    /// The volumes that earlier drills left behind. No other drill is running.
    LeftBehind,
}

/// Takes the next step of the removal. `now` is the current time.
///
/// # Errors
/// `Refused` for a volume without the drill's tag, for a volume that still exists after 15 minutes, and if EC2 refuses a call; `Throttled`
/// or `Transient` if EC2 throttles or does not respond.
pub async fn handle(ec2: &Client, backup_stack: &str, now: Timestamp, input: Input) -> Result<Removal, Error> {
    let stack = tags::backup_stack(backup_stack)?;
    let target = input.target();
    let since = input.removal.as_ref().map_or(now, |removal| removal.since);
    let passed = now.duration_since(since).as_secs();
    let mut deleted = input.removal.as_ref().map(|before| &before.deleted | &before.left).unwrap_or_default();
    let mut left = BTreeSet::new();
    let (mut states, mut failed) = (Vec::new(), None);
    for volume in find(ec2, stack, &input.execution, &target).await? {
        let id = volume.volume_id().unwrap_or_default().to_owned();
        match remove(ec2, stack, &volume).await {
            Ok(true) => {
                states.push(describe(&volume));
                left.insert(id);
            }
            Ok(false) => {
                deleted.insert(id);
            }
            // Continue, so that the other volumes are still deleted.
            Err(error) => failed = Some(error),
        }
    }
    if let Some(error) = failed {
        return Err(error);
    }
    deleted = &deleted - &left;
    let is_gone = left.is_empty() && !(deleted.is_empty() && target.may_appear(now, passed));
    if !is_gone && passed >= ALARM_AFTER {
        let (states, minutes) = (states.join("; "), ALARM_AFTER / 60);
        let remedy = format!("detach and delete it by hand (its tag is {RESTORE_DRILL}={stack})");
        return Err(not_removed(format!("{states} after {minutes} minutes; {remedy}")));
    }
    Ok(Removal { is_gone, wait_seconds: (passed / 10).clamp(5, 60) as u64, since, deleted, left })
}

impl Input {
    fn target(&self) -> Removable<'_> {
        match (&self.progress, &self.point) {
            (Some(progress), _) => Removable::Created(progress),
            (None, Some(point)) => {
                let was_refused = self.failure.as_ref().is_some_and(|caught| caught.error == "Refused");
                Removable::Unknown { snapshot_id: &point.snapshot_id, was_refused }
            }
            (None, None) => Removable::LeftBehind,
        }
    }
}

impl Removable<'_> {
    /// Returns whether EC2 may still list a volume later. Either the volume was just created, or a response of CreateVolume was lost.
    fn may_appear(&self, now: Timestamp, passed: i64) -> bool {
        match self {
            Self::Created(progress) => now.duration_since(progress.created).as_secs() < UNLISTED,
            Self::Unknown { was_refused, .. } => !was_refused && passed < UNLISTED,
            Self::LeftBehind => false,
        }
    }
}

async fn find(ec2: &Client, stack: &str, execution: &str, target: &Removable<'_>) -> Result<Vec<Volume>, Error> {
    let (ours, own) = (format!("tag:{RESTORE_DRILL}"), format!("tag:{DRILL_EXECUTION}"));
    let filters = match target {
        Removable::Created(progress) => vec![("volume-id", progress.volume_id.as_str())],
        Removable::Unknown { snapshot_id, .. } => {
            vec![(&*ours, stack), (&*own, execution), ("snapshot-id", snapshot_id)]
        }
        Removable::LeftBehind => vec![(&*ours, stack)],
    };
    let filters = filters.into_iter().map(|(name, value)| Filter::builder().name(name).values(value).build());
    let pages = ec2.describe_volumes().set_filters(Some(filters.collect())).into_paginator().items().send();
    let found: Result<Vec<_>, _> = pages.collect().await;
    let mut found = found.map_err(|error| error::from_sdk("DescribeVolumes", error))?;
    if matches!(target, Removable::LeftBehind) {
        let is_own = |volume: &Volume| tag(volume, DRILL_EXECUTION).as_deref() == Some(execution);
        found.retain(|volume| !is_own(volume));
    }
    Ok(found)
}

fn tag(volume: &Volume, key: &str) -> Option<String> {
    snapshots::tags_of(volume.tags()).remove(key)
}

/// Takes the next step of a volume's removal. Returns whether the volume still exists.
async fn remove(ec2: &Client, stack: &str, volume: &Volume) -> Result<bool, Error> {
    // IAM requires the same tag.
    if tag(volume, RESTORE_DRILL).as_deref() != Some(stack) {
        let id = volume.volume_id().unwrap_or_default();
        let message = format!("{id} has no tag {RESTORE_DRILL}={stack}; if the drill created it, delete it by hand");
        return Err(not_removed(message));
    }
    match volume.state() {
        Some(VolumeState::Deleted) => Ok(false),
        Some(VolumeState::Deleting) => Ok(true),
        Some(VolumeState::InUse) => detach(ec2, volume).await.map(|()| true),
        _ => delete(ec2, volume).await,
    }
}

async fn detach(ec2: &Client, volume: &Volume) -> Result<(), Error> {
    use VolumeAttachmentState::{Attached, Attaching};
    let attached = |state: Option<&VolumeAttachmentState>| matches!(state, Some(Attached | Attaching));
    for attachment in volume.attachments().iter().filter(|attachment| attached(attachment.state())) {
        let detach = ec2.detach_volume().set_volume_id(volume.volume_id.clone());
        let detached = detach.set_instance_id(attachment.instance_id.clone()).send().await;
        let Err(error) = detached else { continue };
        // The volume is already being detached, or is not attached yet.
        if !matches!(error.code(), Some("IncorrectState" | "InvalidAttachment.NotFound")) {
            return Err(about(volume, error::from_sdk("DetachVolume", error)));
        }
    }
    Ok(())
}

async fn delete(ec2: &Client, volume: &Volume) -> Result<bool, Error> {
    let Err(error) = ec2.delete_volume().set_volume_id(volume.volume_id.clone()).send().await else { return Ok(true) };
    match error.code() {
        Some("InvalidVolume.NotFound") => Ok(false),
        // The volume is being created or detached.
        Some("IncorrectState" | "VolumeInUse") => Ok(true),
        _ => Err(about(volume, error::from_sdk("DeleteVolume", error))),
    }
}

fn about(volume: &Volume, error: Error) -> Error {
    Error { message: format!("{}: {}", volume.volume_id().unwrap_or_default(), error.message), ..error }
}

/// Describes the state of a volume, such as `vol-1 is in-use on i-1`.
fn describe(volume: &Volume) -> String {
    let state = volume.state().map_or("there", VolumeState::as_str);
    let instances = volume.attachments().iter().filter_map(|attachment| attachment.instance_id());
    let instances: Vec<_> = instances.collect();
    let on = if instances.is_empty() { String::new() } else { format!(" on {}", instances.join(", ")) };
    format!("{} is {state}{on}", volume.volume_id().unwrap_or_default())
}

/// Creates the error of a volume that still exists. The error is `Refused`, because no further attempt will delete the volume.
fn not_removed(message: String) -> Error {
    Error { name: ErrorName::Refused, message: Reason::new(Code::NotRemoved, message).to_string() }
}

#[cfg(test)]
mod tests;
