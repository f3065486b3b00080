//! A night in numbers: the ledger's `summary.json`, or for a night that has none its report, counted.

use domain::{Intervals, Night};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::report::{Region, Report};

/// A night in numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
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
    /// The scheduled time.
    pub time: Timestamp,
    /// When the execution started.
    pub started: Timestamp,
    /// When the report was made.
    pub ended: Timestamp,
    /// What the night cost, in dollars.
    pub dollars: f64,
    /// One entry a Region.
    pub regions: Vec<RegionSummary>,
    /// The Night of the first of the nights before this one that failed in a row.
    pub failing_since: Option<Night>,
}

impl Summary {
    /// Whether every volume is protected and no step failed.
    pub fn is_complete(&self) -> bool {
        self.regions.iter().all(RegionSummary::is_complete)
    }

    /// A number over all Regions.
    pub fn total(&self, count: impl Fn(&RegionSummary) -> usize) -> usize {
        self.regions.iter().map(count).sum()
    }
}

/// One Region's part of a [`Summary`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RegionSummary {
    /// The Region.
    pub region: String,
    /// Volumes that a dry run would have snapshotted.
    pub planned: usize,
    /// Volumes with a snapshot of tonight.
    pub protected: usize,
    /// Volumes without one.
    pub unprotected: usize,
    /// Steps and child executions that failed.
    pub failures: usize,
    /// Snapshots that expired and are gone.
    pub expired: usize,
    /// Those of them that EBS failed after an earlier night.
    pub failed_late: usize,
    /// Managed snapshots that are left.
    pub kept: Option<usize>,
    /// When the newest restore point was begun of the volume that is worst off.
    pub stalest: Option<Timestamp>,
    /// How much there is to tell a person.
    pub news: usize,
}

impl RegionSummary {
    /// Whether every volume is protected and no step failed.
    pub fn is_complete(&self) -> bool {
        self.unprotected == 0 && self.failures == 0
    }
}

/// A report, counted. It holds no times: the caller's are taken.
pub fn counted(report: &Report, started: Timestamp, ended: Timestamp) -> Summary {
    Summary {
        backup_stack: report.backup_stack.clone(),
        night: report.night,
        intervals: report.intervals.clone(),
        dry_run: report.dry_run,
        execution: report.execution.clone(),
        location: report.location.clone(),
        time: started,
        started,
        ended,
        dollars: report.estimate.dollars,
        regions: report.regions.iter().map(counted_region).collect(),
        failing_since: None,
    }
}

fn counted_region(region: &Region) -> RegionSummary {
    let failed_late = region.expired.iter().filter(|one| one.failed).count();
    let (unprotected, failures) = (region.unprotected.len(), region.failures.len());
    RegionSummary {
        region: region.region.clone(),
        planned: region.planned.len(),
        protected: region.protected.len(),
        unprotected,
        failures,
        expired: region.expired.len(),
        failed_late,
        news: unprotected.max(failures) + failed_late,
        ..RegionSummary::default()
    }
}
