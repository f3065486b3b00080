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
    /// `vol-…`
    pub volume_id: String,
    /// The instances it is attached to.
    pub instances: Vec<String>,
    /// The volume's own tags.
    pub tags: Tags,
    /// What it is, for whoever restores it.
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
    /// The Region.
    pub region: String,
    /// Tonight.
    pub night: Night,
    /// Every Interval due tonight.
    pub intervals: Intervals,
    /// Whether the night only says what it would do.
    pub dry_run: bool,
    /// The [`Volume`]s that lack tonight's snapshot, or its description.
    pub work_list: List,
    /// The [`Volume`]s that have both already.
    pub protected: List,
}

/// A snapshot that expires: a line of the list of expired snapshots, and the input of delete-one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Expired {
    /// `snap-…`
    pub snapshot_id: String,
    /// `vol-…`
    pub volume_id: String,
    /// The Night that it belongs to.
    pub night: Night,
    /// The Interval that governed it.
    pub interval: Interval,
}

/// A managed snapshot that EBS could not complete, whatever its Interval: a line of the list of failed snapshots.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FailedSnapshot {
    /// `snap-…`
    pub snapshot_id: String,
    /// `vol-…`
    pub volume_id: String,
    /// The Night that it belongs to.
    pub night: Night,
    /// The Interval that governs it.
    pub interval: Interval,
}

/// A managed snapshot whose tags cannot be read: reported, never counted, never deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Unreadable {
    /// `snap-…`
    pub snapshot_id: String,
    /// Which tag, and what is wrong with it.
    pub problem: String,
}

/// What find-expired found in one Region.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expiry {
    /// The [`Expired`] snapshots.
    pub expired: List,
    /// The [`FailedSnapshot`]s.
    pub failed: List,
    /// The [`Unreadable`] ones.
    pub unreadable: List,
    /// How many managed snapshots there are, those that expire among them.
    #[serde(default)]
    pub managed: usize,
    /// When the newest restore point was begun of the selected volume that is worst off; none where no volume has one.
    #[serde(default)]
    pub stalest: Option<Timestamp>,
}

/// The manifest of a Map's results in the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Its key.
    pub key: String,
}

/// One Region's part of the night as the state machine hands it to report-night. What is absent was not reached.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RegionNight {
    /// The Region.
    pub region: String,
    /// The volumes that were to be snapshotted.
    pub work_list: Option<List>,
    /// The volumes that were protected before.
    pub protected: Option<List>,
    /// What expired.
    pub expiry: Option<Expiry>,
    /// Where Step Functions wrote the results of each Map that ended, by the state's name.
    #[serde(default)]
    pub results: BTreeMap<String, Manifest>,
    /// What each step that failed as a whole said, by the state's name.
    #[serde(default)]
    pub failure: BTreeMap<String, Caught>,
}
