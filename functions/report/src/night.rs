//! What a night came to: the parts of its report, and its numbers.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::mail::MOST_TOLD;
use domain::{
    Intervals, Night,
    drill::Proven,
    messages::{Expired, Keyed, Volume},
    step_functions::Caught,
    tags::{self, Tags},
};

/// A night in numbers, `summary.json` in the ledger; and what of it a person should read.
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
    /// What the night cost, in dollars, by [`domain::cost`].
    pub dollars: f64,
    /// One entry a Region.
    pub regions: Vec<RegionSummary>,
    /// The Night of the first of the nights before this one that failed in a row; absent where the last one was complete.
    pub failing_since: Option<Night>,
}

impl Summary {
    /// Whether every volume is protected and no step failed.
    pub fn is_complete(&self) -> bool {
        self.regions.iter().all(RegionSummary::is_complete)
    }

    /// Whether the nights before this one failed, and this one is the first that did not.
    pub fn is_well_again(&self) -> bool {
        self.is_complete() && self.failing_since.is_some()
    }

    /// Whether there is anything to tell a person.
    pub fn has_news(&self) -> bool {
        self.is_well_again() || self.regions.iter().any(|region| region.news > 0)
    }

    /// A number over all Regions.
    pub fn total(&self, count: impl Fn(&RegionSummary) -> usize) -> usize {
        self.regions.iter().map(count).sum()
    }
}

/// One Region's part of a [`Summary`]: how many there are in each list of the report.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RegionSummary {
    /// The Region.
    pub region: String,
    /// Volumes that a dry run would have snapshotted; none otherwise.
    pub planned: usize,
    /// Volumes whose snapshot of tonight is completed or pending.
    pub protected: usize,
    /// Volumes without one.
    pub unprotected: usize,
    /// Steps and child executions that failed.
    pub failures: usize,
    /// Snapshots that expired and are gone; in a dry run, that would have been deleted.
    pub expired: usize,
    /// Those of them that EBS failed after an earlier night. They expire after one Night, so each is told once.
    pub failed_late: usize,
    /// Managed snapshots that are left; absent where find-expired failed.
    pub kept: Option<usize>,
    /// When the newest restore point was begun of the volume that is worst off; absent where no volume has one, and where
    /// find-expired failed.
    pub stalest: Option<Timestamp>,
    /// Volumes of which a drill has ever proven a restore point; absent where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proven: Option<usize>,
    /// When the proof of the volume was complete that has waited longest for a new one; absent likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oldest_proof: Option<Timestamp>,
    /// How much there is to tell a person.
    pub news: usize,
    /// The first of it, in the order in which it came: as much as an email holds.
    #[serde(skip)]
    pub told: Vec<News>,
}

/// What an email tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// A volume is unprotected.
    Unprotected(Unprotected),
    /// A step or a child execution failed.
    Failed(Failure),
    /// EBS failed a snapshot after its own night had reported it.
    FailedLate(Expired),
}

impl RegionSummary {
    /// Whether every volume is protected and no step failed.
    pub fn is_complete(&self) -> bool {
        self.unprotected == 0 && self.failures == 0
    }

    /// Counts a volume of which a drill has proven a restore point.
    pub fn add_proven(&mut self, volume: &Named) {
        let Some(proven) = &volume.proven else { return };
        self.proven = Some(self.proven.unwrap_or_default() + 1);
        self.oldest_proof = Some(self.oldest_proof.map_or(proven.at, |oldest| oldest.min(proven.at)));
    }

    /// Counts a volume that is unprotected, and tells of it.
    pub fn add_unprotected(&mut self, volume: &Unprotected) {
        self.unprotected += 1;
        self.tell(|| News::Unprotected(volume.clone()));
    }

    /// Counts a failure, and tells of it unless it was told as the reason of a volume that is unprotected.
    pub fn add_failure(&mut self, failure: &Failure, is_told: bool) {
        self.failures += 1;
        if !is_told {
            self.tell(|| News::Failed(failure.clone()));
        }
    }

    /// Counts a snapshot that expired, and tells of it where EBS failed it.
    pub fn add_expired(&mut self, expired: &Expired) {
        self.expired += 1;
        if expired.failed {
            self.failed_late += 1;
            self.tell(|| News::FailedLate(expired.clone()));
        }
    }

    fn tell(&mut self, news: impl FnOnce() -> News) {
        self.news += 1;
        if self.told.len() < MOST_TOLD {
            self.told.push(news());
        }
    }
}

/// A volume by its id, its name and its servers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Named {
    /// `vol-…`
    pub volume_id: String,
    /// Its `Name` tag; absent where it has none.
    pub name: Option<String>,
    /// The instances it is attached to.
    pub instances: Vec<String>,
    /// The newest of its restore points that a drill proved; absent where none ever was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proven: Option<Proven>,
}

/// A volume that is protected tonight.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Protected {
    /// The volume.
    #[serde(flatten)]
    pub volume: Named,
    /// Tonight's snapshot of it.
    pub snapshot_id: String,
    /// `completed` or `pending`.
    pub state: String,
    /// Whether it was on this execution's work list; false where it was protected before.
    pub created: bool,
}

/// A volume that is not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Unprotected {
    /// The volume.
    #[serde(flatten)]
    pub volume: Named,
    /// Why, in the words of whatever failed.
    pub reason: String,
}

/// A step, or one child execution of a step, that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Failure {
    /// The state: a step of the night, or the Map that the child execution belongs to.
    pub step: String,
    /// The volume or the snapshot that the child execution was about.
    pub subject: Option<String>,
    /// The error's name.
    pub error: String,
    /// What it said.
    pub message: String,
    /// The ARN of the child execution.
    pub execution: Option<String>,
}

impl Keyed for Named {
    fn key(&self) -> &str {
        &self.volume_id
    }
}

impl Keyed for Unprotected {
    fn key(&self) -> &str {
        self.volume.key()
    }
}

impl Keyed for Failure {
    fn key(&self) -> &str {
        self.subject.as_deref().unwrap_or_default()
    }
}

impl Failure {
    /// A step that failed as a whole.
    pub fn of_step(step: &str, caught: &Caught) -> Self {
        Self {
            step: step.to_owned(),
            subject: None,
            error: caught.error.clone(),
            message: caught.message(),
            execution: None,
        }
    }

    /// A night that found no volume at all protects nothing, and must not look like one that protected everything: a mistyped
    /// `VolumeTag` would be green for ever.
    pub fn nothing_selected() -> Self {
        Self {
            step: "DiscoverVolumes".to_owned(),
            subject: None,
            error: "NothingSelected".to_owned(),
            message: "no in-use volume was found in any Region; look at the parameters Regions and VolumeTag"
                .to_owned(),
            execution: None,
        }
    }
}

impl From<&Volume> for Named {
    fn from(volume: &Volume) -> Self {
        let name = |tags: &Tags| tags.get(tags::NAME).filter(|name| !name.is_empty()).cloned();
        Self {
            volume_id: volume.volume_id.clone(),
            name: name(&volume.tags),
            instances: volume.instances.clone(),
            proven: None,
        }
    }
}

#[cfg(test)]
#[path = "night_tests.rs"]
mod tests;
