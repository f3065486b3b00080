//! The report of a restore drill: `report.json` in the ledger.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::mail::Mail;
use domain::{
    Night, Reason,
    drill::messages::{ProvenVolume, UnprovenVolume},
    reason::Code,
};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct DrillReport {
    /// Value of the `BackupStack` tag.
    pub backup_stack: String,
    /// Name of the CloudFormation stack.
    pub stack: String,
    pub date: Night,
    pub execution: String,
    pub location: String,
    pub started: Timestamp,
    pub ended: Timestamp,
    pub regions: Vec<DrillRegion>,
    /// Whether every restore point is proven and no volume is left behind.
    pub complete: bool,
    /// Null if the drill is complete.
    pub mail: Option<Mail>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct DrillRegion {
    pub region: String,
    /// Number of volumes with restore points.
    pub volumes: usize,
    /// Number of these volumes that the drill took.
    pub taken: usize,
    /// Proven restore points, sorted by volume id.
    pub proven: Vec<ProvenVolume>,
    /// Restore points that are not proven, sorted by volume id.
    pub unproven: Vec<UnprovenVolume>,
    pub failures: Vec<FailedStep>,
    /// Volumes of earlier drills that were deleted.
    pub removed: Vec<String>,
    /// Volumes of this drill that could not be deleted.
    pub not_removed: Vec<NotRemoved>,
    /// Time of the oldest proof, which belongs to the least recently proven volume. Null if no volume was ever proven.
    pub oldest_proof: Option<Timestamp>,
}

/// A volume that the drill could not delete.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct NotRemoved {
    /// `vol-…`. Null if not known.
    pub volume_id: Option<String>,
    /// Snapshot that the volume was created from (`snap-…`).
    pub snapshot_id: Option<String>,
    pub reason: Reason,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FailedStep {
    pub step: String,
    pub reason: Reason,
}

impl FailedStep {
    /// Creates the failure of a drill that found no restore point. Such a drill proves nothing, and must not look like a success.
    pub fn nothing_to_prove() -> Self {
        let reason = Reason::new(Code::NothingToProve, "no volume has a completed restore point in any Region");
        Self { step: "DrillChoose".to_owned(), reason }
    }
}

impl DrillReport {
    /// Returns whether all restore points are proven, nothing failed, and no volume is left behind.
    pub fn is_complete(&self) -> bool {
        let bad = |region: &DrillRegion| region.unproven.len() + region.failures.len() + region.not_removed.len();
        self.total(bad) == 0
    }

    /// Sums a number over all Regions.
    pub fn total(&self, count: impl Fn(&DrillRegion) -> usize) -> usize {
        self.regions.iter().map(count).sum()
    }
}
