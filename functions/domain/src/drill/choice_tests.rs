use super::*;

fn point(night: &str, gibibytes: u32) -> RestorePoint {
    let night: Night = night.parse().unwrap();
    let intervals =
        crate::plan::Plans::read("Daily=7,Quarterly=5,Annual=forever", "", "Sunday").unwrap().due_on(night).unwrap();
    let (snapshot_id, volume_id) = (format!("snap-{night}"), "vol-1".into());
    let creation_tags = [("CostCenter".to_owned(), "42".to_owned())].into();
    RestorePoint { snapshot_id, volume_id, night, intervals, gibibytes, creation_tags }
}

/// Returns a restore point and its start time, which is on its Night.
fn started(night: &str) -> (Timestamp, RestorePoint) {
    (format!("{night}T04:30:00Z").parse().unwrap(), point(night, 8))
}

fn nights(chosen: &[RestorePoint]) -> Vec<String> {
    chosen.iter().map(|point| point.night.to_string()).collect()
}

#[test]
fn chooses_the_newest_of_each_interval() {
    let all = ["2026-12-30", "2027-01-02", "2026-12-31", "2025-12-31", "2027-01-01", "2026-10-01"];
    let all: Vec<_> = all.into_iter().map(started).collect();
    assert_eq!(nights(&choose(&all)), ["2027-01-02", "2027-01-01", "2026-12-31"]);
    assert_eq!(nights(&choose(&[])), Vec::<String>::new());
}

#[test]
fn a_restore_point_that_serves_two_intervals_is_chosen_once() {
    assert_eq!(nights(&choose(&[started("2026-12-31"), started("2026-12-30")])), ["2026-12-31"]);
}

#[test]
fn the_newest_has_the_newest_data_whatever_its_night() {
    let mistaken = (started("2026-11-25").0, point("2036-11-25", 8));
    assert_eq!(nights(&choose(&[mistaken, started("2026-11-26")])), ["2026-11-26"]);
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
    assert_eq!(refused, "BadInput: DrillVolumes \"0\" must be a whole number of at least 1");
    assert!(Limits::read("5", "lots").unwrap_err().to_string().contains("DrillGiB"));
    assert!(weeks("").unwrap_err().to_string().contains("DrillWeeks"));
}

#[test]
fn no_run_backs_up_a_volume_of_a_drill() {
    let tags = point("2026-11-28", 8).volume_tags("prod", "run");
    assert!(!selection::Selection::default().selects(&tags));
    assert_eq!((tags["RestoreDrill"].as_str(), tags["DrillExecution"].as_str()), ("prod", "run"));
    assert_eq!(tags["Name"], "restore-drill of vol-1");
}
