//! The numbers of a report: `summary.json` in the ledger.

use domain::{Intervals, Night};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::night::{Report, RunRegion};

/// Age at which a volume's newest restore point is stale, and the last run too long ago: a night and a half.
pub const STALE: SignedDuration = SignedDuration::from_hours(36);

/// The numbers of a report. The fields are the same as in the [`Report`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// Value of the `BackupStack` tag.
    pub backup_stack: String,
    /// Name of the CloudFormation stack.
    pub stack: String,
    pub night: Night,
    pub intervals: Option<Intervals>,
    pub dry_run: bool,
    pub execution: String,
    pub location: String,
    pub time: Timestamp,
    pub started: Timestamp,
    pub ended: Timestamp,
    pub regions: Vec<RegionCounts>,
}

/// The length of each list of a [`RunRegion`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RegionCounts {
    pub region: String,
    pub planned: usize,
    pub protected: usize,
    pub unprotected: usize,
    /// Volumes whose plan has nothing due.
    #[serde(default)]
    pub not_due: usize,
    /// Volumes whose snapshot makes up an Interval that they missed.
    #[serde(default)]
    pub made_up: usize,
    /// Volumes whose tag `BackupPlan` names no plan.
    #[serde(default)]
    pub unknown_plans: usize,
    /// Volumes that were deleted before or during the run.
    #[serde(default)]
    pub gone: usize,
    /// Volumes that the last run selected, but this one did not.
    #[serde(default)]
    pub deselected: usize,
    /// Steps that failed as a whole.
    pub failed_steps: usize,
    /// Child executions that failed although their volume is protected, mostly because its snapshot was not tagged.
    pub failed_tags: usize,
    /// Child executions that failed to delete a snapshot.
    pub failed_deletions: usize,
    pub expired: usize,
    /// Snapshots that the next Night deletes because retention became shorter.
    #[serde(default)]
    pub spared: usize,
    pub failed_snapshots: usize,
    pub kept: Option<usize>,
    pub stalest: Option<Timestamp>,
}

impl From<&Report> for Summary {
    fn from(report: &Report) -> Self {
        Self {
            backup_stack: report.backup_stack.clone(),
            stack: report.stack.clone(),
            night: report.night,
            intervals: report.intervals.clone(),
            dry_run: report.dry_run,
            execution: report.execution.clone(),
            location: report.location.clone(),
            time: report.time,
            started: report.started,
            ended: report.ended,
            regions: report.regions.iter().map(RegionCounts::from).collect(),
        }
    }
}

impl From<&RunRegion> for RegionCounts {
    fn from(region: &RunRegion) -> Self {
        Self {
            region: region.region.clone(),
            planned: region.planned.len(),
            protected: region.protected.len(),
            unprotected: region.unprotected.len(),
            not_due: region.not_due.len(),
            made_up: region.protected.iter().filter(|one| one.created && !one.makes_up.is_empty()).count(),
            unknown_plans: region.unknown_plans.len(),
            gone: region.gone.len(),
            deselected: region.deselected.len(),
            failed_steps: region.failures.iter().filter(|failure| failure.subject().is_none()).count(),
            failed_tags: region.other_failures().filter(|failure| failure.is_of_volume()).count(),
            failed_deletions: region.other_failures().filter(|failure| failure.is_of_snapshot()).count(),
            expired: region.expired.len(),
            spared: region.spared.len(),
            failed_snapshots: region.failed_snapshots.len(),
            kept: region.kept,
            stalest: region.stalest,
        }
    }
}

impl Summary {
    /// Returns whether every volume is protected and no step failed.
    pub fn is_complete(&self) -> bool {
        self.total(|region| region.unprotected + region.failures()) == 0
    }

    /// Sums a number over all Regions.
    pub fn total(&self, count: impl Fn(&RegionCounts) -> usize) -> usize {
        self.regions.iter().map(count).sum()
    }

    /// Describes each kind of failure, such as `2 deletions failed`.
    fn failures(&self) -> Vec<String> {
        let steps = self.total(|region| region.failed_steps);
        let tags = self.total(|region| region.failed_tags);
        let deletions = self.total(|region| region.failed_deletions);
        let all = [
            (steps, format!("{} failed", plural(steps, "step"))),
            (tags, format!("{} not tagged", plural(tags, "snapshot"))),
            (deletions, format!("{} failed", plural(deletions, "deletion"))),
        ];
        all.into_iter().filter(|(count, _)| *count > 0).map(|(_, text)| text).collect()
    }

    /// Returns the remarks about a complete run, such as `, 1 no longer backed up`. Returns an empty text if there is nothing to say.
    fn remarks(&self) -> String {
        let (gone, failed) = (self.total(|region| region.gone), self.total(|region| region.failed_snapshots));
        let spared = self.total(|region| region.spared);
        let all = [
            (self.total(|region| region.made_up), "made up a missed Interval".to_owned()),
            (self.total(|region| region.not_due), "not due".to_owned()),
            (gone, format!("{} deleted during the run", noun(gone, "volume"))),
            (failed, format!("{} failed", noun(failed, "earlier snapshot"))),
            (self.total(|region| region.deselected), "no longer backed up".to_owned()),
            (self.total(|region| region.unknown_plans), "with an unknown plan".to_owned()),
            (spared, format!("{} to delete next Night", noun(spared, "snapshot"))),
        ];
        all.into_iter().filter(|(count, _)| *count > 0).map(|(count, text)| format!(", {count} {text}")).collect()
    }

    /// Returns the start time of the oldest among the volumes' newest restore points, if it is stale. The volume is at risk, because its
    /// last snapshots all failed.
    pub fn at_risk(&self) -> Option<Timestamp> {
        let stalest = self.regions.iter().filter_map(|region| region.stalest).min();
        stalest.filter(|stalest| self.ended.duration_since(*stalest) > STALE)
    }

    /// Summarizes the outcome in a few words, such as `1 of 3 volumes unprotected`.
    pub fn headline(&self) -> String {
        let protected = self.total(|region| region.protected);
        let unprotected = self.total(|region| region.unprotected);
        if unprotected > 0 {
            return format!("{unprotected} of {} unprotected", plural(unprotected + protected, "volume"));
        }
        if self.total(RegionCounts::failures) > 0 {
            return self.failures().join(", ");
        }
        if self.dry_run {
            let (planned, expired) = (self.total(|region| region.planned), self.total(|region| region.expired));
            return format!("would snapshot {} and delete {}", plural(planned, "volume"), plural(expired, "snapshot"));
        }
        let all = match protected {
            0 if self.total(|region| region.not_due) > 0 => "nothing due",
            1 => "the only volume is protected",
            _ => &format!("all {protected} volumes protected"),
        };
        format!("{all}{}", self.remarks())
    }
}

impl RegionCounts {
    /// Counts the failed steps and child executions, except those that left a volume unprotected.
    pub fn failures(&self) -> usize {
        self.failed_steps + self.failed_tags + self.failed_deletions
    }
}

/// Formats a count, such as `1 volume` or `2 volumes`.
pub fn plural(count: usize, one: &str) -> String {
    format!("{count} {}", noun(count, one))
}

fn noun(count: usize, one: &str) -> String {
    if count == 1 { one.to_owned() } else { format!("{one}s") }
}

#[cfg(test)]
#[path = "summary_tests.rs"]
mod tests;
