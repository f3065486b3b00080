//! Messages between the functions: small JSON documents through the state machine, long lists as JSON Lines in the ledger.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use crate::{
    Interval, Intervals, Night,
    due::DueDate,
    origin::Origin,
    plan,
    step_functions::{Caught, LedgerList},
    tags::Tags,
};

/// A volume that the run selected: a line of the work list, or of the list of volumes that were already protected.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SelectedVolume {
    pub volume_id: String,
    pub instances: Vec<String>,
    pub tags: Tags,
    /// Properties of the volume that a restore needs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
    /// `Name` tag of the first instance that the volume is attached to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    /// Name of the plan that the run applies.
    #[serde(default)]
    pub plan: String,
    /// Intervals that are due for the volume, or that it already has on this Night. Absent if nothing is due.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intervals: Option<Intervals>,
    /// Intervals that the volume missed, and that the Night's snapshot makes up.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missed: Vec<DueDate>,
}

/// The position of a child execution in its Map.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChildPosition {
    /// Index, from 0.
    pub index: u64,
    /// Start time of the Map.
    pub since: Timestamp,
}

/// The output of discover-volumes for one Region.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Discovery {
    pub region: String,
    pub night: Night,
    pub dry_run: bool,
    /// [`SelectedVolume`]s without a snapshot of the Night, or with one that lacks its descriptive tags.
    pub work_list: LedgerList,
    /// [`SelectedVolume`]s that already have both.
    pub protected: LedgerList,
    /// [`SelectedVolume`]s whose plan has nothing due on this Night.
    pub not_due: LedgerList,
}

/// A managed snapshot: a line of the list of expired or of failed snapshots, and the input of delete-one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ManagedSnapshot {
    pub snapshot_id: String,
    pub volume_id: String,
    pub night: Night,
    pub interval: Interval,
    /// Name of the plan.
    #[serde(default = "default_plan")]
    pub plan: String,
}

fn default_plan() -> String {
    plan::DEFAULT.to_owned()
}

/// A managed snapshot with unreadable tags. It is reported, but never counted or deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Unreadable {
    pub snapshot_id: String,
    /// The tag, and the problem with it.
    pub problem: String,
}

/// The output of find-expired for one Region.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expiry {
    /// The [`ManagedSnapshot`]s that expire.
    pub expired: LedgerList,
    /// The [`ManagedSnapshot`]s that would expire, but did not under the rules of the Night before. The next Night deletes them.
    pub spared: LedgerList,
    /// The [`ManagedSnapshot`]s that no rule covers, because their plan does not exist or does not have their Interval. They stay.
    pub without_rule: LedgerList,
    /// The [`ManagedSnapshot`]s that EBS could not complete, regardless of their Interval.
    pub failed: LedgerList,
    /// The [`Unreadable`] snapshots.
    pub unreadable: LedgerList,
    /// Number of managed snapshots, including those that expire.
    #[serde(default)]
    pub managed: usize,
    /// Start time of the oldest among the selected volumes' newest restore points. A volume whose plan or schedule skips Nights does not
    /// count before it misses one. None if no volume counts.
    #[serde(default)]
    pub stalest: Option<Timestamp>,
}

/// The manifest of a Map's results in the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResultsManifest {
    pub key: String,
}

/// One Region's part of a run, as the state machine passes it to report-night. A field is absent if the run did not reach its step.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunRegionInput {
    pub region: String,
    pub work_list: Option<LedgerList>,
    pub protected: Option<LedgerList>,
    pub not_due: Option<LedgerList>,
    pub expiry: Option<Expiry>,
    /// Manifest of the results of each Map that ended, by the name of the state.
    #[serde(default)]
    pub results: BTreeMap<String, ResultsManifest>,
    /// Error of each step that failed as a whole, by the name of the state.
    #[serde(default)]
    pub failure: BTreeMap<String, Caught>,
}
