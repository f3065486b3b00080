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
    pub region: String,
    pub execution: String,
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

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProvenOf {
    pub volume_id: String,
    #[serde(flatten)]
    pub proven: Proven,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UnprovenOf {
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
    pub volume_id: String,
    /// When EC2 created it.
    pub created: Timestamp,
    pub stage: Stage,
    pub wait_seconds: u64,
}

/// The stages of a proof. `seconds` is the time from CreateVolume until the volume was seen to be available.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "camelCase")]
pub enum Stage {
    /// EBS is making the volume.
    Creating,
    /// The volume exists, and is being attached to the instance.
    Available { seconds: u64 },
    /// A command checks the volume on the instance.
    Checking { seconds: u64, command: String },
    /// The restore point is proven.
    Proven { seconds: u64, depth: Depth, at: Timestamp },
}

/// The progress of drill-remove.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Removal {
    pub is_gone: bool,
    pub wait_seconds: u64,
    /// When the first look was.
    pub since: Timestamp,
    pub deleted: BTreeSet<String>,
    pub left: BTreeSet<String>,
}

/// The last state of a child execution: its output if it succeeded, else its cause.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ended {
    pub point: RestorePoint,
    /// Absent if drill-restore failed.
    pub progress: Option<Progress>,
    pub failure: Option<Caught>,
    /// Absent if drill-remove failed at once.
    pub removal: Option<Removal>,
    pub not_removed: Option<Caught>,
}

/// One Region's part of the drill as the state machine hands it to drill-report. What was not reached is absent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RegionDrill {
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
    pub manifest: Option<Manifest>,
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
