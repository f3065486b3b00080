use super::*;
use crate::{
    account::inventory::find,
    fixtures::{inventory, of_night, stack, tags, volume},
};

fn listing(inventory: &Inventory) -> Listing {
    let now = "2026-12-03T12:00:00Z".parse().unwrap();
    Listing::new(inventory.histories(), &stack(), inventory.next_night(now, &TimeZone::UTC))
}

fn listed_lines(listing: &Listing) -> Vec<(String, String, String)> {
    let points = listing.volumes.iter().flat_map(|volume| &volume.restore_points);
    let date = |night: Option<Night>| night.map_or("never".to_owned(), |night| night.to_string());
    points.map(|point| (point.snapshot_id.clone(), date(point.expires), point.reason.clone())).collect()
}

fn expected(rows: &[(&str, &str, &str)]) -> Vec<(String, String, String)> {
    rows.iter().map(|(id, date, reason)| (format!("snap-{id}"), date.to_string(), reason.to_string())).collect()
}

#[test]
fn the_longest_interval_comes_first_and_the_newest_night_of_each() {
    let mut unreadable = of_night("vol-1", "2026-12-02", "completed");
    unreadable.identity = Err("no Night tag".into());
    let mut snapshots: Vec<_> = ["2026-11-30", "2026-12-01", "2026-10-01", "2025-12-31"]
        .iter()
        .map(|night| of_night("vol-1", night, "completed"))
        .collect();
    snapshots.extend([unreadable, of_night("vol-1", "2026-11-01", "error")]);
    let listing = listing(&inventory(vec![volume("vol-1", &[])], snapshots));
    assert_eq!(
        listed_lines(&listing),
        expected(&[
            ("2025-12-31", "never", "kept for ever"),
            ("2026-10-01", "2028-01-01", "old enough"),
            ("2026-12-01", "2026-12-04", "needs 2 newer, has 0"),
            ("2026-11-30", "2026-12-03", "needs 2 newer, has 1"),
            ("2026-11-01", "2026-12-03", "the snapshot failed"),
            ("2026-12-02", "never", "the tags cannot be read: no Night tag"),
        ])
    );
}

#[test]
fn one_of_the_last_night_that_is_pending_is_taken_to_be_completed_in_time_and_an_older_one_is_not() {
    let snapshots = vec![
        of_night("vol-1", "2026-12-03", "pending"),
        of_night("vol-1", "2026-12-02", "completed"),
        of_night("vol-1", "2026-11-20", "pending"),
    ];
    let listing = listing(&inventory(vec![volume("vol-1", &[])], snapshots));
    assert_eq!(
        listed_lines(&listing),
        expected(&[
            ("2026-12-03", "2026-12-05", "old enough"),
            ("2026-12-02", "2026-12-04", "old enough"),
            ("2026-11-20", "never", "while it is pending"),
        ])
    );
}

#[test]
fn a_gone_volume_is_found_by_the_name_that_its_newest_snapshot_remembers() {
    let mut snapshots: Vec<_> =
        ["2026-11-30", "2026-12-01"].iter().map(|night| of_night("vol-gone", night, "completed")).collect();
    snapshots[1].tags = tags(&[("Name", "db")]);
    let all = inventory(vec![volume("vol-1", &[])], snapshots);
    assert_eq!(find(&all.histories(), "db", &[]).unwrap(), ("eu-west-1", "vol-gone"));
    let listing = listing(&all);
    assert_eq!(listing.volumes[1].heading(false), "vol-gone db, gone: 2 snapshots");
    let by_age = ("2026-11-30", "2026-12-03", "by age, its volume is gone");
    assert_eq!(listed_lines(&listing), expected(&[("2026-12-01", "never", "newest of a gone volume"), by_age]));
}

#[test]
fn a_name_of_several_volumes_is_answered_with_the_choices_and_an_unknown_one_with_the_way_out() {
    let all = inventory(vec![volume("vol-1", &[("Name", "db")]), volume("vol-2", &[("Name", "db")])], vec![]);
    let histories = all.histories();
    let refused = find(&histories, "db", &[]).unwrap_err().to_string();
    assert_eq!(refused, "2 volumes are named \"db\": give the id, vol-1 in eu-west-1 or vol-2 in eu-west-1");
    assert_eq!(find(&histories, "vol-2", &[]).unwrap().1, "vol-2");
    assert_eq!(listing(&all).volumes[1].heading(true), "vol-2 db in eu-west-1: no restore point");
    let unknown = find(&histories, "web", &["eu-west-1".into()]).unwrap_err().to_string();
    assert!(unknown.starts_with("no volume has the id or the Name \"web\" in eu-west-1"), "{unknown}");
}

#[test]
fn no_line_is_wider_than_the_terminal() {
    let mut snapshots: Vec<_> =
        ["2026-11-30", "2026-12-01", "2026-10-01"].iter().map(|night| of_night("vol-1", night, "completed")).collect();
    snapshots.iter_mut().enumerate().for_each(|(number, one)| one.id = format!("snap-0123456789abcdef{number}"));
    let listing = listing(&inventory(vec![volume("vol-1", &[("Name", "database")])], snapshots));
    for width in [40, 80, 130] {
        let text = listing.text(&stack(), Terminal { width: Some(width), is_coloured: false });
        assert!(text.lines().all(|line| line.chars().count() <= width), "{width}:\n{text}");
        assert!(text.contains("snap-0123456789abcdef0") && text.contains("2028-01-01"), "{text}");
    }
}

#[test]
fn a_date_is_not_promised_for_a_volume_that_is_left_out() {
    let snapshots = ["2026-12-01", "2026-12-02"].map(|night| of_night("vol-1", night, "completed")).to_vec();
    let listed_lines = listed_lines(&listing(&inventory(vec![volume("vol-1", &[("Backup", "false")])], snapshots)));
    let left_out = |night| (night, "never", "the volume is not backed up");
    assert_eq!(listed_lines, expected(&[left_out("2026-12-02"), left_out("2026-12-01")]));
}
