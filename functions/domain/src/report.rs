//! What a night came to: what was planned, held against what EC2 now has, one volume and one snapshot at a time.

use serde::{Deserialize, Serialize};

use crate::{
    Night, mail,
    tags::{self, Tags},
    wire::{Caught, Expired, Keyed, Volume},
};

/// A night in numbers, and in what of it a person should read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Whose night.
    pub backup_stack: String,
    /// Which Night.
    pub night: Night,
    /// Whether the night only said what it would do.
    pub dry_run: bool,
    /// The ARN of the execution.
    pub execution: String,
    /// `s3://…` of the report.
    pub location: String,
    /// One entry a Region.
    pub regions: Vec<RegionSummary>,
}

impl Summary {
    /// Whether every volume is protected and no step failed.
    pub fn is_complete(&self) -> bool {
        self.regions.iter().all(RegionSummary::is_complete)
    }

    /// Whether there is anything to tell a person.
    pub fn has_news(&self) -> bool {
        self.regions.iter().any(|region| region.news > 0)
    }

    /// A number over all Regions.
    pub fn total(&self, count: impl Fn(&RegionSummary) -> usize) -> usize {
        self.regions.iter().map(count).sum()
    }
}

/// One Region's part of a [`Summary`]: how many there are in each list of the report.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
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
    /// What there is to tell a person, in the order in which it came.
    pub news: usize,
    /// The first of it, in words: as much as an email holds.
    pub told: Vec<String>,
}

impl RegionSummary {
    /// Whether every volume is protected and no step failed.
    pub fn is_complete(&self) -> bool {
        self.unprotected == 0 && self.failures == 0
    }

    /// Counts a volume that is unprotected, and tells of it.
    pub fn add_unprotected(&mut self, volume: &Unprotected) {
        self.unprotected += 1;
        self.tell(|| mail::unprotected(volume));
    }

    /// Counts a failure, and tells of it unless it was told as the reason of a volume that is unprotected.
    pub fn add_failure(&mut self, failure: &Failure, is_told: bool) {
        self.failures += 1;
        if !is_told {
            self.tell(|| mail::failure(failure));
        }
    }

    /// Counts a snapshot that expired, and tells of it where EBS failed it.
    pub fn add_expired(&mut self, expired: &Expired) {
        self.expired += 1;
        if expired.failed {
            self.failed_late += 1;
            self.tell(|| mail::failed_late(expired));
        }
    }

    fn tell(&mut self, words: impl FnOnce() -> String) {
        self.news += 1;
        if self.told.len() < mail::MOST_TOLD {
            self.told.push(words());
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

/// A snapshot of tonight as EC2 lists it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Tonight {
    /// `vol-…`
    pub volume_id: String,
    /// `snap-…`
    pub snapshot_id: String,
    /// `pending`, `completed`, `error`, …
    pub state: String,
}

impl Keyed for Tonight {
    fn key(&self) -> &str {
        &self.volume_id
    }
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

/// Whether a snapshot in this state of EC2's protects its volume: completed, or pending (EBS may need hours).
pub fn protects(state: &str) -> bool {
    matches!(state, "completed" | "pending")
}

/// What became of a volume tonight.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// A dry run would have snapshotted it.
    Planned(Named),
    /// It has tonight's snapshot.
    Protected(Protected),
    /// It has none.
    Unprotected(Unprotected),
}

/// All that is known of one volume when the night ends.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The volume.
    pub volume: &'a Volume,
    /// Whether it was to be snapshotted; false where it was protected before.
    pub on_work_list: bool,
    /// Whether the night only says what it would do.
    pub dry_run: bool,
    /// Its snapshots of tonight, as EC2 lists them now.
    pub tonight: &'a [Tonight],
    /// Its child executions that failed.
    pub children: &'a [Failure],
    /// The first failure of its Region that is about no volume.
    pub step: Option<&'a Failure>,
}

impl Facts<'_> {
    /// Holds what was planned against what EC2 now has.
    pub fn fate(self) -> Fate {
        let volume = Named::from(self.volume);
        match self.tonight.iter().find(|snapshot| protects(&snapshot.state)) {
            Some(snapshot) => Fate::Protected(Protected {
                volume,
                snapshot_id: snapshot.snapshot_id.clone(),
                state: snapshot.state.clone(),
                created: self.on_work_list && !self.dry_run,
            }),
            None if self.dry_run => Fate::Planned(volume),
            None => Fate::Unprotected(Unprotected { volume, reason: self.reason() }),
        }
    }

    fn reason(self) -> String {
        match (self.children.first(), self.tonight.first(), self.step) {
            (Some(failure), ..) => format!("{}: {}", failure.error, failure.message),
            (None, Some(snapshot), _) => format!("EBS reports {} as {}", snapshot.snapshot_id, snapshot.state),
            (None, None, Some(failure)) => format!("{} failed: {}: {}", failure.step, failure.error, failure.message),
            (None, None, None) => "EC2 lists no snapshot of tonight, and no step reported an error".to_owned(),
        }
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
        Self { volume_id: volume.volume_id.clone(), name: name(&volume.tags), instances: volume.instances.clone() }
    }
}

#[cfg(test)]
#[path = "report_tests.rs"]
mod tests;
