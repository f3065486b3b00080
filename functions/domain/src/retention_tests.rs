use super::*;
use jiff::ToSpan;
use proptest::prelude::*;

fn plans(keep: &str) -> Plans {
    Plans::read(keep, "", "Sunday").unwrap()
}

fn usual() -> Plans {
    plans("Daily=7,Quarterly=5,Annual=forever")
}

fn night(text: &str) -> Night {
    text.parse().unwrap()
}

fn snapshot(night: Night, state: RetentionState) -> DatedSnapshot {
    let intervals = usual().due_on(night).unwrap();
    let (id, volume_id, interval) = (format!("snap-{night}"), "vol-1".to_owned(), intervals.governing());
    DatedSnapshot { id, volume_id, identity: Identity { night, interval, intervals, plan: "default".into() }, state }
}

/// Returns completed snapshots of `count` consecutive Nights, up to and including `last`.
fn nights(count: usize, last: &str) -> Vec<DatedSnapshot> {
    let days = std::iter::successors(Some(night(last).date()), |day| day.yesterday().ok()).take(count);
    days.map(|day| snapshot(night(&day.to_string()), RetentionState::Completed)).collect()
}

fn expired_ids(snapshots: &[DatedSnapshot], tonight: &str) -> Vec<String> {
    let mut ids: Vec<_> =
        expired(snapshots, night(tonight), &usual(), |_| true).iter().map(|snapshot| snapshot.id.clone()).collect();
    ids.sort();
    ids
}

#[test]
fn keeps_seven_dailies_tonights_among_them() {
    assert_eq!(expired_ids(&nights(8, "2026-05-20"), "2026-05-20"), ["snap-2026-05-13"]);
    assert!(expired_ids(&nights(7, "2026-05-20"), "2026-05-20").is_empty());
}

#[test]
fn tonights_pending_one_counts_and_an_older_pending_one_does_not() {
    let mut snapshots = nights(8, "2026-05-20");
    snapshots[0].state = RetentionState::Pending;
    assert_eq!(expired_ids(&snapshots, "2026-05-20"), ["snap-2026-05-13"]);
    snapshots[0].state = RetentionState::Completed;
    snapshots[1].state = RetentionState::Pending;
    assert!(expired_ids(&snapshots, "2026-05-20").is_empty());
}

#[test]
fn an_archived_one_expires_by_the_same_rules_and_lets_no_other_expire() {
    let mut snapshots = nights(8, "2026-05-20");
    snapshots[1].state = RetentionState::Archived;
    assert!(expired_ids(&snapshots, "2026-05-20").is_empty(), "six are left that a person can restore at once");
    snapshots[1].state = RetentionState::Completed;
    snapshots[7].state = RetentionState::Archived;
    assert_eq!(expired_ids(&snapshots, "2026-05-20"), ["snap-2026-05-13"]);
    let only = [snapshots[7].clone()];
    assert!(expired(&only, night("2036-05-20"), &usual(), |_| false).is_empty(), "the last of a gone volume");
}

#[test]
fn keeps_the_last_seven_when_a_month_of_nights_failed() {
    assert_eq!(expired_ids(&nights(9, "2026-05-20"), "2026-06-20"), ["snap-2026-05-12", "snap-2026-05-13"]);
}

#[test]
fn two_snapshots_of_one_night_count_as_one_restore_point() {
    let mut snapshots = nights(7, "2026-05-20");
    snapshots.push(DatedSnapshot { id: "snap-twin".into(), ..snapshots[0].clone() });
    snapshots.push(snapshot(night("2026-05-01"), RetentionState::Completed));
    assert_eq!(expired_ids(&snapshots, "2026-05-20"), ["snap-2026-05-01"]);
    snapshots.retain(|snapshot| snapshot.id != "snap-2026-05-18");
    assert!(expired_ids(&snapshots, "2026-05-20").is_empty());
}

#[test]
fn a_quarterly_expires_at_fifteen_months_with_five_newer() {
    let firsts = ["2026-01-01", "2026-04-01", "2026-07-01", "2026-10-01", "2027-01-01", "2027-04-01"];
    let snapshots: Vec<_> = firsts.iter().map(|first| snapshot(night(first), RetentionState::Completed)).collect();
    assert!(expired_ids(&snapshots, "2027-03-31").is_empty());
    assert_eq!(expired_ids(&snapshots, "2027-04-01"), ["snap-2026-01-01"]);
    assert!(expired_ids(&snapshots[..5], "2030-01-01").is_empty());
}

#[test]
fn an_annual_never_expires_even_when_ebs_failed_it() {
    let mut snapshots = nights(1, "2026-12-31");
    assert!(expired_ids(&snapshots, "2099-01-01").is_empty());
    snapshots[0].state = RetentionState::Error;
    assert!(expired_ids(&snapshots, "2099-01-01").is_empty());
}

#[test]
fn our_own_error_snapshots_expire_after_one_night() {
    let snapshots = [snapshot(night("2026-05-20"), RetentionState::Error)];
    assert!(expired_ids(&snapshots, "2026-05-20").is_empty());
    assert_eq!(expired_ids(&snapshots, "2026-05-21"), ["snap-2026-05-20"]);
}

#[test]
fn one_in_the_recycle_bin_neither_counts_nor_expires() {
    let mut snapshots = nights(8, "2026-05-20");
    snapshots[3].state = RetentionState::Other;
    assert!(expired_ids(&snapshots, "2026-05-20").is_empty());
    snapshots[7].state = RetentionState::Other;
    assert!(expired_ids(&snapshots, "2027-05-20").is_empty());
}

#[test]
fn a_volume_that_is_gone_keeps_its_newest_of_each_interval() {
    let snapshots = nights(100, "2027-01-03");
    let tonight = night("2029-01-03");
    let kept: Vec<_> = {
        let expired = expired(&snapshots, tonight, &usual(), |_| false);
        snapshots
            .iter()
            .filter(|snapshot| !expired.contains(snapshot))
            .map(|snapshot| snapshot.identity.night.to_string())
            .collect()
    };
    assert_eq!(kept, ["2027-01-03", "2027-01-01", "2026-12-31"]);
}

#[test]
fn tonights_pending_one_never_displaces_the_last_completed_one() {
    let snapshots = [
        snapshot(night("2026-05-20"), RetentionState::Pending),
        snapshot(night("2026-05-01"), RetentionState::Completed),
    ];
    for exists in [true, false] {
        assert!(expired(&snapshots, night("2026-05-20"), &plans("Daily=1"), |_| exists).is_empty());
    }
}

#[test]
fn one_of_a_future_night_never_expires() {
    assert!(expired_ids(&nights(30, "2027-05-20"), "2026-05-20").is_empty());
}

/// The default rules of the release before plans, as it wrote its tags.
#[test]
fn snapshots_without_a_plan_expire_like_those_of_the_default_plan() {
    let mut snapshots = nights(500, "2027-04-10");
    let without: Vec<_> = snapshots.iter().step_by(2).cloned().collect();
    for (index, snapshot) in snapshots.iter_mut().enumerate() {
        let tags =
            crate::tags::identity("prod", snapshot.identity.night, &snapshot.identity.intervals, "default", "vol-1");
        let tags = tags.into_iter().filter(|(key, _)| index % 2 == 1 || key != crate::tags::PLAN).collect();
        snapshot.identity = crate::tags::read_identity(&tags).unwrap();
    }
    assert!(snapshots.iter().step_by(2).eq(&without));
    let kept = 500 - expired_ids(&snapshots, "2027-04-10").len();
    assert_eq!(kept, 7 + 5 + 1 + 1, "7 dailies, 6 quarterlies of which one is too young, and an annual");
}

#[test]
fn each_interval_has_its_own_unit_and_count() {
    let plans = plans("Daily=2,Weekly=3,Monthly=2,Annual=1");
    let of = |night_of: &str, intervals: &str| {
        let mut one = snapshot(night(night_of), RetentionState::Completed);
        one.identity.intervals = intervals.parse().unwrap();
        one.identity.interval = one.identity.intervals.governing();
        one
    };
    let snapshots = [
        of("2025-12-31", "Daily+Annual"),
        of("2026-10-01", "Daily+Monthly"),
        of("2026-11-01", "Daily+Weekly+Monthly"),
        of("2026-11-08", "Daily+Weekly"),
        of("2026-11-15", "Daily+Weekly"),
        of("2026-11-22", "Daily+Weekly"),
        of("2026-12-01", "Daily+Monthly"),
        of("2026-12-31", "Daily+Annual"),
    ];
    let ids = |tonight: &str| -> Vec<String> {
        expired(&snapshots, night(tonight), &plans, |_| true).iter().map(|one| one.id.clone()).collect()
    };
    assert_eq!(ids("2026-11-28"), [] as [&str; 0]);
    assert_eq!(ids("2026-12-01"), ["snap-2026-10-01"], "two months old, two newer monthlies");
    assert_eq!(ids("2026-12-31"), ["snap-2025-12-31", "snap-2026-10-01"], "one weekly is too few to let another go");
}

#[test]
fn what_no_plan_covers_stays() {
    let mut snapshots = nights(30, "2026-05-20");
    for one in &mut snapshots[20..] {
        one.identity.plan = "gone".into();
    }
    let expired = expired_ids(&snapshots, "2026-05-20");
    assert_eq!(expired.len(), 13);
    assert!(expired.iter().all(|id| id.as_str() > "snap-2026-04-30"), "{expired:?}");
    let promoted = Identity { interval: Interval::Monthly, ..snapshots[0].identity.clone() };
    assert_eq!(rule(&promoted, &usual()), None, "its plan has no monthlies");
    assert_eq!(rule(&snapshots[0].identity, &usual()), Some(Keep::Count(7)));
}

#[test]
fn a_failed_annual_goes_only_where_annuals_may() {
    let mut snapshots = nights(1, "2026-12-31");
    snapshots[0].state = RetentionState::Error;
    let expired = |keep: &str| expired(&snapshots, night("2027-01-01"), &plans(keep), |_| true).len();
    assert_eq!((expired("Daily=7,Annual=forever"), expired("Daily=7,Annual=7")), (0, 1));
}

fn any_state() -> impl Strategy<Value = RetentionState> {
    prop_oneof![
        Just(RetentionState::Completed),
        Just(RetentionState::Pending),
        Just(RetentionState::Error),
        Just(RetentionState::Other)
    ]
}

proptest! {
    #[test]
    fn never_leaves_fewer_good_dailies_than_the_floor(
        states in proptest::collection::vec(proptest::option::of(any_state()), 1..400),
        late in 0usize..40,
        dailies in 1u32..10,
    ) {
        let plans = plans(&format!("Daily={dailies},Quarterly=5,Annual=forever"));
        let days: Vec<_> = night("2026-06-01").date().series(1.day()).take(states.len() + late).collect();
        let tonight = night(&days[days.len() - 1].to_string());
        let snapshots: Vec<_> = states
            .iter()
            .zip(&days)
            .filter_map(|(state, day)| state.map(|state| snapshot(night(&day.to_string()), state)))
            .collect();
        let expired = expired(&snapshots, tonight, &plans, |_| true);
        let good = |snapshot: &&DatedSnapshot| snapshot.is_good(tonight);
        let before = snapshots.iter().filter(good).count();
        let after = snapshots.iter().filter(|snapshot| !expired.contains(snapshot)).filter(good).count();
        prop_assert!(after >= before.min(dailies as usize));
        prop_assert!(!expired.iter().any(|snapshot| snapshot.identity.interval == Interval::Annual));
    }
}
