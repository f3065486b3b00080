//! The expiry of managed snapshots. Age is counted in Nights, never in seconds.

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

use crate::{
    Interval, Night,
    plan::{Keep, Plans},
    tags::Identity,
};

/// The states of a snapshot that retention distinguishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RetentionState {
    /// EBS is still copying the data. Only a snapshot of tonight counts as good.
    Pending,
    Completed,
    /// In the archive tier. The snapshot expires like a completed one, but does not let other snapshots expire, because restoring it from
    /// the archive takes up to 72 hours (EBS user guide, "Archive Amazon EBS snapshots").
    Archived,
    /// The snapshot failed. It never counts as good.
    Error,
    /// In the Recycle Bin, being recovered from it, or in a state that EC2 adds in the future. The snapshot neither counts nor expires.
    Other,
}

/// A managed snapshot with readable tags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatedSnapshot {
    pub id: String,
    pub volume_id: String,
    pub identity: Identity,
    pub state: RetentionState,
}

impl DatedSnapshot {
    fn is_good(&self, tonight: Night) -> bool {
        match self.state {
            RetentionState::Completed => true,
            RetentionState::Pending => self.identity.night == tonight,
            RetentionState::Archived | RetentionState::Error | RetentionState::Other => false,
        }
    }
}

/// Returns the snapshots that expire on `tonight`, in the order given. `exists` returns whether a volume still exists.
pub fn expired<'a>(
    snapshots: &'a [DatedSnapshot],
    tonight: Night,
    plans: &Plans,
    exists: impl Fn(&str) -> bool,
) -> Vec<&'a DatedSnapshot> {
    let good = GoodNights::new(snapshots, tonight);
    snapshots.iter().filter(|snapshot| expires(snapshot, tonight, plans, &good, exists(&snapshot.volume_id))).collect()
}

/// Returns the rule for a snapshot. Returns none if no plan has its name, or if its plan does not have its Interval. Then the snapshot stays.
pub fn rule(identity: &Identity, plans: &Plans) -> Option<Keep> {
    plans.get(&identity.plan)?.keep(identity.interval)
}

fn expires(snapshot: &DatedSnapshot, tonight: Night, plans: &Plans, good: &GoodNights, volume_exists: bool) -> bool {
    let Identity { night, interval, .. } = snapshot.identity;
    if snapshot.state == RetentionState::Error {
        let may_delete = interval != Interval::Annual || plans.let_annuals_expire();
        return may_delete && night.nights_before(tonight) >= 1;
    }
    let Some(Keep::Count(floor)) = rule(&snapshot.identity, plans) else { return false };
    let old = interval.old_on(night, floor).is_some_and(|old_on| old_on <= tonight);
    match snapshot.state {
        RetentionState::Completed if good.is_newest_completed(snapshot) => false,
        RetentionState::Completed => old && (!volume_exists || good.newer_due(snapshot) >= floor as usize),
        RetentionState::Archived => old && good.newer_due(snapshot) >= if volume_exists { floor as usize } else { 1 },
        RetentionState::Pending | RetentionState::Error | RetentionState::Other => false,
    }
}

/// The Nights of each volume's good snapshots, by Interval. Two snapshots of one Night are one restore point, so this counts Nights.
#[derive(Default)]
struct GoodNights<'a> {
    due: BTreeMap<(&'a str, Interval), BTreeSet<Night>>,
    /// By the governing Interval. Only completed snapshots count, because a pending one may still fail.
    newest_completed: BTreeMap<(&'a str, Interval), Night>,
}

impl<'a> GoodNights<'a> {
    fn new(snapshots: &'a [DatedSnapshot], tonight: Night) -> Self {
        let mut good = Self::default();
        for snapshot in snapshots.iter().filter(|snapshot| snapshot.is_good(tonight)) {
            let (volume, identity) = (snapshot.volume_id.as_str(), &snapshot.identity);
            for interval in identity.intervals.iter() {
                good.due.entry((volume, interval)).or_default().insert(identity.night);
            }
            if snapshot.state == RetentionState::Completed {
                let newest = good.newest_completed.entry((volume, identity.interval)).or_insert(identity.night);
                *newest = (*newest).max(identity.night);
            }
        }
        good
    }

    fn newer_due(&self, snapshot: &DatedSnapshot) -> usize {
        let Identity { night, interval, .. } = snapshot.identity;
        let nights = self.due.get(&(snapshot.volume_id.as_str(), interval));
        nights.map_or(0, |nights| nights.iter().rev().take_while(|newer| **newer > night).count())
    }

    fn is_newest_completed(&self, snapshot: &DatedSnapshot) -> bool {
        let Identity { night, interval, .. } = snapshot.identity;
        self.newest_completed.get(&(snapshot.volume_id.as_str(), interval)) == Some(&night)
    }
}

/// Returns whether a snapshot in this EC2 state protects its volume. A pending one does, because EBS may need hours to complete it.
pub fn protects(state: &str) -> bool {
    matches!(state, "completed" | "pending")
}

#[cfg(test)]
#[path = "retention_tests.rs"]
mod tests;
