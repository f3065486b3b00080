//! What the drill's functions pass each other through its state machine and the ledger.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

use crate::{
    Night, Reason,
    drill::{Depth, Proven, RestorePoint, Unproven},
    messages::Manifest,
    step_functions::{Caught, List},
};

/// The choice of drill-choose in one Region.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Chosen {
    /// The Region.
    pub region: String,
    /// The name of the drill's execution.
    pub execution: String,
    /// The drill's date.
    pub date: Night,
    /// The Availability Zone in which volumes are created.
    pub zone: String,
    /// The instance that checks the volumes: `i-…`; empty if none does.
    pub instance: String,
    /// How many volumes may exist at once.
    pub at_once: u32,
    /// The [`RestorePoint`]s to prove, one a child execution.
    pub points: List,
    /// The restore points that the drill cannot take: one [`UnprovenOf`] a line.
    pub unproven: List,
    /// Volumes that have restore points.
    pub volumes: usize,
    /// How many of them this drill takes.
    pub taken: usize,
}

/// A restore point of a volume, proven.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProvenOf {
    /// `vol-…`
    pub volume_id: String,
    /// The proof.
    #[serde(flatten)]
    pub proven: Proven,
}

/// A restore point of a volume, not proven.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UnprovenOf {
    /// `vol-…`
    pub volume_id: String,
    /// The restore point, and the reason.
    #[serde(flatten)]
    pub unproven: Unproven,
}

impl UnprovenOf {
    /// A restore point and the reason why it is not proven.
    pub fn new(point: RestorePoint, reason: Reason) -> Self {
        let RestorePoint { snapshot_id, volume_id, night, intervals, .. } = point;
        Self { volume_id, unproven: Unproven { snapshot_id, night, intervals, reason } }
    }
}

/// The progress of one proof: returned by drill-restore, then moved on by drill-check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Progress {
    /// The volume that the drill created: `vol-…`
    pub volume_id: String,
    /// When EC2 created it.
    pub created: Timestamp,
    /// How far it is.
    pub stage: Stage,
    /// Seconds until the next look.
    pub wait_seconds: u64,
}

/// The stages of a proof. `seconds` is the time from CreateVolume until the volume was seen to be available.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "camelCase")]
pub enum Stage {
    /// EBS is making the volume.
    Creating,
    /// The volume is there, and is being attached to the instance.
    Available {
        /// See [`Stage`].
        seconds: u64,
    },
    /// A command checks the volume on the instance.
    Checking {
        /// See [`Stage`].
        seconds: u64,
        /// The command's id.
        command: String,
    },
    /// The restore point is proven.
    Proven {
        /// See [`Stage`].
        seconds: u64,
        /// How far it is proven.
        depth: Depth,
        /// When the proof was complete.
        at: Timestamp,
    },
}

/// The progress of drill-remove.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Removal {
    /// Whether every volume is gone.
    pub is_gone: bool,
    /// Seconds until the next look.
    pub wait_seconds: u64,
    /// When the first look was.
    pub since: Timestamp,
    /// Volumes that are gone.
    pub deleted: BTreeSet<String>,
    /// Volumes that still exist.
    pub left: BTreeSet<String>,
}

/// The last state of a child execution: its output if it succeeded, else its cause.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ended {
    /// The restore point.
    pub point: RestorePoint,
    /// Absent if drill-restore failed.
    pub progress: Option<Progress>,
    /// The error of drill-restore or drill-check.
    pub failure: Option<Caught>,
    /// Absent if drill-remove failed at once.
    pub removal: Option<Removal>,
    /// The error of drill-remove.
    pub not_removed: Option<Caught>,
}

/// One Region's part of the drill as the state machine hands it to drill-report. What was not reached is absent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RegionDrill {
    /// The Region.
    pub region: String,
    /// [`Chosen::points`]
    pub points: Option<List>,
    /// [`Chosen::unproven`]
    pub unproven: Option<List>,
    /// [`Chosen::volumes`]
    #[serde(default)]
    pub volumes: usize,
    /// [`Chosen::taken`]
    #[serde(default)]
    pub taken: usize,
    /// The removal of the volumes that earlier drills left behind.
    pub removal: Option<Removal>,
    /// The results of the child executions.
    pub manifest: Option<Manifest>,
    /// The error of each step that failed, by the state's name.
    #[serde(default)]
    pub failure: BTreeMap<String, Caught>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_stage_is_written_as_the_state_machine_reads_it() {
        let at = Timestamp::UNIX_EPOCH;
        let stage = Stage::Proven { seconds: 42, depth: Depth::Volume, at };
        let progress = Progress { volume_id: "vol-9".into(), created: at, stage, wait_seconds: 5 };
        let written = json!({"volumeId": "vol-9", "created": at, "waitSeconds": 5,
            "stage": {"name": "proven", "seconds": 42, "depth": "volume", "at": at}});
        assert_eq!(serde_json::to_value(&progress).unwrap(), written);
        assert_eq!(serde_json::from_value::<Progress>(written).unwrap(), progress);
        assert_eq!(serde_json::to_value(Stage::Creating).unwrap(), json!({"name": "creating"}));
    }

    #[test]
    fn the_last_state_of_a_child_is_read_from_all_that_it_holds() {
        let point = json!({"snapshotId": "snap-1", "volumeId": "vol-1", "night": "2026-11-28", "intervals": "Daily", "gibibytes": 8});
        let failure = json!({"Error": "Refused", "Cause": "{\"errorMessage\":\"no\"}"});
        let state =
            json!({"region": "r", "zone": "a", "instance": "", "execution": "run", "point": point, "failure": failure});
        let ended: Ended = serde_json::from_value(state).unwrap();
        assert_eq!((ended.point.snapshot_id.as_str(), ended.failure.unwrap().message()), ("snap-1", "no".to_owned()));
        assert_eq!((ended.progress, ended.removal, ended.not_removed), (None, None, None));
    }
}
