//! The ledger's `report.json`, read.

use anyhow::{Context, Result};
use domain::{
    Intervals, Night,
    messages::{Expired, Unreadable},
};
use report::{
    mail::Mail,
    night::{Failure, Named, Protected, Unprotected},
};
use serde::Deserialize;

/// What a night came to.
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
    /// `s3://…` of the report.
    pub location: String,
    /// One entry a Region.
    pub regions: Vec<Region>,
    /// Whether every volume is protected and no step failed.
    pub complete: bool,
    /// What the night cost.
    pub estimate: Estimate,
    /// The email that it sent.
    pub mail: Option<Mail>,
}

/// One Region's part.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Region {
    /// The Region.
    pub region: String,
    /// Volumes with a snapshot of tonight.
    pub protected: Vec<Protected>,
    /// Volumes that a dry run would have snapshotted.
    pub planned: Vec<Named>,
    /// Volumes without one.
    pub unprotected: Vec<Unprotected>,
    /// Steps and child executions that failed.
    pub failures: Vec<Failure>,
    /// Snapshots that expired and are gone; in a dry run, that would have been deleted.
    pub expired: Vec<Expired>,
    /// Snapshots that were deleted and that EC2 lists all the same. Versions before called them kept.
    #[serde(alias = "kept")]
    pub still_listed: Vec<Expired>,
    /// Snapshots whose tags cannot be read.
    pub unreadable: Vec<Unreadable>,
}

/// What the night cost.
#[derive(Clone, Debug, Deserialize)]
pub struct Estimate {
    /// In dollars.
    pub dollars: f64,
}

impl Report {
    /// Reads `report.json`.
    ///
    /// # Errors
    /// It is none.
    pub fn read(text: &str) -> Result<Self> {
        serde_json::from_str(text).context("the report is not one that this version writes")
    }

    /// A number over all Regions.
    pub fn total(&self, count: impl Fn(&Region) -> usize) -> usize {
        self.regions.iter().map(count).sum()
    }

    /// The Regions of which nobody knows the volumes.
    pub fn undiscovered(&self) -> Vec<&str> {
        self.regions.iter().filter(|one| one.is_undiscovered()).map(|one| one.region.as_str()).collect()
    }
}

impl Region {
    /// Whether nobody knows which volumes it has, because the step that lists them failed.
    pub fn is_undiscovered(&self) -> bool {
        self.failures.iter().any(|failure| failure.step == "DiscoverVolumes")
    }
}

/// JSON with line breaks and indents, its members in the order in which they came.
///
/// # Errors
/// The text is no JSON.
pub fn pretty(text: &str) -> Result<String> {
    let mut written = Vec::new();
    let mut serializer = serde_json::Serializer::pretty(&mut written);
    serde_transcode::transcode(&mut serde_json::Deserializer::from_str(text), &mut serializer)?;
    Ok(String::from_utf8(written)? + "\n")
}
