//! The expiry of managed snapshots. Age is counted in Nights, never in seconds.

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

use crate::{Error, Interval, Intervals, Night, input::count};

/// The retention parameters. Each is at least 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Number of dailies to keep. To expire, a daily must be this many Nights old and have this many newer restore points.
    pub dailies: u32,
    /// Age in calendar months at which a quarterly may expire.
    pub quarterly_months: u32,
    /// Number of newer quarterly restore points that a quarterly must have to expire.
    pub quarterlies: u32,
}

impl Policy {
    /// Parses the three parameters.
    ///
    /// # Errors
    /// [`crate::ErrorName::BadInput`] if one of them is not a whole number of 1 or more.
    pub fn read(dailies: &str, quarterly_months: &str, quarterlies: &str) -> Result<Self, Error> {
        Ok(Self {
            dailies: count("KeepDailies", dailies)?,
            quarterly_months: count("QuarterlyMonths", quarterly_months)?,
            quarterlies: count("KeepQuarterlies", quarterlies)?,
        })
    }
}

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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatedSnapshot {
    pub id: String,
    pub volume_id: String,
    /// `Night` tag.
    pub night: Night,
    /// `Interval` tag, which governs retention.
    pub interval: Interval,
    /// `Intervals` tag, with every Interval due that Night.
    pub intervals: Intervals,
    pub state: RetentionState,
}

impl DatedSnapshot {
    fn is_good(&self, tonight: Night) -> bool {
        match self.state {
            RetentionState::Completed => true,
            RetentionState::Pending => self.night == tonight,
            RetentionState::Archived | RetentionState::Error | RetentionState::Other => false,
        }
    }
}

/// Returns the snapshots that expire on `tonight`, in the order given. `exists` returns whether a volume still exists.
pub fn expired(
    snapshots: &[DatedSnapshot],
    tonight: Night,
    policy: Policy,
    exists: impl Fn(&str) -> bool,
) -> Vec<&DatedSnapshot> {
    let good = GoodNights::new(snapshots, tonight);
    snapshots.iter().filter(|snapshot| expires(snapshot, tonight, policy, &good, exists(&snapshot.volume_id))).collect()
}

fn expires(snapshot: &DatedSnapshot, tonight: Night, policy: Policy, good: &GoodNights, volume_exists: bool) -> bool {
    let (old, floor) = match snapshot.interval {
        Interval::Annual => return false,
        Interval::Daily => (snapshot.night.nights_before(tonight) >= policy.dailies.into(), policy.dailies),
        Interval::Quarterly => (snapshot.night.is_months_before(policy.quarterly_months, tonight), policy.quarterlies),
    };
    match snapshot.state {
        RetentionState::Error => snapshot.night.nights_before(tonight) >= 1,
        RetentionState::Completed if good.is_newest_completed(snapshot) => false,
        RetentionState::Completed => old && (!volume_exists || good.newer_due(snapshot) >= floor as usize),
        RetentionState::Archived => old && good.newer_due(snapshot) >= if volume_exists { floor as usize } else { 1 },
        RetentionState::Pending | RetentionState::Other => false,
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
            let volume = snapshot.volume_id.as_str();
            for interval in [Interval::Daily, Interval::Quarterly] {
                if snapshot.intervals.contains(interval) {
                    good.due.entry((volume, interval)).or_default().insert(snapshot.night);
                }
            }
            if snapshot.state == RetentionState::Completed {
                let newest = good.newest_completed.entry((volume, snapshot.interval)).or_insert(snapshot.night);
                *newest = (*newest).max(snapshot.night);
            }
        }
        good
    }

    fn newer_due(&self, snapshot: &DatedSnapshot) -> usize {
        let nights = self.due.get(&(snapshot.volume_id.as_str(), snapshot.interval));
        nights.map_or(0, |nights| nights.iter().rev().take_while(|night| **night > snapshot.night).count())
    }

    fn is_newest_completed(&self, snapshot: &DatedSnapshot) -> bool {
        self.newest_completed.get(&(snapshot.volume_id.as_str(), snapshot.interval)) == Some(&snapshot.night)
    }
}

/// Returns whether a snapshot in this EC2 state protects its volume. A pending one does, because EBS may need hours to complete it.
pub fn protects(state: &str) -> bool {
    matches!(state, "completed" | "pending")
}

#[cfg(test)]
#[path = "retention_tests.rs"]
mod tests;
