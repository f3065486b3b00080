use super::*;
use crate::view::status_lines::Lines;
use jiff::tz::TimeZone;

fn start(night: &str, dry_run: bool, outcome: RunStatus) -> RunRecord {
    let at = format!("{night}T04:30:02Z").parse().unwrap();
    RunRecord {
        execution: format!("arn:aws:states:us-east-1:123456789012:execution:Nightly:of-{night}"),
        night: night.parse().ok(),
        dry_run,
        started: Some(at),
        ended: Some(at + jiff::SignedDuration::from_secs(200)),
        outcome,
        summary: None,
    }
}

fn all() -> Vec<RunRecord> {
    vec![
        start("2026-12-31", false, RunStatus::Running(None)),
        start("2026-12-30", true, RunStatus::Complete),
        start("2026-12-29", false, RunStatus::Complete),
        start("2026-12-28", false, RunStatus::Failed("BadInput: Regions mars is not an AWS Region".into())),
    ]
}

#[test]
fn the_newest_real_start_that_is_over_decides() {
    assert_eq!(verdict(&all()), Exit::Good);
    assert_eq!(verdict(&all()[3..]), Exit::Bad);
    assert_eq!(verdict(&[start("2026-12-31", false, RunStatus::NotComplete), all().remove(2)]), Exit::Bad);
    assert_eq!(verdict(&[]), Exit::Good);
}

#[test]
fn a_stack_whose_schedule_is_off_is_not_well() {
    let at = |text: &str| text.parse::<Timestamp>().unwrap();
    let runs = [start("2026-12-30", true, RunStatus::Complete), start("2026-12-29", false, RunStatus::Complete)];
    assert_eq!(silent_since(&runs, STALE, at("2026-12-30T16:00:00Z")), None);
    assert_eq!(silent_since(&runs, STALE, at("2026-12-30T17:00:00Z")), runs[1].ended);
    assert_eq!(silent_since(&all(), STALE, at("2027-12-31T00:00:00Z")), None, "one is running");
    assert_eq!(silent_since(&[], STALE, at("2027-12-31T00:00:00Z")), None, "a new stack");
}

#[test]
fn a_night_that_is_not_there_is_answered_with_its_neighbours() {
    let nights: Vec<Night> = ["2026-12-28", "2026-12-30", "2027-01-02"].map(|night| night.parse().unwrap()).into();
    let near = |night: &str| nearest(&nights, night.parse().unwrap());
    assert_eq!(near("2026-12-31"), "the nearest: 2026-12-30 and 2027-01-02");
    assert_eq!(near("2026-12-01"), "the nearest: 2026-12-28");
    assert_eq!(nearest(&[], nights[0]), "it has none yet");
}

#[test]
fn no_line_is_wider_than_the_terminal() {
    for width in [40, 80, 120] {
        let lines = Lines { zone: &TimeZone::UTC, terminal: Terminal { width: Some(width), is_coloured: false } };
        let text = lines.text(&all());
        assert!(text.contains("2026-12-29") && text.contains("3m 20s"), "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= width), "{width}:\n{text}");
    }
    let pipe = Lines { zone: &TimeZone::UTC, terminal: Terminal { width: None, is_coloured: false } };
    assert_eq!(pipe.text(&all()).lines().count(), 5, "one line each, and the header");
}
