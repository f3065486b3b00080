//! Forecasts when each restore point of a volume expires, by applying the retention rule Night after Night until it names the snapshot.

use domain::{
    Interval, Intervals, Night,
    retention::{self, Policy, RetentionState},
    selection::Selection,
};
use std::collections::{HashMap, HashSet};

use crate::account::ec2::{Snapshot, SnapshotIdentity, Volume};

/// Length of the forecast in Nights: ten years.
const NIGHTS: usize = 3_653;

/// Status of a volume for the coming runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Standing {
    BackedUp,
    /// The volume exists, but is not in use or not selected, so no run snapshots it.
    LeftOut,
    /// The volume no longer exists.
    Gone,
}

impl Standing {
    pub fn new(volume: Option<&Volume>, selection: &Selection) -> Self {
        match volume {
            None => Self::Gone,
            Some(volume) if volume.state == "in-use" && selection.selects(&volume.tags) => Self::BackedUp,
            Some(_) => Self::LeftOut,
        }
    }
}

/// Forecast for a snapshot, if every coming Night creates a restore point of its volume that completes, and nobody changes a tag or a
/// parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SnapshotEnd {
    /// The snapshot failed. The next run deletes it.
    Failed(Night),
    /// The snapshot expires by age alone, because its volume is gone.
    Aged {
        /// Night whose run deletes the snapshot.
        on: Night,
        /// Night on which the snapshot is old enough.
        old_on: Night,
    },
    /// The snapshot expires by age and by the number of newer restore points.
    Succeeded {
        /// Night whose run deletes the snapshot.
        on: Night,
        /// Night on which the snapshot is old enough.
        old_on: Night,
        /// Number of newer restore points that are due the snapshot's governing Interval.
        newer: usize,
        /// Required number of newer restore points.
        needed: u32,
        /// Whether the snapshot is the newest completed one of its volume and Interval.
        is_newest: bool,
    },
    /// The snapshot stays, because Annual governs it.
    Annual,
    /// The snapshot stays, because it is the newest completed one of its Interval and its volume is gone.
    NewestOfGone,
    /// The snapshot neither counts nor expires until it completes or fails.
    Pending,
    /// The snapshot is in the Recycle Bin, is being recovered, or has an unknown state. It neither counts nor expires.
    Other,
    /// The snapshot stays while the volume is not backed up, because it lacks newer restore points.
    LeftOut,
    /// The snapshot does not expire within the forecast.
    Later,
}

impl SnapshotEnd {
    /// Returns the Night whose run deletes the snapshot, or none if it stays.
    pub fn expires(&self) -> Option<Night> {
        match self {
            Self::Failed(on) | Self::Aged { on, .. } | Self::Succeeded { on, .. } => Some(*on),
            _ => None,
        }
    }
}

/// Input of the retention rule for a volume. Many volumes have the same input.
type Pattern = (Standing, Vec<(Night, Interval, Intervals, u8)>);

/// Forecast from a policy. Simulates volumes with the same snapshots only once.
#[derive(Debug)]
pub struct Forecast {
    policy: Policy,
    pub next: Night,
    known: HashMap<Pattern, Vec<SnapshotEnd>>,
}

impl Forecast {
    /// Creates a forecast that starts at `next`, which is later than the Night of every snapshot.
    pub fn new(policy: Policy, next: Night) -> Self {
        Self { policy, next, known: HashMap::new() }
    }

    /// Returns the forecast for each snapshot of one volume, or none if its tags cannot be read. EBS may need hours for the snapshots of the
    /// last Night. The forecast assumes that they complete in time. Otherwise every other date would be a Night late in the meantime.
    pub fn forecast_each(&mut self, snapshots: &[&Snapshot], standing: Standing) -> Vec<Option<SnapshotEnd>> {
        let next = self.next;
        let managed: Vec<_> = snapshots.iter().filter_map(|one| managed(one, next)).collect();
        let seen = |one: &retention::DatedSnapshot| (one.night, one.interval, one.intervals.clone(), one.state as u8);
        let pattern = (standing, managed.iter().map(seen).collect());
        let policy = self.policy;
        let known = self.known.entry(pattern).or_insert_with(|| forecast_volume(&managed, policy, standing, next));
        let mut forecast_each = known.iter().cloned();
        snapshots.iter().map(|one| one.identity.is_ok().then(|| forecast_each.next()).flatten()).collect()
    }
}

fn managed(snapshot: &Snapshot, next: Night) -> Option<retention::DatedSnapshot> {
    let SnapshotIdentity { night, interval, intervals } = snapshot.identity.clone().ok()?;
    let state = match snapshot.state.as_str() {
        "completed" if snapshot.is_archived => RetentionState::Archived,
        "completed" => RetentionState::Completed,
        "pending" if night.nights_before(next) <= 1 => RetentionState::Completed,
        "pending" => RetentionState::Pending,
        "error" => RetentionState::Error,
        _ => RetentionState::Other,
    };
    Some(retention::DatedSnapshot {
        id: snapshot.id.clone(),
        volume_id: String::new(),
        night,
        interval,
        intervals,
        state,
    })
}

fn forecast_volume(
    snapshots: &[retention::DatedSnapshot],
    policy: Policy,
    standing: Standing,
    next: Night,
) -> Vec<SnapshotEnd> {
    let (expiries, exists) = (simulate(snapshots, policy, standing, next), standing != Standing::Gone);
    let end = |one: &retention::DatedSnapshot| match (expiries.get(&one.id), one.state) {
        (Some(on), RetentionState::Error) => SnapshotEnd::Failed(*on),
        (Some(on), _) => expires(one, *on, snapshots, policy, exists),
        (None, _) if one.interval == Interval::Annual => SnapshotEnd::Annual,
        (None, RetentionState::Pending) => SnapshotEnd::Pending,
        (None, RetentionState::Other) => SnapshotEnd::Other,
        (None, RetentionState::Archived) if !exists => SnapshotEnd::Other,
        (None, _) if !exists && is_newest(one, snapshots) => SnapshotEnd::NewestOfGone,
        (None, _) if standing == Standing::LeftOut => SnapshotEnd::LeftOut,
        (None, _) => SnapshotEnd::Later,
    };
    snapshots.iter().map(end).collect()
}

fn expires(
    one: &retention::DatedSnapshot,
    on: Night,
    all: &[retention::DatedSnapshot],
    policy: Policy,
    exists: bool,
) -> SnapshotEnd {
    let needed = if one.interval == Interval::Daily { policy.dailies } else { policy.quarterlies };
    let old_on = old_on(one, policy).unwrap_or(on);
    if !exists {
        return SnapshotEnd::Aged { on, old_on };
    }
    let due = completed(all).filter(|other| other.intervals.contains(one.interval) && other.night > one.night);
    let newer = due.map(|other| other.night).collect::<HashSet<_>>().len();
    SnapshotEnd::Succeeded { on, old_on, newer, needed, is_newest: is_newest(one, all) }
}

fn old_on(one: &retention::DatedSnapshot, policy: Policy) -> Option<Night> {
    match one.interval {
        Interval::Daily => one.night.after_nights(policy.dailies.into()),
        _ => one.night.after_months(policy.quarterly_months),
    }
}

fn completed(snapshots: &[retention::DatedSnapshot]) -> impl Iterator<Item = &retention::DatedSnapshot> {
    snapshots.iter().filter(|one| one.state == RetentionState::Completed)
}

fn is_newest(one: &retention::DatedSnapshot, all: &[retention::DatedSnapshot]) -> bool {
    one.state == RetentionState::Completed
        && !completed(all).any(|other| other.interval == one.interval && other.night > one.night)
}

/// Returns the Night on which each snapshot expires, by snapshot id.
fn simulate(
    first: &[retention::DatedSnapshot],
    policy: Policy,
    standing: Standing,
    next: Night,
) -> HashMap<String, Night> {
    let exists = standing != Standing::Gone;
    let last = next.after_nights(NIGHTS as i64);
    let may_expire = |one: &&retention::DatedSnapshot| match one.state {
        _ if one.interval == Interval::Annual => false,
        RetentionState::Error => true,
        // The newest snapshots of a volume that is gone stay.
        RetentionState::Completed if !exists && is_newest(one, first) => false,
        RetentionState::Completed | RetentionState::Archived => {
            old_on(one, policy).zip(last).is_some_and(|(old, last)| old <= last)
        }
        RetentionState::Pending | RetentionState::Other => false,
    };
    let mut left: HashSet<_> = first.iter().filter(may_expire).map(|one| one.id.clone()).collect();
    let (mut there, mut expiries) = (first.to_vec(), HashMap::new());
    // Without new restore points, nothing changes once all are old enough.
    let all_old = first.iter().filter_map(|one| old_on(one, policy)).max();
    for tonight in std::iter::successors(Some(next), |night| night.after_nights(1)).take(NIGHTS) {
        let nothing_changes = standing == Standing::LeftOut && all_old.is_none_or(|all_old| all_old < tonight);
        if left.is_empty() || nothing_changes && tonight != next {
            break;
        }
        there.extend((standing == Standing::BackedUp).then(|| coming_snapshot(tonight)));
        let expired = retention::expired(&there, tonight, policy, |_| exists);
        let expired: HashSet<_> = expired.into_iter().map(|one| one.id.clone()).collect();
        there.retain(|one| !expired.contains(&one.id));
        left.retain(|id| !expired.contains(id));
        expiries.extend(expired.into_iter().map(|id| (id, tonight)));
    }
    expiries
}

/// Returns the restore point that a coming Night creates.
fn coming_snapshot(night: Night) -> retention::DatedSnapshot {
    let intervals = Intervals::due(night);
    let (id, interval) = (night.to_string(), intervals.governing());
    retention::DatedSnapshot {
        id,
        volume_id: String::new(),
        night,
        interval,
        intervals,
        state: RetentionState::Completed,
    }
}

#[cfg(test)]
mod tests {
    use super::{Standing::*, *};
    use crate::fixtures::of_night;

    const POLICY: Policy = Policy { dailies: 7, quarterly_months: 15, quarterlies: 5 };

    /// Returns the forecast for the snapshot of the last of these Nights.
    fn last(nights: &[&str], policy: Policy, standing: Standing, next: &str) -> SnapshotEnd {
        let snapshots: Vec<_> = nights.iter().map(|night| of_night("vol-1", night, "completed")).collect();
        let forecast_each =
            Forecast::new(policy, next.parse().unwrap()).forecast_each(&snapshots.iter().collect::<Vec<_>>(), standing);
        forecast_each.into_iter().next_back().unwrap().unwrap()
    }

    fn on(end: SnapshotEnd) -> String {
        end.expires().unwrap_or_else(|| panic!("{end:?}")).to_string()
    }

    #[test]
    fn a_daily_goes_when_seven_newer_ones_have_come() {
        let end = last(&["2026-05-12", "2026-05-13"], POLICY, BackedUp, "2026-05-20");
        let (on, old_on) = ("2026-05-26".parse().unwrap(), "2026-05-20".parse().unwrap());
        assert_eq!(end, SnapshotEnd::Succeeded { on, old_on, newer: 0, needed: 7, is_newest: true });
    }

    #[test]
    fn the_daily_of_30_december_waits_for_the_next_that_daily_governs() {
        let policy = Policy { dailies: 1, ..POLICY };
        assert_eq!(on(last(&["2026-12-30"], policy, BackedUp, "2026-12-31")), "2027-01-02");
        assert_eq!(on(last(&["2026-12-29"], policy, BackedUp, "2026-12-30")), "2026-12-30");
    }

    #[test]
    fn a_quarterly_goes_at_fifteen_months_with_five_newer() {
        assert_eq!(on(last(&["2026-01-01"], POLICY, BackedUp, "2026-01-02")), "2027-04-01");
        assert_eq!(on(last(&["2026-01-01"], POLICY, BackedUp, "2028-01-02")), "2029-04-01");
    }

    #[test]
    fn a_volume_that_is_gone_loses_by_age_alone_and_keeps_its_newest() {
        assert_eq!(last(&["2026-05-12"], POLICY, Gone, "2026-05-13"), SnapshotEnd::NewestOfGone);
        let night: Night = "2026-05-19".parse().unwrap();
        let older = last(&["2026-05-13", "2026-05-12"], POLICY, Gone, "2026-05-14");
        assert_eq!(older, SnapshotEnd::Aged { on: night, old_on: night });
    }

    #[test]
    fn a_volume_that_is_left_out_keeps_what_lacks_newer_ones_for_ever() {
        let nights = ["2026-05-14", "2026-05-13", "2026-05-12"];
        assert_eq!(last(&nights, POLICY, LeftOut, "2026-06-15"), SnapshotEnd::LeftOut);
        let policy = Policy { dailies: 2, ..POLICY };
        assert_eq!(on(last(&nights, policy, LeftOut, "2026-05-15")), "2026-05-15", "it has two newer ones already");
    }

    #[test]
    fn what_ebs_failed_goes_with_the_next_night_and_what_is_not_done_stays() {
        let of = |state| {
            let one = of_night("vol-1", "2026-05-12", state);
            Forecast::new(POLICY, "2026-05-14".parse().unwrap()).forecast_each(&[&one], BackedUp).remove(0).unwrap()
        };
        assert_eq!(of("error"), SnapshotEnd::Failed("2026-05-14".parse().unwrap()));
        assert_eq!([of("pending"), of("recoverable")], [SnapshotEnd::Pending, SnapshotEnd::Other]);
    }

    #[test]
    fn what_the_forecast_does_not_reach_is_said_to_be_later() {
        let policy = Policy { dailies: 9_999, ..POLICY };
        assert_eq!(last(&["2026-05-12"], policy, BackedUp, "2026-05-13"), SnapshotEnd::Later);
    }

    #[test]
    fn volumes_that_are_alike_are_simulated_once() {
        let mut forecast = Forecast::new(POLICY, "2026-05-14".parse().unwrap());
        for volume in 0..1_000 {
            let id = format!("vol-{volume}");
            let snapshots = ["2026-05-12", "2026-05-13"].map(|night| of_night(&id, night, "completed"));
            assert!(forecast.forecast_each(&[&snapshots[0], &snapshots[1]], BackedUp).iter().all(Option::is_some));
        }
        assert_eq!(forecast.known.len(), 1);
    }
}
