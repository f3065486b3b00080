use super::*;
use crate::retention::expired;
use proptest::prelude::*;

const POLICY: Policy = Policy { dailies: 7, quarterly_months: 15, quarterlies: 5 };

fn night(text: &str) -> Night {
    text.parse().unwrap()
}

fn snapshot(night: Night, state: State) -> Snapshot {
    let intervals = Intervals::due(night);
    let (id, volume_id, interval) = (format!("snap-{night}"), "vol-1".to_owned(), intervals.governing());
    Snapshot { id, volume_id, night, interval, intervals, state }
}

/// The fate of the last of these Nights' completed snapshots.
fn last(nights: &[&str], policy: Policy, exists: bool, next: &str) -> Fate {
    let snapshots: Vec<_> = nights.iter().map(|one| snapshot(night(one), State::Completed)).collect();
    fates(&snapshots, policy, exists, night(next)).pop().unwrap()
}

fn on(fate: &Fate) -> String {
    let Fate::Expires { on, .. } = fate else { panic!("{fate:?}") };
    on.to_string()
}

#[test]
fn a_daily_goes_when_seven_newer_ones_have_come() {
    let Fate::Expires { on, because } = last(&["2026-05-12", "2026-05-13"], POLICY, true, "2026-05-20") else {
        panic!()
    };
    assert_eq!(on.to_string(), "2026-05-26");
    let (old_on, enough_on, followed_on) = (night("2026-05-20"), night("2026-05-26"), Some(night("2026-05-20")));
    assert_eq!(because, Because::Succeeded { old_on, newer: 0, needed: 7, enough_on, followed_on });
}

#[test]
fn the_daily_of_30_december_waits_for_the_next_that_daily_governs() {
    let policy = Policy { dailies: 1, ..POLICY };
    assert_eq!(on(&last(&["2026-12-30"], policy, true, "2026-12-31")), "2027-01-02");
    assert_eq!(on(&last(&["2026-12-29"], policy, true, "2026-12-30")), "2026-12-30");
}

#[test]
fn a_quarterly_goes_at_fifteen_months_with_five_newer() {
    assert_eq!(on(&last(&["2026-01-01"], POLICY, true, "2026-01-02")), "2027-04-01");
    assert_eq!(on(&last(&["2026-01-01"], POLICY, true, "2028-01-02")), "2029-04-01");
}

#[test]
fn a_volume_that_is_gone_loses_by_age_alone_and_keeps_its_newest() {
    assert_eq!(last(&["2026-05-12"], POLICY, false, "2026-05-13"), Fate::Never(Never::NewestOfGone));
    let older = last(&["2026-05-13", "2026-05-12"], POLICY, false, "2026-05-14");
    assert_eq!(older, Fate::Expires { on: night("2026-05-19"), because: Because::Age { old_on: night("2026-05-19") } });
    assert_eq!(last(&["2026-12-31"], POLICY, false, "2027-05-14"), Fate::Never(Never::Annual));
}

#[test]
fn what_ebs_failed_goes_with_the_next_night_and_what_is_not_done_stays() {
    let of = |state| fates(&[snapshot(night("2026-05-12"), state)], POLICY, true, night("2026-05-13")).remove(0);
    assert_eq!(of(State::Error), Fate::Expires { on: night("2026-05-13"), because: Because::Failed });
    assert_eq!(of(State::Pending), Fate::Never(Never::Pending));
    assert_eq!(of(State::Other), Fate::Never(Never::Other));
}

#[test]
fn the_largest_parameters_are_answered_and_those_beyond_the_calendar_are_said_to_be() {
    let most = Policy { dailies: 9_999, quarterly_months: 9_999, quarterlies: 9_999 };
    // No quarterly leaves in the meantime: 9,999 newer ones are there after as many Nights.
    assert_eq!(on(&last(&["2026-05-12"], most, true, "2026-05-13")), "2053-09-26");
    assert_eq!(on(&last(&["2026-04-01"], most, true, "2026-05-13")), "4526-01-01");
    let beyond = Policy { dailies: u32::MAX, quarterly_months: u32::MAX, quarterlies: u32::MAX };
    for of in ["2026-05-12", "2026-04-01"] {
        assert_eq!(last(&[of], beyond, true, "2026-05-13"), Fate::Never(Never::BeyondCalendar));
    }
}

/// Going through the Nights one by one would take a thousand times as long.
#[test]
fn takes_no_longer_for_a_policy_of_thousands_of_nights() {
    let nights = std::iter::successors(Some(night("2026-12-20")), |night| night.after_nights(1)).take(20);
    let snapshots: Vec<_> = nights.map(|night| snapshot(night, State::Completed)).collect();
    let time = |dailies| {
        let policy = Policy { dailies, quarterly_months: 1, quarterlies: 1 };
        let began = std::time::Instant::now();
        for _ in 0..20 {
            assert_eq!(fates(&snapshots, policy, true, night("2027-01-09")).len(), 20);
        }
        began.elapsed()
    };
    let shortest = |dailies| (0..20).map(|_| time(dailies)).min().expect("twenty times");
    let (week, years) = (shortest(7), shortest(9_999));
    assert!(years < 50 * week, "{years:?} against {week:?}");
}

/// A snapshot some Nights before `next`, as a night or a person's hand may have left it.
fn any_snapshot(next: Night) -> impl Strategy<Value = Snapshot> {
    let state = prop_oneof![
        8 => Just(State::Completed),
        1 => Just(State::Pending),
        1 => Just(State::Error),
        1 => Just(State::Other),
    ];
    let days = prop_oneof![3 => 1i64..20, 1 => 1i64..500];
    let tag = prop_oneof![6 => Just(None), 1 => Just(Some(Interval::Quarterly)), 1 => Just(Some(Interval::Annual))];
    let due = prop_oneof![9 => Just(None), 1 => Just(Some("Quarterly"))];
    (state, days, tag, due, any::<u64>()).prop_map(move |(state, days, tag, due, id)| {
        let mut snapshot = snapshot(next.after_nights(-days).unwrap(), state);
        snapshot.id = format!("snap-{id:x}");
        snapshot.intervals = due.map_or(snapshot.intervals, |due| due.parse().unwrap());
        snapshot.interval = snapshot.intervals.governing().max(tag.unwrap_or(Interval::Daily));
        snapshot
    })
}

/// What the rules name, Night after Night.
fn simulated(mut snapshots: Vec<Snapshot>, policy: Policy, exists: bool, next: Night) -> BTreeMap<String, Night> {
    let mut gone = BTreeMap::new();
    for tonight in std::iter::successors(Some(next), |night| night.after_nights(1)).take(900) {
        if exists {
            snapshots.push(snapshot(tonight, State::Completed));
        }
        let expired = expired(&snapshots, tonight, policy, |_| exists);
        let expired: Vec<_> = expired.into_iter().map(|snapshot| snapshot.id.clone()).collect();
        snapshots.retain(|snapshot| !expired.contains(&snapshot.id));
        gone.extend(expired.into_iter().map(|id| (id, tonight)));
    }
    gone
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(
        std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(96)
    ))]
    #[test]
    fn foretells_what_the_rules_name_night_after_night(
        (next, snapshots) in (0i64..400).prop_flat_map(|days| {
            let next = night("2026-11-25").after_nights(days).unwrap();
            (Just(next), proptest::collection::vec(any_snapshot(next), 0..16))
        }),
        dailies in prop_oneof![4 => 1u32..9, 2 => 1u32..100, 1 => 250u32..400],
        quarterly_months in 1u32..8,
        quarterlies in 1u32..4,
        exists in proptest::bool::weighted(0.8),
    ) {
        let policy = Policy { dailies, quarterly_months, quarterlies };
        let gone = simulated(snapshots.clone(), policy, exists, next);
        for (snapshot, fate) in snapshots.iter().zip(fates(&snapshots, policy, exists, next)) {
            let foretold = match fate {
                Fate::Expires { on, .. } => Some(on),
                Fate::Never(_) => None,
            };
            prop_assert_eq!(foretold, gone.get(&snapshot.id).copied(), "{:?}", snapshot);
        }
    }
}
