//! What the drill's functions pass each other through its state machine and the ledger.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use crate::{
    Error, Night,
    drill::{Depth, Item, Proven, RestorePoint, Round, Unproven},
    messages::Keyed,
    step_functions::{Caught, Execution, List},
    tags::{self, Tags},
};

impl Execution {
    /// The key of one of a drill's objects in the ledger: `drills/<date>/<execution>/<name>`.
    pub fn drill_key(&self, date: Night, name: &str) -> String {
        format!("drills/{date}/{}/{name}", self.name)
    }
}

/// What drill-choose chose in one Region.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Chosen {
    /// The Region.
    pub region: String,
    /// The drill's date.
    pub date: Night,
    /// The Availability Zone in which volumes are made.
    pub zone: String,
    /// The instance that checks what is on them: `i-…`; empty where none does.
    pub instance: String,
    /// The [`Round`]s.
    pub rounds: List,
    /// What the drill cannot take: [`UnprovenOf`] a volume, in order of the volumes' ids.
    pub unproven: List,
    /// Volumes that have restore points.
    pub volumes: usize,
    /// Those of them that this drill takes.
    pub taken: usize,
    /// Volumes of earlier drills that are to be deleted.
    pub leftovers: usize,
}

/// A restore point of a volume from which a volume was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProvenOf {
    /// `vol-…`
    pub volume_id: String,
    /// The proof.
    #[serde(flatten)]
    pub proven: Proven,
}

/// A restore point of a volume that could not be proven.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UnprovenOf {
    /// `vol-…`
    pub volume_id: String,
    /// Which restore point, and why.
    #[serde(flatten)]
    pub unproven: Unproven,
}

impl UnprovenOf {
    /// A restore point and why it could not be proven: an error's name and its message.
    pub fn new(point: RestorePoint, reason: String) -> Self {
        let RestorePoint { snapshot_id, volume_id, night, intervals, .. } = point;
        Self { volume_id, unproven: Unproven { snapshot_id, night, intervals, reason } }
    }
}

impl Keyed for UnprovenOf {
    fn key(&self) -> &str {
        &self.volume_id
    }
}

/// How far one item of a round has come: what each of drill-restore, drill-check and drill-remove gets, and what a round leaves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Progress {
    /// The Region.
    pub region: String,
    /// The Availability Zone in which its volume is made.
    #[serde(default)]
    pub zone: String,
    /// The instance that checks what is on it; empty where none does.
    #[serde(default)]
    pub instance: String,
    /// The name of the drill's execution.
    pub execution: String,
    /// Its index in its round, from 0.
    #[serde(default)]
    pub place: usize,
    /// The item.
    pub item: Item,
    /// What drill-restore said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restored: Option<Restored>,
    /// What drill-check last said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checked: Option<Checked>,
    /// What drill-remove last said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub removed: Option<Removed>,
    /// What each step that failed said, by the state's name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub failure: BTreeMap<String, Caught>,
}

impl Progress {
    /// Its restore point.
    ///
    /// # Errors
    /// [`crate::ErrorName::BadInput`] where it is a leftover.
    pub fn point(&self) -> Result<&RestorePoint, Error> {
        match &self.item {
            Item::Point(point) => Ok(point),
            Item::Leftover(leftover) => Err(Error::bad_input("item", &leftover.volume_id, "not a restore point")),
        }
    }
}

/// The volume that drill-restore made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Restored {
    /// `vol-…`
    pub volume_id: String,
    /// When EC2 created it.
    pub begun: Timestamp,
}

/// What drill-check saw, and what it is to know at its next look. Every member is written, null where it is not known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Checked {
    /// Whether there is nothing more to look for.
    pub is_over: bool,
    /// Seconds until the next look.
    pub wait_seconds: u64,
    /// Seconds from CreateVolume until the volume was seen to be available.
    pub seconds: Option<u64>,
    /// How far it is proven.
    pub depth: Option<Depth>,
    /// When the proof was complete.
    pub at: Option<Timestamp>,
    /// The id of the command that checks what is on it.
    pub command: Option<String>,
    /// Why it cannot be proven: an error's name and its message.
    pub problem: Option<String>,
}

/// What drill-remove saw.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Removed {
    /// Whether the volume is gone.
    pub is_gone: bool,
    /// Seconds until the next look.
    pub wait_seconds: u64,
    /// When it was first to be removed.
    pub since: Timestamp,
}

/// The input of a round's child execution, as far as it is read back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoundInput {
    /// The Region.
    pub region: String,
    /// The round.
    pub round: Round,
}

/// One Region's part of the drill as the state machine hands it to drill-report. What is absent was not reached.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RegionDrill {
    /// The Region.
    pub region: String,
    /// [`Chosen::rounds`]
    pub rounds: Option<List>,
    /// [`Chosen::unproven`]
    pub unproven: Option<List>,
    /// [`Chosen::volumes`]
    #[serde(default)]
    pub volumes: usize,
    /// [`Chosen::taken`]
    #[serde(default)]
    pub taken: usize,
    /// [`Chosen::leftovers`]
    #[serde(default)]
    pub leftovers: usize,
    /// What each step that failed as a whole said, by the state's name.
    #[serde(default)]
    pub failure: BTreeMap<String, Caught>,
}

/// The tags of the volume that a drill makes from a restore point: it is nobody's to back up.
pub fn volume_tags(stack: &str, execution: &str, point: &RestorePoint) -> Tags {
    [
        (crate::drill::RESTORE_DRILL, stack.to_owned()),
        (crate::drill::DRILL_EXECUTION, execution.to_owned()),
        (crate::selection::OPT_OUT, "false".to_owned()),
        (tags::NAME, format!("restore-drill of {}", point.volume_id)),
    ]
    .map(|(key, value)| (key.to_owned(), value))
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::selection::Selection;
    use serde_json::{Value, json};

    #[test]
    fn an_item_is_read_as_the_state_machine_hands_it_on_and_every_member_of_a_check_is_written() {
        let point = json!({"snapshotId": "snap-1", "volumeId": "vol-1", "night": "2026-11-28", "intervals": "Daily", "gibibytes": 8});
        let given = json!({
            "region": "eu-west-1", "zone": "eu-west-1a", "instance": "", "execution": "run", "place": 2,
            "item": {"point": point},
            "restored": {"volumeId": "vol-9", "begun": "2026-11-29T06:00:00Z"},
            "failure": {"DrillCheck": {"Error": "Refused", "Cause": "{\"errorMessage\":\"no\"}"}},
        });
        let progress: Progress = serde_json::from_value(given.clone()).unwrap();
        assert_eq!(progress.point().unwrap().snapshot_id, "snap-1");
        assert_eq!(serde_json::to_value(&progress).unwrap(), given);
        let leftover = json!({"region": "r", "execution": "run", "item": {"leftover": {"volumeId": "vol-9"}}});
        let leftover: Progress = serde_json::from_value(leftover).unwrap();
        assert_eq!(leftover.point().unwrap_err().to_string(), "BadInput: item: vol-9: not a restore point");
        let checked = serde_json::to_value(Checked::default()).unwrap();
        assert_eq!(checked.as_object().unwrap().len(), 7);
        assert_eq!((&checked["isOver"], &checked["problem"]), (&json!(false), &Value::Null));
    }

    #[test]
    fn a_drills_volume_is_not_backed_up() {
        let point = RestorePoint {
            snapshot_id: "snap-1".into(),
            volume_id: "vol-1".into(),
            night: "2026-11-28".parse().unwrap(),
            intervals: "Daily".parse().unwrap(),
            gibibytes: 8,
        };
        let tags = volume_tags("prod", "run", &point);
        assert!(!Selection::default().selects(&tags));
        assert_eq!((tags["RestoreDrill"].as_str(), tags["DrillExecution"].as_str()), ("prod", "run"));
        assert_eq!(tags["Name"], "restore-drill of vol-1");
    }
}
