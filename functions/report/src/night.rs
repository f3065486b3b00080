//! The report of a run: `report.json` in the ledger.

use domain::{
    Intervals, Night, Reason,
    due::DueDate,
    messages::{ManagedSnapshot, SelectedVolume, Unreadable},
    plan,
    reason::Code,
    step_functions::Caught,
    tags,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;

use crate::mail::Mail;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Value of the `BackupStack` tag.
    pub backup_stack: String,
    /// Name of the CloudFormation stack.
    pub stack: String,
    pub night: Night,
    /// Intervals of any plan that are due on this date. Absent if none is.
    pub intervals: Option<Intervals>,
    pub dry_run: bool,
    pub execution: String,
    pub location: String,
    pub time: Timestamp,
    pub started: Timestamp,
    pub ended: Timestamp,
    /// Whether every volume is protected and no step failed.
    pub complete: bool,
    pub regions: Vec<RunRegion>,
    /// Absent if there is nothing to report, and in a dry run.
    pub mail: Option<Mail>,
}

/// One Region's part of a [`Report`]. Lists of volumes and snapshots are sorted by id.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct RunRegion {
    pub region: String,
    /// Volumes with a completed or pending snapshot of the Night.
    pub protected: Vec<Protected>,
    /// Volumes that a dry run would have snapshotted.
    pub planned: Vec<NamedVolume>,
    pub unprotected: Vec<Unprotected>,
    /// Volumes whose plan has nothing due on this Night. That is no failure.
    #[serde(default)]
    pub not_due: Vec<NamedVolume>,
    /// Volumes whose tag `BackupPlan` names no plan, so that they have the default plan. Each is reported once, and is not a failure.
    #[serde(default)]
    pub unknown_plans: Vec<UnknownPlan>,
    /// Volumes without a snapshot of the Night that EC2 no longer lists, because they were deleted before or during the run.
    #[serde(default)]
    pub gone: Vec<NamedVolume>,
    /// Existing volumes that the last run selected, but this one did not. Each is reported once, and is not a failure.
    #[serde(default)]
    pub deselected: Vec<Deselected>,
    /// Steps and child executions that failed.
    pub failures: Vec<Failure>,
    /// Expired snapshots that were deleted. In a dry run, expired snapshots that would have been deleted.
    pub expired: Vec<ManagedSnapshot>,
    /// Snapshots that expire because `Keep` or `Plans` became shorter. This Night deletes none of them, the next one deletes them all.
    #[serde(default)]
    pub spared: Vec<ManagedSnapshot>,
    /// Snapshots that stay because their plan does not exist, or no longer has their Interval.
    #[serde(default)]
    pub without_rule: Vec<ManagedSnapshot>,
    /// Expired snapshots that EC2 still lists although no deletion failed, mostly because an AMI uses them.
    pub still_listed: Vec<ManagedSnapshot>,
    /// Snapshots of this and of earlier Nights that EBS could not complete, and that no earlier report listed.
    pub failed_snapshots: Vec<ManagedSnapshot>,
    /// Managed snapshots with unreadable tags.
    pub unreadable: Vec<Unreadable>,
    /// Number of managed snapshots that are left. Absent if find-expired failed.
    pub kept: Option<usize>,
    /// Start time of the oldest among the volumes' newest restore points. A volume whose plan or schedule skips Nights does not count before
    /// it misses one. Absent if no volume counts, or if find-expired failed.
    pub stalest: Option<Timestamp>,
}

impl Report {
    /// Sums a number over all Regions.
    pub fn total(&self, count: impl Fn(&RunRegion) -> usize) -> usize {
        self.regions.iter().map(count).sum()
    }

    /// Returns the Regions with unknown volumes.
    pub fn undiscovered(&self) -> Vec<&str> {
        self.regions.iter().filter(|one| one.is_undiscovered()).map(|one| one.region.as_str()).collect()
    }
}

impl RunRegion {
    /// Returns whether the Region's volumes are unknown, because the step that lists them failed.
    pub fn is_undiscovered(&self) -> bool {
        self.failures.iter().any(|failure| matches!(failure, Failure::Step { step, .. } if step == "DiscoverVolumes"))
    }

    /// Returns whether every volume is protected and no step failed.
    pub fn is_complete(&self) -> bool {
        self.unprotected.is_empty() && self.failures.is_empty()
    }

    /// Returns the failures that are not the reason for an unprotected volume.
    pub fn other_failures(&self) -> impl Iterator<Item = &Failure> {
        let unprotected: HashSet<_> = self.unprotected.iter().map(|one| one.volume.volume_id.as_str()).collect();
        self.failures
            .iter()
            .filter(move |failure| failure.subject().is_none_or(|subject| !unprotected.contains(subject)))
    }
}

/// A volume with its id, its name and its server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct NamedVolume {
    pub volume_id: String,
    /// `Name` tag.
    pub name: Option<String>,
    pub instances: Vec<String>,
    /// `Name` tag of the first instance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    /// Name of its plan, unless it is the default plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
}

impl NamedVolume {
    /// Returns the server's name, or the ids of the instances if the server has no name.
    pub fn servers(&self) -> String {
        self.server.clone().unwrap_or_else(|| self.instances.join(", "))
    }
}

/// A volume with a snapshot of the Night.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Protected {
    #[serde(flatten)]
    pub volume: NamedVolume,
    pub snapshot_id: String,
    /// `completed` or `pending`.
    pub state: String,
    /// Whether this run created the snapshot.
    pub created: bool,
    /// Intervals that the volume missed, and that this snapshot makes up.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub makes_up: Vec<DueDate>,
}

/// A volume without a snapshot of the Night.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Unprotected {
    #[serde(flatten)]
    pub volume: NamedVolume,
    pub reason: Reason,
    /// Intervals other than Daily that the volume lacks. The next run makes them up.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lacks: Vec<DueDate>,
}

/// A volume whose tag `BackupPlan` names no plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct UnknownPlan {
    #[serde(flatten)]
    pub volume: NamedVolume,
    /// Value of the tag.
    #[serde(rename = "unknownPlan")]
    pub plan: String,
}

/// A volume that is no longer selected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Deselected {
    #[serde(flatten)]
    pub volume: NamedVolume,
    /// Reason, such as `it is detached`.
    pub problem: String,
}

/// A failed step or child execution of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum Failure {
    /// A step failed as a whole.
    Step { step: String, reason: Reason },
    /// A child execution of a Map failed.
    Child {
        /// Name of the Map.
        step: String,
        /// Id of the volume or the snapshot.
        subject: String,
        reason: Reason,
        /// ARN of the child execution.
        execution: String,
    },
}

impl Failure {
    pub fn from_caught(step: &str, caught: &Caught) -> Self {
        Self::Step { step: step.to_owned(), reason: caught.reason() }
    }

    /// Creates the failure of a run that found no volume in any Region. Such a run protects nothing. If it looked like a success, a
    /// mistyped `VolumeTag` would go unnoticed.
    pub fn nothing_selected() -> Self {
        let message = "no in-use volume was found in any Region; check the parameters Regions and VolumeTag";
        Self::Step { step: "DiscoverVolumes".to_owned(), reason: Reason::new(Code::NothingSelected, message) }
    }

    /// Returns whether the failure is about a volume: its snapshot, or the tags of its snapshot.
    pub fn is_of_volume(&self) -> bool {
        self.subject().is_some_and(|subject| subject.starts_with("vol-"))
    }

    pub fn is_of_snapshot(&self) -> bool {
        self.subject().is_some_and(|subject| !subject.starts_with("vol-"))
    }

    pub fn step(&self) -> &str {
        match self {
            Self::Step { step, .. } | Self::Child { step, .. } => step,
        }
    }

    /// Returns the ARN of the child execution, if one failed.
    pub fn execution(&self) -> Option<&str> {
        match self {
            Self::Step { .. } => None,
            Self::Child { execution, .. } => Some(execution),
        }
    }

    pub fn reason(&self) -> &Reason {
        match self {
            Self::Step { reason, .. } | Self::Child { reason, .. } => reason,
        }
    }

    /// Returns the id of the volume or the snapshot, if a child execution failed.
    pub fn subject(&self) -> Option<&str> {
        match self {
            Self::Step { .. } => None,
            Self::Child { subject, .. } => Some(subject),
        }
    }
}

impl From<&SelectedVolume> for NamedVolume {
    fn from(volume: &SelectedVolume) -> Self {
        Self {
            volume_id: volume.volume_id.clone(),
            name: volume.tags.get(tags::NAME).filter(|name| !name.is_empty()).cloned(),
            instances: volume.instances.clone(),
            server: volume.server.clone(),
            plan: Some(volume.plan.clone()).filter(|name| !name.is_empty() && name != plan::DEFAULT),
        }
    }
}
