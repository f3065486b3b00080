//! Messages between the drill's functions, through the state machine and the ledger.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

use crate::{
    Night, Reason,
    drill::{Depth, Proven, RestorePoint, Unproven},
    messages::ResultsManifest,
    step_functions::{Caught, LedgerList},
};

/// The output of drill-choose for one Region.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DrillChoice {
    pub region: String,
    pub execution: String,
    pub date: Night,
    /// Availability Zone of the drill's volumes.
    pub zone: String,
    /// Instance that checks the volumes (`i-…`). Empty if no instance does.
    pub instance: String,
    /// Maximum number of volumes that exist at once.
    pub at_once: u32,
    /// The [`RestorePoint`]s to prove, one per child execution.
    pub points: LedgerList,
    /// The restore points that the drill cannot take, one [`UnprovenVolume`] per line.
    pub unproven: LedgerList,
    /// Number of volumes with restore points.
    pub volumes: usize,
    /// Number of these volumes that the drill takes.
    pub taken: usize,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ProvenVolume {
    pub volume_id: String,
    #[serde(flatten)]
    pub proven: Proven,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct UnprovenVolume {
    pub volume_id: String,
    #[serde(flatten)]
    pub unproven: Unproven,
}

impl UnprovenVolume {
    pub fn new(point: RestorePoint, reason: Reason) -> Self {
        let RestorePoint { snapshot_id, volume_id, night, intervals, .. } = point;
        Self { volume_id, unproven: Unproven { snapshot_id, night, intervals, reason } }
    }
}

/// The progress of one proof. drill-restore returns it, and drill-check updates it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProofProgress {
    pub volume_id: String,
    /// Creation time of the volume, as EC2 reports it.
    pub created: Timestamp,
    pub stage: Stage,
    pub wait_seconds: u64,
}

/// A stage of a proof. `seconds` is the time from CreateVolume until the volume was found to be available.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "camelCase")]
pub enum Stage {
    /// EBS is creating the volume.
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
    /// Time of the first attempt.
    pub since: Timestamp,
    pub deleted: BTreeSet<String>,
    pub left: BTreeSet<String>,
}

/// The last state of a child execution. It is the output if the child succeeded, or the cause if the child failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChildState {
    pub point: RestorePoint,
    /// Absent if drill-restore failed.
    pub progress: Option<ProofProgress>,
    pub failure: Option<Caught>,
    /// Absent if the first attempt of drill-remove failed.
    pub removal: Option<Removal>,
    pub not_removed: Option<Caught>,
}

/// One Region's part of a drill, as the state machine passes it to drill-report. A field is absent if the drill did not reach its step.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DrillRegionInput {
    pub region: String,
    /// [`DrillChoice::points`]
    pub points: Option<LedgerList>,
    /// [`DrillChoice::unproven`]
    pub unproven: Option<LedgerList>,
    /// [`DrillChoice::volumes`]
    #[serde(default)]
    pub volumes: usize,
    /// [`DrillChoice::taken`]
    #[serde(default)]
    pub taken: usize,
    /// Removal of the volumes that earlier drills left behind.
    pub removal: Option<Removal>,
    pub manifest: Option<ResultsManifest>,
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
        let progress = ProofProgress { volume_id: "vol-9".into(), created: at, stage, wait_seconds: 5 };
        let written = json!({"volumeId": "vol-9", "created": at, "waitSeconds": 5,
            "stage": {"name": "proven", "seconds": 42, "depth": "volume", "at": at}});
        assert_eq!(serde_json::to_value(&progress).unwrap(), written);
        assert_eq!(serde_json::from_value::<ProofProgress>(written).unwrap(), progress);
        assert_eq!(serde_json::to_value(Stage::Creating).unwrap(), json!({"name": "creating"}));
    }

    #[test]
    fn the_last_state_of_a_child_is_read_from_all_that_it_holds() {
        let point = json!({"snapshotId": "snap-1", "volumeId": "vol-1", "night": "2026-11-28", "intervals": "Daily", "gibibytes": 8});
        let failure = json!({"Error": "Refused", "Cause": "{\"errorMessage\":\"no\"}"});
        let state =
            json!({"region": "r", "zone": "a", "instance": "", "execution": "run", "point": point, "failure": failure});
        let ended: ChildState = serde_json::from_value(state).unwrap();
        assert_eq!((ended.point.snapshot_id.as_str(), ended.failure.unwrap().message()), ("snap-1", "no".to_owned()));
        assert_eq!((ended.progress, ended.removal, ended.not_removed), (None, None, None));
    }
}
