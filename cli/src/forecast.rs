//! Forecasts when each restore point of a volume expires, by applying the retention rule Night after Night until it names the snapshot.

use domain::{
    Interval, Intervals, Night,
    due::{self, History},
    plan::{Keep, Plans},
    retention::{self, DatedSnapshot, RetentionState},
    selection::Selection,
    tags::Identity,
};
use std::collections::{HashMap, HashSet};

use crate::account::ec2::{Snapshot, Volume};

/// Length of the forecast in Nights: ten years.
const NIGHTS: usize = 3_653;

/// Status of a volume for the coming runs.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Standing {
    BackedUp {
        /// Name of the volume's plan.
        plan: String,
    },
    /// The volume exists, but is not in use or not selected, so no run snapshots it.
    LeftOut,
    /// The volume no longer exists.
    Gone,
}

impl Standing {
    pub fn new(volume: Option<&Volume>, selection: &Selection, plans: &Plans) -> Self {
        match volume {
            None => Self::Gone,
            Some(volume) if volume.state == "in-use" && selection.selects(&volume.tags) => {
                Self::BackedUp { plan: plans.of_volume(&volume.tags).0.to_owned() }
            }
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
    /// The snapshot stays, because its plan keeps its Interval for ever.
    Forever,
    /// The snapshot stays, because its plan does not exist, or does not have its Interval.
    WithoutRule,
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
type Pattern = (Standing, Vec<(Night, Interval, Intervals, String, u8)>);

/// Forecast from the plans of a stack. Simulates volumes with the same snapshots only once.
#[derive(Debug)]
pub struct Forecast<'a> {
    plans: &'a Plans,
    pub next: Night,
    known: HashMap<Pattern, Vec<SnapshotEnd>>,
}

impl<'a> Forecast<'a> {
    /// Creates a forecast that starts at `next`, which is later than the Night of every snapshot.
    pub fn new(plans: &'a Plans, next: Night) -> Self {
        Self { plans, next, known: HashMap::new() }
    }

    /// Returns the forecast for each snapshot of one volume, or none if its tags cannot be read. EBS may need hours for the snapshots of the
    /// last Night. The forecast assumes that they complete in time. Otherwise every other date would be a Night late in the meantime.
    pub fn forecast_each(&mut self, snapshots: &[&Snapshot], standing: &Standing) -> Vec<Option<SnapshotEnd>> {
        let (plans, next) = (self.plans, self.next);
        let managed: Vec<_> = snapshots.iter().filter_map(|one| managed(one, next)).collect();
        let seen = |DatedSnapshot { identity, state, .. }: &DatedSnapshot| {
            let Identity { night, interval, intervals, plan } = identity.clone();
            (night, interval, intervals, plan, *state as u8)
        };
        let pattern = (standing.clone(), managed.iter().map(seen).collect());
        let known = self.known.entry(pattern).or_insert_with(|| forecast_volume(&managed, plans, standing, next));
        let mut forecast_each = known.iter().cloned();
        snapshots.iter().map(|one| one.identity.is_ok().then(|| forecast_each.next()).flatten()).collect()
    }
}

/// Returns the snapshot as retention sees it on the Night `next`, or none if its tags cannot be read.
pub fn managed(snapshot: &Snapshot, next: Night) -> Option<DatedSnapshot> {
    let identity = snapshot.identity.clone().ok()?;
    let state = match snapshot.state.as_str() {
        "completed" if snapshot.is_archived => RetentionState::Archived,
        "completed" => RetentionState::Completed,
        "pending" if identity.night.nights_before(next) <= 1 => RetentionState::Completed,
        "pending" => RetentionState::Pending,
        "error" => RetentionState::Error,
        _ => RetentionState::Other,
    };
    Some(DatedSnapshot { id: snapshot.id.clone(), volume_id: String::new(), identity, state })
}

fn forecast_volume(snapshots: &[DatedSnapshot], plans: &Plans, standing: &Standing, next: Night) -> Vec<SnapshotEnd> {
    let (expiries, exists) = (simulate(snapshots, plans, standing, next), *standing != Standing::Gone);
    let rule = |one: &DatedSnapshot| retention::rule(&one.identity, plans);
    let end = |one: &DatedSnapshot| match (expiries.get(&one.id), one.state) {
        (Some(on), RetentionState::Error) => SnapshotEnd::Failed(*on),
        (Some(on), _) => expires(one, *on, snapshots, plans, exists),
        (None, RetentionState::Pending) => SnapshotEnd::Pending,
        (None, RetentionState::Other) => SnapshotEnd::Other,
        (None, _) if rule(one).is_none() => SnapshotEnd::WithoutRule,
        (None, _) if rule(one) == Some(Keep::Forever) => SnapshotEnd::Forever,
        (None, RetentionState::Archived) if !exists => SnapshotEnd::Other,
        (None, _) if !exists && is_newest(one, snapshots) => SnapshotEnd::NewestOfGone,
        (None, _) if *standing == Standing::LeftOut => SnapshotEnd::LeftOut,
        (None, _) => SnapshotEnd::Later,
    };
    snapshots.iter().map(end).collect()
}

fn expires(one: &DatedSnapshot, on: Night, all: &[DatedSnapshot], plans: &Plans, exists: bool) -> SnapshotEnd {
    let old_on = old_on(one, plans).unwrap_or(on);
    if !exists {
        return SnapshotEnd::Aged { on, old_on };
    }
    let Identity { night, interval, .. } = one.identity;
    let needed = count(one, plans).unwrap_or_default();
    let due =
        completed(all).filter(|other| other.identity.intervals.contains(interval) && other.identity.night > night);
    let newer = due.map(|other| other.identity.night).collect::<HashSet<_>>().len();
    SnapshotEnd::Succeeded { on, old_on, newer, needed, is_newest: is_newest(one, all) }
}

/// Returns the number of units and of newer ones after which a snapshot expires, or none if it never does.
fn count(one: &DatedSnapshot, plans: &Plans) -> Option<u32> {
    match retention::rule(&one.identity, plans)? {
        Keep::Count(count) => Some(count),
        Keep::Forever => None,
    }
}

fn old_on(one: &DatedSnapshot, plans: &Plans) -> Option<Night> {
    one.identity.interval.old_on(one.identity.night, count(one, plans)?)
}

fn completed(snapshots: &[DatedSnapshot]) -> impl Iterator<Item = &DatedSnapshot> {
    snapshots.iter().filter(|one| one.state == RetentionState::Completed)
}

fn is_newest(one: &DatedSnapshot, all: &[DatedSnapshot]) -> bool {
    let Identity { night, interval, .. } = one.identity;
    one.state == RetentionState::Completed
        && !completed(all).any(|other| other.identity.interval == interval && other.identity.night > night)
}

/// Returns the Night on which each snapshot expires, by snapshot id.
fn simulate(first: &[DatedSnapshot], plans: &Plans, standing: &Standing, next: Night) -> HashMap<String, Night> {
    let exists = *standing != Standing::Gone;
    let last = next.after_nights(NIGHTS as i64);
    let may_expire = |one: &&DatedSnapshot| match one.state {
        RetentionState::Error => one.identity.interval != Interval::Annual || plans.let_annuals_expire(),
        // The newest snapshots of a volume that is gone stay.
        RetentionState::Completed if !exists && is_newest(one, first) => false,
        RetentionState::Completed | RetentionState::Archived => {
            old_on(one, plans).zip(last).is_some_and(|(old, last)| old <= last)
        }
        RetentionState::Pending | RetentionState::Other => false,
    };
    let mut left: HashSet<_> = first.iter().filter(may_expire).map(|one| one.id.clone()).collect();
    let (mut there, mut expiries, mut history) = (first.to_vec(), HashMap::new(), history(first));
    // Without new restore points, nothing changes once all are old enough.
    let all_old = first.iter().filter_map(|one| old_on(one, plans)).max();
    for tonight in std::iter::successors(Some(next), |night| night.after_nights(1)).take(NIGHTS) {
        let nothing_changes = *standing == Standing::LeftOut && all_old.is_none_or(|all_old| all_old < tonight);
        if left.is_empty() || nothing_changes && tonight != next {
            break;
        }
        if let Standing::BackedUp { plan } = standing {
            there.extend(coming_snapshot(tonight, plan, plans, &mut history));
        }
        let expired = retention::expired(&there, tonight, plans, |_| exists);
        let expired: HashSet<_> = expired.into_iter().map(|one| one.id.clone()).collect();
        there.retain(|one| !expired.contains(&one.id));
        left.retain(|id| !expired.contains(id));
        expiries.extend(expired.into_iter().map(|id| (id, tonight)));
    }
    expiries
}

/// Returns the Nights of a volume's snapshots that decide what is due.
pub fn history(snapshots: &[DatedSnapshot]) -> History {
    let mut history = History::default();
    for one in snapshots.iter().filter(|one| one.state != RetentionState::Error) {
        history.add(one.identity.night, &one.identity.intervals);
    }
    history
}

/// Returns the restore point that a coming Night creates, if anything is due, and adds it to the history.
pub fn coming_snapshot(tonight: Night, plan: &str, plans: &Plans, history: &mut History) -> Option<DatedSnapshot> {
    let intervals = due::due(plans.get(plan)?, tonight, plans.weekly_on, history)?;
    history.add(tonight, &intervals);
    let (interval, plan) = (intervals.governing(), plan.to_owned());
    Some(DatedSnapshot {
        id: tonight.to_string(),
        volume_id: String::new(),
        identity: Identity { night: tonight, interval, intervals, plan },
        state: RetentionState::Completed,
    })
}

#[cfg(test)]
mod tests {
    use super::{Standing::*, *};
    use crate::fixtures::{of_night, plans};

    const USUAL: &str = "Daily=7,Quarterly=5,Annual=forever";

    fn backed_up() -> Standing {
        BackedUp { plan: "default".to_owned() }
    }

    /// Returns the forecast for the snapshot of the last of these Nights.
    fn last(nights: &[&str], keep: &str, standing: Standing, next: &str) -> SnapshotEnd {
        let snapshots: Vec<_> = nights.iter().map(|night| of_night("vol-1", night, "completed")).collect();
        let (plans, snapshots) = (plans(keep), snapshots.iter().collect::<Vec<_>>());
        let forecast_each = Forecast::new(&plans, next.parse().unwrap()).forecast_each(&snapshots, &standing);
        forecast_each.into_iter().next_back().unwrap().unwrap()
    }

    fn on(end: SnapshotEnd) -> String {
        end.expires().unwrap_or_else(|| panic!("{end:?}")).to_string()
    }

    #[test]
    fn a_daily_goes_when_seven_newer_ones_have_come() {
        let end = last(&["2026-05-12", "2026-05-13"], USUAL, backed_up(), "2026-05-20");
        let (on, old_on) = ("2026-05-26".parse().unwrap(), "2026-05-20".parse().unwrap());
        assert_eq!(end, SnapshotEnd::Succeeded { on, old_on, newer: 0, needed: 7, is_newest: true });
    }

    #[test]
    fn the_daily_of_30_december_waits_for_the_next_that_daily_governs() {
        let keep = "Daily=1,Quarterly=5,Annual=forever";
        assert_eq!(on(last(&["2026-12-30"], keep, backed_up(), "2026-12-31")), "2027-01-02");
        assert_eq!(on(last(&["2026-12-29"], keep, backed_up(), "2026-12-30")), "2026-12-30");
    }

    #[test]
    fn a_quarterly_goes_at_fifteen_months_with_five_newer() {
        assert_eq!(on(last(&["2026-01-01"], USUAL, backed_up(), "2026-01-02")), "2027-04-01");
        assert_eq!(on(last(&["2026-01-01"], USUAL, backed_up(), "2028-01-02")), "2029-01-01", "one is made up at once");
    }

    #[test]
    fn a_volume_with_weeklies_alone_waits_for_sundays() {
        let of = |plan: &str| {
            let mut one = of_night("vol-1", "2026-05-10", "completed");
            one.identity = Ok(Identity {
                interval: Interval::Weekly,
                intervals: "Weekly".parse().unwrap(),
                plan: plan.into(),
                ..one.identity.unwrap()
            });
            let plans = plans(USUAL);
            let mut forecast = Forecast::new(&plans, "2026-05-11".parse().unwrap());
            forecast.forecast_each(&[&one], &BackedUp { plan: plan.into() }).remove(0).unwrap()
        };
        assert_eq!(on(of("weekly")), "2026-06-07", "four Sundays later");
        assert_eq!((of("gold"), of("gone")), (SnapshotEnd::WithoutRule, SnapshotEnd::WithoutRule));
    }

    #[test]
    fn a_volume_that_is_gone_loses_by_age_alone_and_keeps_its_newest() {
        assert_eq!(last(&["2026-05-12"], USUAL, Gone, "2026-05-13"), SnapshotEnd::NewestOfGone);
        let night: Night = "2026-05-19".parse().unwrap();
        let older = last(&["2026-05-13", "2026-05-12"], USUAL, Gone, "2026-05-14");
        assert_eq!(older, SnapshotEnd::Aged { on: night, old_on: night });
    }

    #[test]
    fn a_volume_that_is_left_out_keeps_what_lacks_newer_ones_for_ever() {
        let nights = ["2026-05-14", "2026-05-13", "2026-05-12"];
        assert_eq!(last(&nights, USUAL, LeftOut, "2026-06-15"), SnapshotEnd::LeftOut);
        assert_eq!(on(last(&nights, "Daily=2", LeftOut, "2026-05-15")), "2026-05-15", "it has two newer ones already");
    }

    #[test]
    fn what_ebs_failed_goes_with_the_next_night_and_what_is_not_done_stays() {
        let of = |state| {
            let one = of_night("vol-1", "2026-05-12", state);
            Forecast::new(&plans(USUAL), "2026-05-14".parse().unwrap())
                .forecast_each(&[&one], &backed_up())
                .remove(0)
                .unwrap()
        };
        assert_eq!(of("error"), SnapshotEnd::Failed("2026-05-14".parse().unwrap()));
        assert_eq!([of("pending"), of("recoverable")], [SnapshotEnd::Pending, SnapshotEnd::Other]);
    }

    #[test]
    fn what_the_forecast_does_not_reach_is_said_to_be_later() {
        assert_eq!(last(&["2026-05-12"], "Daily=9999", backed_up(), "2026-05-13"), SnapshotEnd::Later);
    }

    #[test]
    fn volumes_that_are_alike_are_simulated_once() {
        let plans = plans(USUAL);
        let mut forecast = Forecast::new(&plans, "2026-05-14".parse().unwrap());
        for volume in 0..1_000 {
            let id = format!("vol-{volume}");
            let snapshots = ["2026-05-12", "2026-05-13"].map(|night| of_night(&id, night, "completed"));
            assert!(forecast.forecast_each(&[&snapshots[0], &snapshots[1]], &backed_up()).iter().all(Option::is_some));
        }
        assert_eq!(forecast.known.len(), 1);
    }
}
