//! `report.json`, read.

use domain::{
    Intervals, Night,
    mail::Mail,
    report::{Failure, Named, Protected, Unprotected},
    wire::{Expired, Unreadable},
};
use serde::Deserialize;

/// What report-night wrote to the ledger.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Whose night.
    pub backup_stack: String,
    /// Which Night.
    pub night: Night,
    /// Every Interval due that Night.
    pub intervals: Intervals,
    /// Whether the night only said what it would do.
    pub dry_run: bool,
    /// The ARN of the execution.
    pub execution: String,
    /// `s3://…` of the report itself.
    pub location: String,
    /// One entry a Region.
    pub regions: Vec<Region>,
    /// Whether every volume is protected and no step failed.
    pub complete: bool,
    /// What the night cost.
    pub estimate: Estimate,
    /// The mail that was sent.
    pub mail: Option<Mail>,
}

/// One Region's part.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Region {
    /// The Region.
    pub region: String,
    /// Volumes that have tonight's snapshot.
    pub protected: Vec<Protected>,
    /// Volumes that a dry run would have snapshotted.
    pub planned: Vec<Named>,
    /// Volumes without tonight's snapshot.
    pub unprotected: Vec<Unprotected>,
    /// Steps and child executions that failed.
    pub failures: Vec<Failure>,
    /// Snapshots that expired.
    pub expired: Vec<Expired>,
    /// Snapshots that expired, but that EC2 still lists.
    #[serde(alias = "kept")]
    pub still_listed: Vec<Expired>,
    /// Managed snapshots whose tags cannot be read.
    pub unreadable: Vec<Unreadable>,
}

/// The part of the cost that a person asks for.
#[derive(Clone, Debug, Deserialize)]
pub struct Estimate {
    /// In all.
    pub dollars: f64,
}

impl Report {
    /// A number over all Regions.
    pub fn total(&self, count: impl Fn(&Region) -> usize) -> usize {
        self.regions.iter().map(count).sum()
    }

    /// The Regions of which nobody knows the volumes.
    pub fn undiscovered(&self) -> Vec<&str> {
        self.regions.iter().filter(|region| is_undiscovered(region)).map(|region| region.region.as_str()).collect()
    }
}

/// Whether nobody knows which volumes a Region has, because the step that lists them failed.
pub fn is_undiscovered(region: &Region) -> bool {
    region.failures.iter().any(|failure| failure.step == "DiscoverVolumes")
}
