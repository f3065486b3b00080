//! What the functions pass each other: small JSON through the state machine, long lists as JSON Lines in the ledger.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use crate::{
    Interval, Intervals, Night,
    origin::Origin,
    step_functions::{Caught, List},
    tags::Tags,
};

/// A volume selected for the night: a line of the work list, and of the list of those protected before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Volume {
    pub volume_id: String,
    pub instances: Vec<String>,
    pub tags: Tags,
    /// A description for the person who restores it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
    /// The `Name` tag of the first server that it is attached to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
}

/// A child execution's place in its Map.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turn {
    /// Its index, from 0.
    pub index: u64,
    /// When the Map began.
    pub since: Timestamp,
}

/// What discover-volumes found in one Region.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Discovery {
    pub region: String,
    pub night: Night,
    pub intervals: Intervals,
    pub dry_run: bool,
    /// The [`Volume`]s that lack tonight's snapshot, or its description.
    pub work_list: List,
    /// The [`Volume`]s that have both already.
    pub protected: List,
}

/// A managed snapshot: a line of the list of expired snapshots or of the failed ones, and the input of delete-one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ManagedSnapshot {
    pub snapshot_id: String,
    pub volume_id: String,
    pub night: Night,
    pub interval: Interval,
}

/// A managed snapshot whose tags cannot be read: reported, never counted, never deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Unreadable {
    pub snapshot_id: String,
    /// The tag, and what is wrong with it.
    pub problem: String,
}

/// What find-expired found in one Region.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expiry {
    /// The [`ManagedSnapshot`]s that expire.
    pub expired: List,
    /// The [`ManagedSnapshot`]s that EBS could not complete, whatever their Interval.
    pub failed: List,
    /// The [`Unreadable`] snapshots.
    pub unreadable: List,
    /// How many managed snapshots there are, those that expire among them.
    #[serde(default)]
    pub managed: usize,
    /// The start time of the oldest among the selected volumes' newest restore points; none if no volume has one.
    #[serde(default)]
    pub stalest: Option<Timestamp>,
}

/// The manifest of a Map's results in the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    pub key: String,
}

/// One Region's part of the night as the state machine hands it to report-night. What is absent was not reached.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RegionNight {
    pub region: String,
    pub work_list: Option<List>,
    pub protected: Option<List>,
    pub expiry: Option<Expiry>,
    /// Where Step Functions wrote the results of each Map that ended, by the state's name.
    #[serde(default)]
    pub results: BTreeMap<String, Manifest>,
    /// What each step that failed as a whole said, by the state's name.
    #[serde(default)]
    pub failure: BTreeMap<String, Caught>,
}
