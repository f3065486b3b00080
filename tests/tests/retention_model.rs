//! The retention rules against a model written from the contract alone: it shares no code with the domain crate, counts with
//! plain loops over all snapshots, and both are driven through the same random histories of nights.

use chrono::{Datelike, Days, NaiveDate};
use domain::{
    Interval, Intervals, Night,
    retention::{Policy, Snapshot, State, expired},
};
use proptest::{prelude::*, test_runner::FileFailurePersistence};
use std::collections::BTreeSet;

/// A snapshot as the model knows it.
#[derive(Clone, Debug)]
struct Copy {
    id: usize,
    volume: usize,
    night: NaiveDate,
    state: State,
}

impl Copy {
    fn is_quarterly(&self) -> bool {
        self.night.day() == 1 && [1, 4, 7, 10].contains(&self.night.month())
    }

    fn is_annual(&self) -> bool {
        self.night.day() == 31 && self.night.month() == 12
    }

    fn is_good(&self, tonight: NaiveDate) -> bool {
        self.state == State::Completed || (self.state == State::Pending && self.night == tonight)
    }

    fn months_before(&self, tonight: NaiveDate) -> i32 {
        let months = |date: NaiveDate| date.year() * 12 + date.month() as i32;
        months(tonight) - months(self.night) - i32::from(tonight.day() < self.night.day())
    }
}

/// What spec.md says expires, word for word.
fn model(copies: &[Copy], tonight: NaiveDate, policy: Policy, exists: &[bool]) -> BTreeSet<usize> {
    let expires = |copy: &&Copy| {
        if copy.is_annual() {
            return false;
        }
        if copy.state == State::Error {
            return copy.night < tonight;
        }
        let newer = |copy: &Copy, other: &&Copy| other.volume == copy.volume && other.night > copy.night;
        let like = |other: &&Copy| !other.is_annual() && other.is_quarterly() == copy.is_quarterly();
        let newer_completed = copies.iter().filter(|other| newer(copy, other) && like(other));
        let is_newest = newer_completed.filter(|other| other.state == State::Completed).count() == 0;
        if copy.state != State::Completed || is_newest {
            return false;
        }
        let due_too = |other: &&Copy| !copy.is_quarterly() || other.is_quarterly();
        let newer_good = copies.iter().filter(|other| newer(copy, other) && due_too(other) && other.is_good(tonight));
        let points = newer_good.map(|other| other.night).collect::<BTreeSet<_>>().len();
        let (old, enough) = if copy.is_quarterly() {
            (copy.months_before(tonight) >= policy.quarterly_months as i32, points >= policy.quarterlies as usize)
        } else {
            ((tonight - copy.night).num_days() >= policy.dailies.into(), points >= policy.dailies as usize)
        };
        old && (enough || !exists[copy.volume])
    };
    copies.iter().filter(expires).map(|copy| copy.id).collect()
}

/// What the domain crate says of the same snapshots.
fn domain(copies: &[Copy], tonight: NaiveDate, policy: Policy, exists: &[bool]) -> BTreeSet<usize> {
    let night = |date: NaiveDate| date.to_string().parse::<Night>().expect("a Night");
    let snapshot = |copy: &Copy| {
        let intervals = Intervals::due(night(copy.night));
        let (id, volume_id, interval) = (copy.id.to_string(), copy.volume.to_string(), intervals.governing());
        Snapshot { id, volume_id, night: night(copy.night), interval, intervals, state: copy.state }
    };
    let snapshots: Vec<_> = copies.iter().map(snapshot).collect();
    let gone = expired(&snapshots, night(tonight), policy, |volume| exists[volume.parse::<usize>().expect("a number")]);
    assert!(gone.iter().all(|snapshot| snapshot.interval != Interval::Annual), "an annual expired");
    gone.iter().map(|snapshot| snapshot.id.parse().expect("a number")).collect()
}

const VOLUMES: usize = 3;

/// One night: how many nights were missed before it, what becomes of each volume's snapshot, who is there, the parameters.
#[derive(Clone, Debug)]
struct Turn {
    missed: u64,
    states: [Option<State>; VOLUMES],
    comes_or_goes: Option<usize>,
    policy: Policy,
}

fn turn() -> impl Strategy<Value = Turn> {
    let state = || {
        let (good, bad) = (Just(Some(State::Completed)), prop_oneof![Just(None), Just(Some(State::Error))]);
        prop_oneof![12 => good, 2 => bad, 1 => Just(Some(State::Pending)), 1 => Just(Some(State::Other))]
    };
    let missed = prop_oneof![20 => Just(0u64), 2 => 1u64..10, 1 => 10u64..200];
    let policy = (1u32..10, 1u32..20, 1u32..7);
    let goes = prop_oneof![30 => Just(None), 1 => (0..VOLUMES).prop_map(Some)];
    (missed, [state(), state(), state()], goes, policy).prop_map(|(missed, states, comes_or_goes, policy)| {
        let (dailies, quarterly_months, quarterlies) = policy;
        Turn { missed, states, comes_or_goes, policy: Policy { dailies, quarterly_months, quarterlies } }
    })
}

/// 40 histories unless `PROPTEST_CASES` says how many; a failure, shrunk, is kept beside this file and tried first.
fn config() -> ProptestConfig {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(40);
    let kept = FileFailurePersistence::WithSource("regressions");
    ProptestConfig { cases, failure_persistence: Some(Box::new(kept)), ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    /// Each history is of 400 nights; the parameters change now and then.
    #[test]
    fn the_model_and_the_domain_agree_on_every_night(turns in proptest::collection::vec(turn(), 400), keep in 1usize..60) {
        let (mut copies, mut exists) = (Vec::<Copy>::new(), [true; VOLUMES]);
        let mut tonight = NaiveDate::from_ymd_opt(2026, 11, 20).expect("a date");
        let mut policy = Policy { dailies: 7, quarterly_months: 15, quarterlies: 5 };
        for (number, turn) in turns.iter().enumerate() {
            tonight = tonight + Days::new(1 + turn.missed);
            if number % keep == keep - 1 {
                policy = turn.policy;
            }
            if let Some(volume) = turn.comes_or_goes {
                exists[volume] = !exists[volume];
            }
            for (volume, state) in turn.states.iter().enumerate().filter(|(volume, _)| exists[*volume]) {
                if let Some(state) = *state {
                    copies.push(Copy { id: number * VOLUMES + volume, volume, night: tonight, state });
                }
            }
            let gone = model(&copies, tonight, policy, &exists);
            prop_assert_eq!(&gone, &domain(&copies, tonight, policy, &exists));
            let good = |copies: &[Copy], volume| {
                copies.iter().filter(|copy| copy.volume == volume && copy.is_good(tonight)).count()
            };
            let before: Vec<_> = (0..VOLUMES).map(|volume| good(&copies, volume)).collect();
            copies.retain(|copy| !gone.contains(&copy.id));
            for volume in (0..VOLUMES).filter(|volume| exists[*volume]) {
                let floor = policy.dailies.min(policy.quarterlies) as usize;
                prop_assert!(good(&copies, volume) >= before[volume].min(floor));
            }
        }
    }
}
