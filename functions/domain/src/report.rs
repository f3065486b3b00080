//! What a night came to: what was planned, held against what EC2 now has.

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

use crate::{
    Intervals, Night,
    mail::Mail,
    tags::{self, Tags},
    wire::{Caught, Expired, Unreadable, Volume},
};

/// The report of a night: `report.json` in the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    /// `s3://…` of this report.
    pub location: String,
    /// Whether every volume is protected and no step failed.
    pub complete: bool,
    /// One entry a Region.
    pub regions: Vec<RegionReport>,
    /// The email that this night sends; none where it has nothing to tell, and none from a dry run.
    pub mail: Option<Mail>,
}

/// One Region's part of a [`Report`]. In a dry run `planned` and `expired` say what would have been done.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RegionReport {
    /// The Region.
    pub region: String,
    /// Volumes that a dry run would have snapshotted; empty otherwise.
    pub planned: Vec<Named>,
    /// Volumes whose snapshot of tonight is completed or pending.
    pub protected: Vec<Protected>,
    /// Volumes without one.
    pub unprotected: Vec<Unprotected>,
    /// Snapshots that expired and are gone; in a dry run, that would have been deleted.
    pub expired: Vec<Expired>,
    /// Snapshots that expired and that EC2 still lists although their deletion did not fail: mostly because an AMI uses them.
    pub kept: Vec<Expired>,
    /// Managed snapshots whose tags cannot be read.
    pub unreadable: Vec<Unreadable>,
    /// Steps and child executions that failed.
    pub failures: Vec<Failure>,
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tonight {
    /// `snap-…`
    pub snapshot_id: String,
    /// `pending`, `completed`, `error`, …
    pub state: String,
}

/// Whether a snapshot in this state of EC2's protects its volume: completed, or pending (EBS may need hours).
pub fn protects(state: &str) -> bool {
    matches!(state, "completed" | "pending")
}

/// All that is known of one Region when the night ends.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// The Region.
    pub region: String,
    /// The volumes that were to be snapshotted.
    pub work_list: Vec<Volume>,
    /// The volumes that were protected before.
    pub protected: Vec<Volume>,
    /// Tonight's snapshots by volume, as EC2 lists them now.
    pub tonight: BTreeMap<String, Vec<Tonight>>,
    /// What expired.
    pub expired: Vec<Expired>,
    /// Those of them that EC2 still lists.
    pub still_listed: BTreeSet<String>,
    /// Managed snapshots whose tags cannot be read.
    pub unreadable: Vec<Unreadable>,
    /// Child executions of this Region that failed.
    pub children: Vec<Failure>,
    /// Steps that failed as a whole.
    pub steps: BTreeMap<String, Caught>,
}

impl RegionReport {
    /// Holds what was planned against what EC2 now has.
    pub fn reconcile(facts: Facts, dry_run: bool) -> Self {
        let mut report = Self { region: facts.region.clone(), ..Self::default() };
        report.failures = facts.steps.iter().map(|(step, caught)| step_failure(step, caught)).collect();
        report.failures.extend(facts.children.iter().cloned());
        let mut by_subject = BTreeMap::new();
        for failure in &facts.children {
            by_subject.entry(failure.subject.as_deref()).or_insert(failure);
        }
        let first_step = report.failures.first().cloned().filter(|failure| failure.subject.is_none());
        for (volume, created) in facts
            .work_list
            .iter()
            .map(|volume| (volume, true))
            .chain(facts.protected.iter().map(|volume| (volume, false)))
        {
            let found = facts.tonight.get(&volume.volume_id).map_or(&[][..], Vec::as_slice);
            match found.iter().find(|snapshot| protects(&snapshot.state)) {
                Some(snapshot) => report.protected.push(Protected {
                    volume: Named::from(volume),
                    snapshot_id: snapshot.snapshot_id.clone(),
                    state: snapshot.state.clone(),
                    created: created && !dry_run,
                }),
                None if dry_run => report.planned.push(Named::from(volume)),
                None => {
                    let own = by_subject.get(&Some(volume.volume_id.as_str())).copied();
                    let reason = reason(own, found.first(), first_step.as_ref());
                    report.unprotected.push(Unprotected { volume: Named::from(volume), reason });
                }
            }
        }
        for expired in facts.expired {
            if dry_run || !facts.still_listed.contains(&expired.snapshot_id) {
                report.expired.push(expired);
            } else if !by_subject.contains_key(&Some(expired.snapshot_id.as_str())) {
                report.kept.push(expired);
            }
        }
        report.unreadable = facts.unreadable;
        report
    }

    /// Whether every volume is protected and no step failed.
    pub fn is_complete(&self) -> bool {
        self.unprotected.is_empty() && self.failures.is_empty()
    }

    /// Snapshots of earlier nights that EBS failed. They expire after one Night, so each is told once.
    pub fn failed_late(&self) -> impl Iterator<Item = &Expired> {
        self.expired.iter().filter(|expired| expired.failed)
    }

    /// Whether there is anything to tell a person.
    pub fn has_news(&self) -> bool {
        !self.is_complete() || self.failed_late().next().is_some()
    }
}

/// A night that found no volume at all protects nothing, and must not look like one that protected everything: a mistyped
/// `VolumeTag` would be green for ever. The failure goes to the first Region.
pub fn refuse_emptiness(regions: &mut [RegionReport]) {
    let empty = |region: &RegionReport| {
        region.planned.is_empty()
            && region.protected.is_empty()
            && region.unprotected.is_empty()
            && region.failures.is_empty()
    };
    if regions.iter().all(empty)
        && let Some(first) = regions.first_mut()
    {
        first.failures.push(Failure {
            step: "DiscoverVolumes".to_owned(),
            subject: None,
            error: "NothingSelected".to_owned(),
            message: "no in-use volume was found in any Region; look at the parameters Regions and VolumeTag"
                .to_owned(),
            execution: None,
        });
    }
}

impl From<&Volume> for Named {
    fn from(volume: &Volume) -> Self {
        let name = |tags: &Tags| tags.get(tags::NAME).filter(|name| !name.is_empty()).cloned();
        Self { volume_id: volume.volume_id.clone(), name: name(&volume.tags), instances: volume.instances.clone() }
    }
}

fn step_failure(step: &str, caught: &Caught) -> Failure {
    Failure {
        step: step.to_owned(),
        subject: None,
        error: caught.error.clone(),
        message: caught.message(),
        execution: None,
    }
}

fn reason(own: Option<&Failure>, found: Option<&Tonight>, step: Option<&Failure>) -> String {
    match (own, found, step) {
        (Some(failure), ..) => format!("{}: {}", failure.error, failure.message),
        (None, Some(snapshot), _) => format!("EBS reports {} as {}", snapshot.snapshot_id, snapshot.state),
        (None, None, Some(failure)) => format!("{} failed: {}: {}", failure.step, failure.error, failure.message),
        (None, None, None) => "EC2 lists no snapshot of tonight, and no step reported an error".to_owned(),
    }
}

#[cfg(test)]
#[path = "report_tests.rs"]
mod tests;
