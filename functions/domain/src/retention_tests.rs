use super::*;
use jiff::ToSpan;
use proptest::prelude::*;

const POLICY: Policy = Policy { dailies: 7, quarterly_months: 15, quarterlies: 5 };

fn night(text: &str) -> Night {
    text.parse().unwrap()
}

fn snapshot(night: Night, state: RetentionState) -> DatedSnapshot {
    let intervals = Intervals::due(night);
    let (id, volume_id, interval) = (format!("snap-{night}"), "vol-1".to_owned(), intervals.governing());
    DatedSnapshot { id, volume_id, night, interval, intervals, state }
}

/// Returns completed snapshots of `count` consecutive Nights, up to and including `last`.
fn nights(count: usize, last: &str) -> Vec<DatedSnapshot> {
    let days = std::iter::successors(Some(night(last).date()), |day| day.yesterday().ok()).take(count);
    days.map(|day| snapshot(night(&day.to_string()), RetentionState::Completed)).collect()
}

fn expired_ids(snapshots: &[DatedSnapshot], tonight: &str) -> Vec<String> {
    let mut ids: Vec<_> =
        expired(snapshots, night(tonight), POLICY, |_| true).iter().map(|snapshot| snapshot.id.clone()).collect();
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
    assert!(expired(&only, night("2036-05-20"), POLICY, |_| false).is_empty(), "the last of a gone volume");
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
        let expired = expired(&snapshots, tonight, POLICY, |_| false);
        snapshots
            .iter()
            .filter(|snapshot| !expired.contains(snapshot))
            .map(|snapshot| snapshot.night.to_string())
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
        let policy = Policy { dailies: 1, ..POLICY };
        assert!(expired(&snapshots, night("2026-05-20"), policy, |_| exists).is_empty());
    }
}

#[test]
fn one_of_a_future_night_never_expires() {
    assert!(expired_ids(&nights(30, "2027-05-20"), "2026-05-20").is_empty());
}

#[test]
fn says_which_parameter_is_not_a_count() {
    for text in ["0", "-1", "seven", ""] {
        let error = Policy::read("7", "15", text).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("BadInput: KeepQuarterlies {text:?} must be a whole number of at least 1")
        );
    }
    assert_eq!(Policy::read("7", "15", "5"), Ok(POLICY));
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
        let policy = Policy { dailies, ..POLICY };
        let days: Vec<_> = night("2026-06-01").date().series(1.day()).take(states.len() + late).collect();
        let tonight = night(&days[days.len() - 1].to_string());
        let snapshots: Vec<_> = states
            .iter()
            .zip(&days)
            .filter_map(|(state, day)| state.map(|state| snapshot(night(&day.to_string()), state)))
            .collect();
        let expired = expired(&snapshots, tonight, policy, |_| true);
        let good = |snapshot: &&DatedSnapshot| snapshot.is_good(tonight);
        let before = snapshots.iter().filter(good).count();
        let after = snapshots.iter().filter(|snapshot| !expired.contains(snapshot)).filter(good).count();
        prop_assert!(after >= before.min(dailies as usize));
        prop_assert!(!expired.iter().any(|snapshot| snapshot.interval == Interval::Annual));
    }
}
