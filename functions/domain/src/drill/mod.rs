//! The restore drill: its choice of restore points, and its proofs.

pub mod messages;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    Error, Interval, Intervals, Night, Reason,
    input::count,
    selection,
    tags::{self, Tags},
};

/// A restore point that the drill is to prove: a line of the drill's list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RestorePoint {
    pub snapshot_id: String,
    pub volume_id: String,
    pub night: Night,
    pub intervals: Intervals,
    pub gibibytes: u32,
    /// The tags that the account demands at creation.
    #[serde(default, skip_serializing_if = "Tags::is_empty")]
    pub creation_tags: Tags,
}

impl RestorePoint {
    /// The tags of the volume that a drill creates from it. No run backs that volume up.
    pub fn volume_tags(&self, stack: &str, execution: &str) -> Tags {
        let mut tags = self.creation_tags.clone();
        let own = [
            (tags::RESTORE_DRILL, stack.to_owned()),
            (tags::DRILL_EXECUTION, execution.to_owned()),
            (selection::OPT_OUT, "false".to_owned()),
            (tags::NAME, format!("restore-drill of {}", self.volume_id)),
        ]
        .map(|(key, value)| (key.to_owned(), value));
        tags.extend(own);
        tags
    }
}

/// Returns the newest restore point of each Interval: three at most, and one that serves several Intervals once. `restore_points` are
/// completed snapshots of one volume, each with the time when it started: the newest has the newest data, whatever its Night.
pub fn choose(restore_points: &[(Timestamp, RestorePoint)]) -> Vec<RestorePoint> {
    let mut chosen: Vec<RestorePoint> = Vec::new();
    for interval in [Interval::Daily, Interval::Quarterly, Interval::Annual] {
        let of_interval = restore_points.iter().filter(|(_, point)| point.intervals.contains(interval));
        let newest = of_interval.max_by_key(|(started, point)| (started, &point.snapshot_id));
        chosen.extend(newest.map(|(_, point)| point).filter(|newest| !chosen.contains(newest)).cloned());
    }
    chosen
}

/// Returns how many of `volumes` a weekly drill takes so that each has its turn within `weeks`.
pub fn sample(volumes: usize, weeks: usize) -> usize {
    volumes.div_ceil(weeks.max(1))
}

/// How many volumes a drill has at once, and how large each may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub volumes: u32,
    pub gibibytes: u32,
}

impl Limits {
    /// Reads the parameters `DrillVolumes` and `DrillGiB`.
    ///
    /// # Errors
    /// [`crate::ErrorName::BadInput`] if one is not a whole number from 1.
    pub fn read(volumes: &str, gibibytes: &str) -> Result<Self, Error> {
        Ok(Self { volumes: count("DrillVolumes", volumes)?, gibibytes: count("DrillGiB", gibibytes)? })
    }
}

/// Reads the parameter `DrillWeeks`: a whole number from 1.
pub fn weeks(text: &str) -> Result<usize, Error> {
    count("DrillWeeks", text)
}

/// How far a restore point was proven, from the least to the most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Depth {
    /// EBS made an available volume of the right size from it.
    Volume,
    /// It was mounted, and its file system is sound.
    Files,
    /// Its newest database dump was loaded.
    Database,
}

/// A restore point from which a volume was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Proven {
    pub at: Timestamp,
    pub snapshot_id: String,
    pub night: Night,
    pub intervals: Intervals,
    /// Seconds from CreateVolume until the volume was seen to be available.
    pub seconds: u64,
    pub depth: Depth,
}

/// A restore point that could not be proven.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Unproven {
    pub snapshot_id: String,
    pub night: Night,
    pub intervals: Intervals,
    pub reason: Reason,
}

/// The proofs of one volume: a line of the Region's `proofs/<Region>.jsonl` in the ledger, in order of the volumes' ids.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Proof {
    pub volume_id: String,
    /// When the last drill that took the volume started, whether or not it proved anything.
    pub tried: Timestamp,
    /// The newest restore point in the last drill that proved one; absent if none ever did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proven: Option<Proven>,
    /// The restore points that the last drill could not prove.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unproven: Vec<Unproven>,
}

/// Days after which the ledger forgets a volume that no drill took.
const REMEMBERED: i64 = 400;

impl Proof {
    /// Whether it is too old to be remembered.
    pub fn is_forgotten(&self, now: Timestamp) -> bool {
        now.duration_since(self.tried) > SignedDuration::from_hours(24 * REMEMBERED)
    }
}

#[cfg(test)]
mod tests;
