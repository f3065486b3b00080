//! Which managed snapshots expire tonight. Age is counted in Nights, never in seconds.

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

use crate::{Error, Interval, Intervals, Night, input::count};

/// The retention parameters; each at least 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Dailies kept: both the Nights of age and the number of newer restore points that a daily must reach to expire.
    pub dailies: u32,
    /// Calendar months of age that a quarterly must reach to expire.
    pub quarterly_months: u32,
    /// Newer quarterly restore points that a quarterly must have to expire.
    pub quarterlies: u32,
}

impl Policy {
    /// A policy of three parameters as text; [`crate::ErrorName::BadInput`] for one that is not a whole number from 1.
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
pub enum State {
    /// EBS still copies; only tonight's counts as good.
    Pending,
    Completed,
    /// In the archive tier: it expires as a completed one does, but no other expires because of it, for it takes up to 72 hours to come back
    /// (EBS user guide, "Archive Amazon EBS snapshots").
    Archived,
    /// The snapshot failed; never good.
    Error,
    /// In the Recycle Bin, on its way back, or a state of the future: neither counted nor expired.
    Other,
}

/// A managed snapshot whose tags could be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    pub id: String,
    pub volume_id: String,
    /// Its `Night` tag.
    pub night: Night,
    /// Its `Interval` tag: it governs.
    pub interval: Interval,
    /// Its `Intervals` tag: every one due that Night.
    pub intervals: Intervals,
    pub state: State,
}

impl Snapshot {
    fn is_good(&self, tonight: Night) -> bool {
        match self.state {
            State::Completed => true,
            State::Pending => self.night == tonight,
            State::Archived | State::Error | State::Other => false,
        }
    }
}

/// The snapshots that expire on `tonight`, in the order given. `exists` says whether a volume still does.
pub fn expired(
    snapshots: &[Snapshot],
    tonight: Night,
    policy: Policy,
    exists: impl Fn(&str) -> bool,
) -> Vec<&Snapshot> {
    let good = GoodNights::new(snapshots, tonight);
    snapshots.iter().filter(|snapshot| expires(snapshot, tonight, policy, &good, exists(&snapshot.volume_id))).collect()
}

fn expires(snapshot: &Snapshot, tonight: Night, policy: Policy, good: &GoodNights, volume_exists: bool) -> bool {
    let (old, floor) = match snapshot.interval {
        Interval::Annual => return false,
        Interval::Daily => (snapshot.night.nights_before(tonight) >= policy.dailies.into(), policy.dailies),
        Interval::Quarterly => (snapshot.night.is_months_before(policy.quarterly_months, tonight), policy.quarterlies),
    };
    match snapshot.state {
        State::Error => snapshot.night.nights_before(tonight) >= 1,
        State::Completed if good.is_newest_completed(snapshot) => false,
        State::Completed => old && (!volume_exists || good.newer_due(snapshot) >= floor as usize),
        State::Archived => old && good.newer_due(snapshot) >= if volume_exists { floor as usize } else { 1 },
        State::Pending | State::Other => false,
    }
}

/// The Nights of each volume's good snapshots, by Interval. Nights, not snapshots: two of one Night are one restore point.
#[derive(Default)]
struct GoodNights<'a> {
    due: BTreeMap<(&'a str, Interval), BTreeSet<Night>>,
    /// By the governing Interval, and of completed ones alone: EBS may yet fail one that is pending.
    newest_completed: BTreeMap<(&'a str, Interval), Night>,
}

impl<'a> GoodNights<'a> {
    fn new(snapshots: &'a [Snapshot], tonight: Night) -> Self {
        let mut good = Self::default();
        for snapshot in snapshots.iter().filter(|snapshot| snapshot.is_good(tonight)) {
            let volume = snapshot.volume_id.as_str();
            for interval in [Interval::Daily, Interval::Quarterly] {
                if snapshot.intervals.contains(interval) {
                    good.due.entry((volume, interval)).or_default().insert(snapshot.night);
                }
            }
            if snapshot.state == State::Completed {
                let newest = good.newest_completed.entry((volume, snapshot.interval)).or_insert(snapshot.night);
                *newest = (*newest).max(snapshot.night);
            }
        }
        good
    }

    fn newer_due(&self, snapshot: &Snapshot) -> usize {
        let nights = self.due.get(&(snapshot.volume_id.as_str(), snapshot.interval));
        nights.map_or(0, |nights| nights.iter().rev().take_while(|night| **night > snapshot.night).count())
    }

    fn is_newest_completed(&self, snapshot: &Snapshot) -> bool {
        self.newest_completed.get(&(snapshot.volume_id.as_str(), snapshot.interval)) == Some(&snapshot.night)
    }
}

/// Whether a snapshot in this state of EC2's protects its volume: completed, or pending (EBS may need hours).
pub fn protects(state: &str) -> bool {
    matches!(state, "completed" | "pending")
}

#[cfg(test)]
#[path = "retention_tests.rs"]
mod tests;
