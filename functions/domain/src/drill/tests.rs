use super::*;
use proptest::{collection::vec, prelude::*};

fn point(night: &str, gibibytes: u32) -> RestorePoint {
    let night: Night = night.parse().unwrap();
    let intervals = Intervals::due(night);
    RestorePoint { snapshot_id: format!("snap-{night}"), volume_id: "vol-1".into(), night, intervals, gibibytes }
}

fn nights(chosen: &[RestorePoint]) -> Vec<String> {
    chosen.iter().map(|point| point.night.to_string()).collect()
}

#[test]
fn chooses_the_newest_of_each_interval() {
    let all = ["2026-12-30", "2027-01-02", "2026-12-31", "2025-12-31", "2027-01-01", "2026-10-01"];
    let all: Vec<_> = all.into_iter().map(|night| point(night, 8)).collect();
    assert_eq!(nights(&choose(&all)), ["2027-01-02", "2027-01-01", "2026-12-31"]);
    assert_eq!(nights(&choose(&[])), Vec::<String>::new());
}

#[test]
fn a_restore_point_that_serves_two_intervals_is_chosen_once() {
    assert_eq!(nights(&choose(&[point("2026-12-31", 8), point("2026-12-30", 8)])), ["2026-12-31"]);
}

#[test]
fn a_sample_has_taken_every_volume_when_the_weeks_are_over() {
    for (volumes, weeks) in [(0, 4), (1, 4), (2, 4), (9, 4), (20_000, 4), (7, 1), (5, 0)] {
        let taken = sample(volumes, weeks);
        assert!(taken * weeks.max(1) >= volumes && taken <= volumes);
    }
}

#[test]
fn a_limit_that_is_no_number_from_1_is_refused_by_its_name() {
    assert_eq!(Limits::read("5", "2000").unwrap(), Limits { volumes: 5, gibibytes: 2_000 });
    let refused = Limits::read("0", "2000").unwrap_err().to_string();
    assert_eq!(refused, "BadInput: DrillVolumes: \"0\": not a whole number from 1");
    assert!(Limits::read("5", "lots").unwrap_err().to_string().contains("DrillGiB"));
    assert!(weeks("").unwrap_err().to_string().contains("DrillWeeks"));
}

#[test]
fn leftovers_are_gone_before_anything_is_made() {
    let mut rounds = Rounds::new(Limits { volumes: 5, gibibytes: 100 });
    assert_eq!(rounds.add(Item::Leftover(Leftover { volume_id: "vol-9".into() })), None);
    let first = rounds.add(Item::Point(point("2027-01-02", 8))).unwrap();
    assert_eq!(first.items, [Item::Leftover(Leftover { volume_id: "vol-9".into() })]);
    let text = serde_json::to_string(&rounds.close().unwrap()).unwrap();
    assert!(text.starts_with(r#"{"items":[{"point":{"snapshotId":"snap-2027-01-02","volumeId":"vol-1""#), "{text}");
    assert_eq!(rounds.close(), None);
}

proptest! {
    #[test]
    fn no_round_holds_more_than_the_limits_and_nothing_is_lost(
        sizes in vec(1..200u32, 0..50), volumes in 1..10usize, gibibytes in 1..300u64,
    ) {
        let mut rounds = Rounds::new(Limits { volumes, gibibytes });
        let points: Vec<_> = sizes.iter().map(|size| point("2027-01-02", *size)).filter(|one| rounds.takes(one)).collect();
        let mut made: Vec<_> = points.iter().filter_map(|one| rounds.add(Item::Point(one.clone()))).collect();
        made.extend(rounds.close());
        for round in &made {
            let size = |item: &Item| if let Item::Point(point) = item { u64::from(point.gibibytes) } else { 0 };
            prop_assert!(round.items.len() <= volumes && round.items.iter().map(size).sum::<u64>() <= gibibytes);
        }
        let all: Vec<_> = made.into_iter().flat_map(|round| round.items).collect();
        prop_assert_eq!(all, points.into_iter().map(Item::Point).collect::<Vec<_>>());
    }
}
