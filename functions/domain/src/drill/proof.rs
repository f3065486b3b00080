//! The proofs that the ledger keeps.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{Intervals, Night, Reason};

/// The extent of a proof, from the least to the most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum Depth {
    /// EBS created an available volume of the right size from the restore point.
    Volume,
    /// The volume was mounted, and its file system is sound.
    Files,
    /// The newest database dump on the volume was loaded.
    Database,
}

/// A restore point from which a drill created a volume.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Proven {
    pub at: Timestamp,
    pub snapshot_id: String,
    pub night: Night,
    pub intervals: Intervals,
    /// Seconds from CreateVolume until the volume was found to be available.
    pub seconds: u64,
    pub depth: Depth,
}

/// A restore point that could not be proven.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Unproven {
    pub snapshot_id: String,
    pub night: Night,
    pub intervals: Intervals,
    pub reason: Reason,
}

/// The proofs of one volume: a line of `proofs/<Region>.jsonl` in the ledger, which is sorted by volume id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Proof {
    pub volume_id: String,
    /// Start time of the last drill that took the volume, whether or not it proved anything.
    pub tried: Timestamp,
    /// Newest restore point of the last drill that proved one. Absent if no drill ever did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proven: Option<Proven>,
    /// Restore points that the last drill could not prove.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unproven: Vec<Unproven>,
}

/// Days after which the ledger drops a volume that no drill took.
const REMEMBERED: i64 = 400;

impl Proof {
    /// Returns whether the ledger drops the proof because of its age.
    pub fn is_forgotten(&self, now: Timestamp) -> bool {
        now.duration_since(self.tried) > SignedDuration::from_hours(24 * REMEMBERED)
    }
}
