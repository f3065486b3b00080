//! Checks one volume that a drill made: one look and the next step at each call, until it is over. It waits until EBS has made the volume,
//! and looks at its size; where there is a server for it, it attaches the volume there and has a document of SSM say what is on it.
//!
//! # Layout
//! - [`handle`]: the look at the volume. [`server`]: what the server says.

pub mod server;

use aws_sdk_ec2::{
    Client,
    error::ProvideErrorMetadata,
    types::{Volume, VolumeState},
};
use domain::{
    Error,
    drill::{Depth, RestorePoint},
    drill_wire::{Checked, Progress, Restored},
};
use jiff::{SignedDuration, Timestamp};
use runtime::error;

use server::Server;

/// How long EBS may take to make a volume.
const UNTIL_AVAILABLE: SignedDuration = SignedDuration::from_mins(60);
/// How long all of it may take.
const UNTIL_OVER: SignedDuration = SignedDuration::from_hours(3);
/// How long EC2 may not find a volume that it has just made (EC2 developer guide, "Eventual consistency").
const UNTIL_FOUND: SignedDuration = SignedDuration::from_mins(1);
/// Seconds between two looks at least and at most. In between they are a tenth of what has passed: a check of three hours is some 80 looks,
/// of nine events each, and ten volumes of a round share the 25,000 events of an execution.
const WAITS: (i64, i64) = (5, 300);

/// Looks at the volume and takes the next step. `now` is when.
///
/// # Errors
/// `Throttled` where AWS is busy, `Transient` where it is silent, `Refused` for any other answer. What is wrong with the volume is no error
/// but a [`Checked::problem`].
pub async fn handle(ec2: &Client, server: &Server, now: Timestamp, input: Progress) -> Result<Checked, Error> {
    let point = input.point()?;
    let Some(restored) = &input.restored else {
        return Err(Error::bad_input("restored", "null", "there is no volume to check"));
    };
    let before = input.checked.clone().unwrap_or_default();
    let passed = now.duration_since(restored.begun);
    let wait = Checked {
        is_over: false,
        wait_seconds: (passed.as_secs() / 10).clamp(WAITS.0, WAITS.1).unsigned_abs(),
        ..before.clone()
    };
    let Some(volume) = find(ec2, &restored.volume_id).await? else {
        let is_gone = format!("VolumeGone: {} is not there any more", restored.volume_id);
        return Ok(if passed < UNTIL_FOUND { wait } else { unproven(before, is_gone) });
    };
    if let Some(problem) = problem(&volume, restored, point, passed) {
        return Ok(unproven(before, problem));
    }
    if volume.state() == Some(&VolumeState::Creating) {
        return Ok(wait);
    }
    let seconds = Some(before.seconds.unwrap_or_else(|| passed.as_secs().max(0).unsigned_abs()));
    if input.instance.is_empty() {
        return Ok(proven(Checked { seconds, ..before }, Depth::Volume, now));
    }
    match server.step(ec2, &volume, &input, before.command.as_deref()).await? {
        server::Step::Wait { command } => Ok(Checked { seconds, command, ..wait }),
        server::Step::Found(depth) => Ok(proven(Checked { seconds, ..before }, depth, now)),
        server::Step::Failed(problem) => Ok(unproven(Checked { seconds, ..before }, problem)),
    }
}

async fn find(ec2: &Client, volume_id: &str) -> Result<Option<Volume>, Error> {
    match ec2.describe_volumes().volume_ids(volume_id).send().await {
        Ok(found) => Ok(found.volumes.unwrap_or_default().pop()),
        Err(error) if error.code() == Some("InvalidVolume.NotFound") => Ok(None),
        Err(error) => Err(error::of("DescribeVolumes", error)),
    }
}

/// Why a volume proves nothing.
fn problem(volume: &Volume, restored: &Restored, point: &RestorePoint, passed: SignedDuration) -> Option<String> {
    let (id, state) = (&restored.volume_id, volume.state()?);
    match state {
        VolumeState::Creating if passed > UNTIL_AVAILABLE => {
            Some(format!("VolumeNotAvailable: {id} is not available after {} minutes", UNTIL_AVAILABLE.as_mins()))
        }
        VolumeState::Creating => None,
        VolumeState::Available | VolumeState::InUse if passed > UNTIL_OVER => {
            Some(format!("CheckNotOver: the check of {id} is not over after {} hours", UNTIL_OVER.as_hours()))
        }
        VolumeState::Available | VolumeState::InUse => {
            let size = volume.size().and_then(|size| u32::try_from(size).ok()).unwrap_or_default();
            let is_wrong = size != point.gibibytes;
            is_wrong.then(|| format!("WrongSize: {id} has {size} GiB, its snapshot {} GiB", point.gibibytes))
        }
        other => Some(format!("VolumeError: EBS could not make {id}: it is in state {}", other.as_str())),
    }
}

fn proven(checked: Checked, depth: Depth, now: Timestamp) -> Checked {
    Checked { is_over: true, wait_seconds: 0, depth: Some(depth), at: Some(now), ..checked }
}

fn unproven(checked: Checked, problem: String) -> Checked {
    Checked { is_over: true, wait_seconds: 0, problem: Some(problem), ..checked }
}

#[cfg(test)]
mod tests;
