//! Chooses the restore points that a drill proves in one Region. Takes this week's volumes, and for each volume the newest restore point of
//! each Interval.
//!
//! # Layout
//! - [`handle`]: the choice.
//! - [`zone`]: the Availability Zone and the instance.
//! - [`others`]: the check for other running drills.

pub mod others;
pub mod zone;

use aws::snapshots;
use aws_sdk_ec2::{
    Client,
    types::{Snapshot, SnapshotState, StorageTier},
};
use domain::{
    Error, Night, Reason,
    descriptive_tags::Owner,
    drill::{
        self, Limits, Proof, RestorePoint,
        messages::{DrillChoice, UnprovenVolume},
    },
    input::{DrillInput, require_past},
    night,
    reason::Code,
    step_functions::Execution,
    tags::{self, Identity},
    tags_at_creation::TagsAtCreation,
};
use jiff::Timestamp;
use ledger::{Ledger, keys};
use serde::Deserialize;
use std::collections::HashMap;

use zone::DrillZone;

/// One Region, and the execution with the input of the drill.
#[derive(Debug, Deserialize)]
pub struct Input {
    pub region: String,
    pub execution: Execution,
}

/// Parameters of the stack, as text.
#[derive(Clone, Debug)]
pub struct Settings {
    pub backup_stack: String,
    pub time_zone: String,
    /// Comma-separated Availability Zones. May be empty.
    pub zones: String,
    /// `i-…`, or empty.
    pub instance: String,
    pub volumes: String,
    pub gibibytes: String,
    pub weeks: String,
    pub owner: Owner,
    /// Parsed by [`TagsAtCreation::read`].
    pub tags_at_creation: String,
    /// Comma-separated list of the drill's Regions.
    pub regions: String,
    /// The stack's own Region, where the instance is.
    pub home: String,
    /// Whether a drill may be for a date in the future. Only the local cloud allows this.
    pub any_night: bool,
}

/// Chooses the restore points, and writes two lists to the ledger: those to prove, and those that the drill cannot take.
///
/// # Errors
/// `BadInput` for an input or a parameter that a person must fix, and if another drill is running; `Throttled`, `Transient` or `Refused`
/// from EC2, Step Functions or S3.
pub async fn handle(
    ec2: &Client,
    sfn: &aws_sdk_sfn::Client,
    ledger: &Ledger,
    settings: &Settings,
    input: Input,
) -> Result<DrillChoice, Error> {
    let Input { region, execution } = input;
    let start = DrillInput::read(&execution.input, execution.start_time)?;
    if !settings.any_night {
        require_past(start.time, execution.start_time)?;
    }
    let date = Night::from_time(start.time, &night::zone(&settings.time_zone)?);
    lambda::log::night(date);
    let stack = tags::backup_stack(&settings.backup_stack)?;
    let limits = Limits::read(&settings.volumes, &settings.gibibytes)?;
    let weeks = drill::choice::weeks(&settings.weeks)?;
    let creation_tags = TagsAtCreation::read(settings.owner.clone(), &settings.tags_at_creation)?;
    others::require_none(sfn, &execution).await?;
    let DrillZone { zone, instance } = zone::choose(ec2, settings, &region).await?;

    let found = restore_points(ec2, stack, &creation_tags).await?;
    let volumes = found.len();
    let taken = if start.all { volumes } else { drill::choice::sample(volumes, weeks) };
    let tried = last_tried(ledger, &region).await?;
    let mut due: Vec<&String> = found.keys().collect();
    // A volume that no drill ever took comes first.
    due.sort_unstable_by_key(|volume| (tried.get(*volume), *volume));

    let list = |name| ledger.write_list(keys::drill_list(date, &execution, &region, name));
    let (mut points, mut unproven) = (list("points"), list("unproven"));
    for point in due.into_iter().take(taken).flat_map(|volume| drill::choice::choose(&found[volume])) {
        if point.gibibytes <= limits.gibibytes {
            points.write(&point).await?;
        } else {
            unproven.write(&too_large(point, limits)).await?;
        }
    }
    let (points, unproven, at_once) = (points.close_list().await?, unproven.close_list().await?, limits.volumes);
    Ok(DrillChoice {
        region,
        execution: execution.name,
        date,
        zone,
        instance,
        at_once,
        points,
        unproven,
        volumes,
        taken,
    })
}

/// Lists the restore points of each volume, each with the start time of its snapshot.
async fn restore_points(
    ec2: &Client,
    stack: &str,
    creation_tags: &TagsAtCreation,
) -> Result<HashMap<String, Vec<(Timestamp, RestorePoint)>>, Error> {
    let mut found = HashMap::<String, Vec<_>>::new();
    snapshots::each_managed(ec2, stack, &[], async |snapshot| {
        if let Some((started, point)) = restore_point(snapshot, creation_tags) {
            found.entry(point.volume_id.clone()).or_default().push((started, point));
        }
        Ok(())
    })
    .await?;
    Ok(found)
}

/// Returns the restore point of a completed snapshot of ours with readable identity tags. Each run reports the other snapshots. The drill
/// does not know which volumes exist, so it skips a snapshot without the tag `SnapshotOf`. It also skips an archived snapshot, because
/// restoring one from the archive takes up to 72 hours.
fn restore_point(snapshot: Snapshot, creation_tags: &TagsAtCreation) -> Option<(Timestamp, RestorePoint)> {
    if snapshot.state() != Some(&SnapshotState::Completed) || snapshot.storage_tier() == Some(&StorageTier::Archive) {
        return None;
    }
    let tags = snapshots::tags_of(snapshot.tags());
    tags::require_own(&tags, snapshot.volume_id()?, false).ok()?;
    let Identity { night, intervals, .. } = tags::read_identity(&tags).ok()?;
    let gibibytes = snapshot.volume_size.and_then(|size| size.try_into().ok())?;
    let started = Timestamp::from_second(snapshot.start_time?.secs()).ok()?;
    let (snapshot_id, volume_id) = (snapshot.snapshot_id?, snapshot.volume_id?);
    let creation_tags = creation_tags.select(&tags);
    Some((started, RestorePoint { snapshot_id, volume_id, night, intervals, gibibytes, creation_tags }))
}

/// Returns the time at which a drill last took each volume.
async fn last_tried(ledger: &Ledger, region: &str) -> Result<HashMap<String, Timestamp>, Error> {
    let mut proofs = ledger.read_any_list::<Proof>(&keys::proofs(region)).await?;
    let mut tried = HashMap::new();
    while let Some(proof) = proofs.next().await? {
        tried.insert(proof.volume_id, proof.tried);
    }
    Ok(tried)
}

fn too_large(point: RestorePoint, limits: Limits) -> UnprovenVolume {
    let (size, most) = (point.gibibytes, limits.gibibytes);
    let message = format!("the volume has {size} GiB, but the parameter DrillGiB allows {most}");
    UnprovenVolume::new(point, Reason::new(Code::TooLarge, message))
}

#[cfg(test)]
mod tests;
