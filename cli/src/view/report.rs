//! The ledger's `report.json`.

use anyhow::Result;
use domain::{
    Intervals, Night,
    messages::{Expired, Unreadable},
};
use report::{mail::Mail, night::Failure};
use serde::Deserialize;

/// The report of a run.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The backup's stack.
    pub backup_stack: String,
    /// The Night.
    pub night: Night,
    /// Every Interval due that Night.
    pub intervals: Intervals,
    /// Whether the run changed nothing.
    pub dry_run: bool,
    /// The ARN of the execution.
    pub execution: String,
    /// `s3://…` of the report.
    pub location: String,
    /// One entry a Region.
    pub regions: Vec<Region>,
    /// Whether every volume is protected and no step failed.
    pub complete: bool,
    /// The email that was sent.
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
    /// Volumes without a snapshot of tonight.
    pub unprotected: Vec<Unprotected>,
    /// Steps and child executions that failed.
    pub failures: Vec<Failure>,
    /// Snapshots that expired and were deleted; in a dry run, that would have been deleted.
    pub expired: Vec<Expired>,
    /// Snapshots that were deleted but that EC2 still lists.
    pub still_listed: Vec<Expired>,
    /// Snapshots whose tags cannot be read.
    pub unreadable: Vec<Unreadable>,
}

/// A volume.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Named {
    /// `vol-…`
    pub volume_id: String,
    /// Its `Name` tag.
    pub name: Option<String>,
    /// The instances that it is attached to.
    pub instances: Vec<String>,
    /// The `Name` tag of the first of them.
    pub server: Option<String>,
}

/// A volume with a snapshot of tonight.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Protected {
    /// The volume.
    #[serde(flatten)]
    pub volume: Named,
    /// Tonight's snapshot of it.
    pub snapshot_id: String,
    /// `completed` or `pending`.
    pub state: String,
    /// Whether this run created the snapshot.
    pub created: bool,
}

/// A volume without a snapshot of tonight.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Unprotected {
    /// The volume.
    #[serde(flatten)]
    pub volume: Named,
    /// Why, in the words of the step that failed.
    pub reason: String,
}

/// Returns JSON with line breaks and indents, its members in the order in which they came.
///
/// # Errors
/// The text is not JSON.
pub fn pretty(text: &str) -> Result<String> {
    let mut written = Vec::new();
    let mut serializer = serde_json::Serializer::pretty(&mut written);
    serde_transcode::transcode(&mut serde_json::Deserializer::from_str(text), &mut serializer)?;
    Ok(String::from_utf8(written)? + "\n")
}
