//! The restore drill: which restore points it makes volumes from, in which rounds, and what it proves.

pub mod messages;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{Error, Interval, Intervals, Night, messages::Keyed};

/// The tag of every volume that a drill makes; its value is the `BackupStack`. IAM lets the drill delete no other volume.
pub const RESTORE_DRILL: &str = "RestoreDrill";
/// The tag that names the execution that made such a volume.
pub const DRILL_EXECUTION: &str = "DrillExecution";

/// A restore point that the drill is to prove.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RestorePoint {
    /// `snap-…`
    pub snapshot_id: String,
    /// The volume that it was made of: `vol-…`
    pub volume_id: String,
    /// Its Night.
    pub night: Night,
    /// Every Interval due that Night.
    pub intervals: Intervals,
    /// The size of its volume in GiB.
    pub gibibytes: u32,
}

impl Keyed for RestorePoint {
    fn key(&self) -> &str {
        &self.volume_id
    }
}

/// The newest restore point of each Interval: three at most, those that serve several Intervals once. `restore_points` are one
/// volume's, all completed.
pub fn choose(restore_points: &[RestorePoint]) -> Vec<RestorePoint> {
    let mut chosen: Vec<RestorePoint> = Vec::new();
    for interval in [Interval::Daily, Interval::Quarterly, Interval::Annual] {
        let of_interval = restore_points.iter().filter(|point| point.intervals.contains(interval));
        let newest = of_interval.max_by_key(|point| (point.night, &point.snapshot_id));
        chosen.extend(newest.filter(|newest| !chosen.contains(newest)).cloned());
    }
    chosen
}

/// How many of `volumes` a weekly drill takes so that it has taken each once within `weeks`.
pub fn sample(volumes: usize, weeks: usize) -> usize {
    volumes.div_ceil(weeks.max(1))
}

/// What a drill may hold at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Volumes.
    pub volumes: usize,
    /// GiB, over all of them.
    pub gibibytes: u64,
}

impl Limits {
    /// The parameters `DrillVolumes` and `DrillGiB`.
    ///
    /// # Errors
    /// [`crate::ErrorName::BadInput`] for one that is not a whole number from 1.
    pub fn read(volumes: &str, gibibytes: &str) -> Result<Self, Error> {
        Ok(Self { volumes: count("DrillVolumes", volumes)?, gibibytes: count("DrillGiB", gibibytes)? })
    }
}

/// The parameter `DrillWeeks`: a whole number from 1.
pub fn weeks(text: &str) -> Result<usize, Error> {
    count("DrillWeeks", text)
}

fn count<T: std::str::FromStr + PartialOrd + From<u8>>(field: &str, text: &str) -> Result<T, Error> {
    let number = text.parse().ok().filter(|number| *number >= T::from(1));
    number.ok_or_else(|| Error::bad_input(field, format!("{text:?}"), "not a whole number from 1"))
}

/// A volume that a drill which died left behind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Leftover {
    /// `vol-…`
    pub volume_id: String,
}

/// One thing to do in a round. Written `{"point": {…}}` or `{"leftover": {…}}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Item {
    /// A restore point to prove.
    Point(RestorePoint),
    /// A volume to delete.
    Leftover(Leftover),
}

/// What the drill does at once; the next round begins when every volume of this one is gone. A line of the list of rounds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Round {
    /// Within the [`Limits`].
    pub items: Vec<Item>,
}

/// Packs what comes into rounds, in order.
#[derive(Debug)]
pub struct Rounds {
    limits: Limits,
    open: Round,
    gibibytes: u64,
}

impl Rounds {
    /// Rounds within these limits.
    pub fn new(limits: Limits) -> Self {
        Self { limits, open: Round::default(), gibibytes: 0 }
    }

    /// Whether a restore point's volume may be made at all.
    pub fn takes(&self, point: &RestorePoint) -> bool {
        u64::from(point.gibibytes) <= self.limits.gibibytes
    }

    /// Adds an item that [`Rounds::takes`]; returns the round that is full, if it finds no room there. Leftovers count as no GiB: they
    /// come first, and nothing is made beside them.
    pub fn add(&mut self, item: Item) -> Option<Round> {
        let size = match &item {
            Item::Point(point) => u64::from(point.gibibytes),
            Item::Leftover(_) => 0,
        };
        let is_other = self
            .open
            .items
            .last()
            .is_some_and(|last| matches!(last, Item::Leftover(_)) != matches!(item, Item::Leftover(_)));
        let is_full = self.open.items.len() >= self.limits.volumes || self.gibibytes + size > self.limits.gibibytes;
        let full = if is_full || is_other { self.close() } else { None };
        self.gibibytes += size;
        self.open.items.push(item);
        full
    }

    /// The last round, if it holds anything.
    pub fn close(&mut self) -> Option<Round> {
        self.gibibytes = 0;
        Some(std::mem::take(&mut self.open)).filter(|round| !round.items.is_empty())
    }
}

/// How far a restore point was proven, from the least to the most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Depth {
    /// EBS made an available volume of the right size from it.
    Volume,
    /// It was mounted, and its file system is sound.
    Files,
    /// The newest database dump on it was loaded.
    Database,
}

/// A restore point from which a volume was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Proven {
    /// When the proof was complete.
    pub at: Timestamp,
    /// `snap-…`
    pub snapshot_id: String,
    /// Its Night.
    pub night: Night,
    /// Every Interval due that Night.
    pub intervals: Intervals,
    /// Seconds from CreateVolume until the volume was seen to be available.
    pub seconds: u64,
    /// How far it was proven.
    pub depth: Depth,
}

/// A restore point that could not be proven.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Unproven {
    /// `snap-…`
    pub snapshot_id: String,
    /// Its Night.
    pub night: Night,
    /// Every Interval due that Night.
    pub intervals: Intervals,
    /// Why: an error's name and its message.
    pub reason: String,
}

/// What is known of one volume: a line of the Region's proofs, `proofs/<Region>.jsonl` in the ledger, in order of the volumes' ids.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Proof {
    /// `vol-…`
    pub volume_id: String,
    /// When a drill last took it, whatever came of it.
    pub tried: Timestamp,
    /// The newest of its restore points that a drill last proved; absent where none ever was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proven: Option<Proven>,
    /// What the last drill that took it could not prove.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unproven: Vec<Unproven>,
}

impl Keyed for Proof {
    fn key(&self) -> &str {
        &self.volume_id
    }
}

/// Days for which the ledger remembers a volume that no drill took.
const REMEMBERED: i64 = 400;

impl Proof {
    /// Whether it is too old to be remembered.
    pub fn is_forgotten(&self, now: Timestamp) -> bool {
        now.duration_since(self.tried) > SignedDuration::from_hours(24 * REMEMBERED)
    }

    /// The key of a Region's proofs in the ledger.
    pub fn ledger_key(region: &str) -> String {
        format!("proofs/{region}.jsonl")
    }
}

#[cfg(test)]
mod tests;
