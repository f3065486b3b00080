//! The choice of the restore points that a drill proves.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use strum::VariantArray;

use crate::{
    Error, Interval, Intervals, Night,
    input::count,
    selection,
    tags::{self, Tags},
};

/// A restore point for the drill to prove: a line of the drill's list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RestorePoint {
    pub snapshot_id: String,
    pub volume_id: String,
    pub night: Night,
    pub intervals: Intervals,
    pub gibibytes: u32,
    /// Tags that the account requires at creation.
    #[serde(default, skip_serializing_if = "Tags::is_empty")]
    pub creation_tags: Tags,
}

impl RestorePoint {
    /// Returns the tags of the volume that a drill creates from the restore point. With them, no run backs up the volume.
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

/// Returns the newest restore point of each Interval, at most five. A restore point that serves several Intervals is returned once.
/// `restore_points` are the completed snapshots of one volume, each with its start time. The snapshot that started last has the newest
/// data, regardless of its Night.
pub fn choose(restore_points: &[(Timestamp, RestorePoint)]) -> Vec<RestorePoint> {
    let mut chosen: Vec<RestorePoint> = Vec::new();
    for &interval in Interval::VARIANTS {
        let of_interval = restore_points.iter().filter(|(_, point)| point.intervals.contains(interval));
        let newest = of_interval.max_by_key(|(started, point)| (started, &point.snapshot_id));
        chosen.extend(newest.map(|(_, point)| point).filter(|newest| !chosen.contains(newest)).cloned());
    }
    chosen
}

/// Returns the number of volumes that a weekly drill must take to cover all `volumes` within `weeks`.
pub fn sample(volumes: usize, weeks: usize) -> usize {
    volumes.div_ceil(weeks.max(1))
}

/// The maximum number of volumes at once, and the maximum size of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub volumes: u32,
    pub gibibytes: u32,
}

impl Limits {
    /// Parses the parameters `DrillVolumes` and `DrillGiB`.
    ///
    /// # Errors
    /// [`crate::ErrorName::BadInput`] if one of them is not a whole number of 1 or more.
    pub fn read(volumes: &str, gibibytes: &str) -> Result<Self, Error> {
        Ok(Self { volumes: count("DrillVolumes", volumes)?, gibibytes: count("DrillGiB", gibibytes)? })
    }
}

/// Parses the parameter `DrillWeeks`, a whole number of 1 or more.
pub fn weeks(text: &str) -> Result<usize, Error> {
    count("DrillWeeks", text)
}

#[cfg(test)]
#[path = "choice_tests.rs"]
mod tests;
