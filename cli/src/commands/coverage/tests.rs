use super::*;
use crate::{
    fixtures::{NOW, ago, inventory, of_night, snapshot, stack, volume},
    ui::terminal::Terminal,
};
use jiff::tz::TimeZone;
use serde_json::json;

/// Returns the proofs of two volumes. The last drill proved the first, but not every restore point of the second.
fn proofs() -> Proofs {
    let proven = json!({"at": "2026-11-22T06:00:14Z", "snapshotId": "snap-0123456789abcdef0", "night": "2026-11-22",
        "intervals": "Daily", "seconds": 14, "depth": "files"});
    let unproven = json!([{"snapshotId": "snap-0123456789abcdef1", "night": "2026-11-21", "intervals": "Daily",
        "reason": {"code": "NotSound", "message": "its xfs is damaged; xfs_repair -n says: bad magic number"}}]);
    let of = |id: &str, unproven| json!({"volumeId": id, "tried": "2026-11-22T06:00:00Z", "proven": proven, "unproven": unproven});
    [("vol-00000000000000001", json!([])), ("vol-00000000000000002", unproven)]
        .map(|(id, unproven)| {
            (("eu-west-1".to_owned(), id.to_owned()), serde_json::from_value(of(id, unproven)).unwrap())
        })
        .into()
}

#[test]
fn a_drill_that_failed_is_said_first_and_its_reasons_last_and_the_verdict_stays() {
    let ids = [0, 1, 2].map(|number| format!("vol-{number:017}"));
    let made = || {
        coverage(
            ids.iter().map(|id| volume(id, &[])).collect(),
            ids.iter().map(|id| snapshot(id, "completed", 1)).collect(),
        )
    };
    let proven = made().with_proofs(Some(proofs()));
    assert!(proven.covered);
    let said = text(&proven, None);
    let head = "All 3 volumes have a restore point of the last 36 hours.\nThe last restore drill could not prove a volume: the reasons are below.\n";
    assert!(said.starts_with(head), "{said}");
    let row = |id: &str| said.lines().find(|line| line.starts_with(id)).unwrap().to_owned();
    assert!(row(&ids[0]).contains("  never  ") && row(&ids[1]).contains("  2026-11-22, 14s  "), "{said}");
    assert!(row(&ids[2]).contains("  FAILED 2026-11-22  "), "{said}");
    let reason = "vol-00000000000000002, last proven 2026-11-22:\n  snap-0123456789abcdef1 of 2026-11-21 was not restored: NotSound: its xfs";
    assert!(said.contains(reason), "{said}");
    let json = serde_json::to_value(&proven).unwrap();
    assert_eq!((&json["hasDrill"], &json["volumes"][1]["proof"]["proven"]["seconds"]), (&json!(true), &json!(14)));

    let without = made().with_proofs(None);
    assert!(!text(&without, None).contains("Restored") && !text(&without, Some(40)).contains("Restored"));
    let zone = domain::night::zone("Pacific/Auckland").unwrap();
    let late = Proof {
        tried: "2026-11-22T20:00:00Z".parse().unwrap(),
        ..proofs().into_values().find(|one| !one.unproven.is_empty()).unwrap()
    };
    assert_eq!(proofs::in_words(Some(&late), &zone), "FAILED 2026-11-23");
}

fn coverage(volumes: Vec<Volume>, snapshots: Vec<Snapshot>) -> CoverageReport {
    let names = HashMap::from([("i-1".to_owned(), "web".to_owned())]);
    CoverageReport::new(&inventory(volumes, snapshots), &names, &stack(), report::summary::STALE, NOW.parse().unwrap())
}

fn text(coverage: &CoverageReport, width: Option<usize>) -> String {
    coverage.text(&["eu-west-1".to_owned()], &TimeZone::UTC, Terminal { width, is_coloured: false })
}

#[test]
fn the_worst_come_first_and_what_is_left_out_last() {
    let ids = ["vol-fresh", "vol-older", "vol-stale", "vol-older-still", "vol-none", "vol-out"];
    let mut volumes: Vec<_> = ids.iter().map(|id| volume(id, &[])).collect();
    volumes[5].tags.insert("Backup".into(), "false".into());
    let snapshots = vec![
        snapshot("vol-fresh", "completed", 2),
        snapshot("vol-fresh", "completed", 500),
        snapshot("vol-older", "completed", 36),
        snapshot("vol-stale", "completed", 37),
        snapshot("vol-older-still", "completed", 99),
        snapshot("vol-none", "error", 1),
    ];
    let coverage = coverage(volumes, snapshots);
    let order: Vec<_> = coverage.volumes.iter().map(|row| row.volume_id.as_str()).collect();
    assert_eq!(order, ["vol-none", "vol-older-still", "vol-stale", "vol-older", "vol-fresh", "vol-out"]);
    assert!(!coverage.covered);
    let text = text(&coverage, None);
    assert!(text.starts_with("3 of 5 volumes have no restore point of the last 36 hours:\n"), "{text}");
    assert!(text.contains("`nightly status`") && text.contains("`nightly run`"), "{text}");
}

#[test]
fn one_left_out_is_not_uncovered_but_to_back_up_nothing_is() {
    let out = || volume("vol-out", &[("Backup", "false")]);
    let good = coverage(vec![out(), volume("vol-1", &[])], vec![snapshot("vol-1", "completed", 1)]);
    assert!(good.covered);
    assert_eq!(good.summary(&[]), "The only volume has a restore point of the last 36 hours. 1 more left out.");
    assert_eq!(good.what_next(), None);
    assert!(!coverage(vec![out()], vec![]).covered);
    let mut idle = volume("vol-idle", &[]);
    idle.state = "available".into();
    let none = coverage(vec![idle], vec![]);
    assert!(!none.covered);
    assert!(text(&none, None).starts_with("No volume is in use in eu-west-1: there is nothing to back up.\n"));
}

#[test]
fn a_pending_one_is_no_restore_point_but_is_told_and_so_is_that_the_volume_is_new() {
    let mut new = volume("vol-1", &[]);
    new.created = Some(ago(3));
    let coverage = coverage(vec![new], vec![snapshot("vol-1", "pending", 1)]);
    assert_eq!(coverage.volumes[0].verdict, Cover::None);
    assert_eq!(coverage.volumes[0].verdict_in_words(), "none, created 3h ago, one pending for 1h");
}

#[test]
fn a_snapshot_whose_tags_cannot_be_read_is_no_restore_point() {
    let mut unreadable = snapshot("vol-1", "completed", 1);
    unreadable.identity = Err("no Night tag".into());
    assert!(!coverage(vec![volume("vol-1", &[])], vec![unreadable]).covered);
}

#[test]
fn the_same_id_in_another_region_is_another_volume() {
    let mut elsewhere = snapshot("vol-1", "completed", 1);
    elsewhere.region = "us-east-1".into();
    assert!(!coverage(vec![volume("vol-1", &[])], vec![elsewhere]).covered);
}

#[test]
fn what_could_not_be_read_is_said_and_is_not_covered() {
    let mut all = inventory(vec![volume("vol-1", &[])], vec![snapshot("vol-1", "completed", 1)]);
    all.unread = vec!["us-east-1".to_owned()];
    let coverage = CoverageReport::new(&all, &HashMap::new(), &stack(), report::summary::STALE, NOW.parse().unwrap());
    assert!(!coverage.covered && text(&coverage, None).contains("us-east-1 could not be read."));
}

#[test]
fn no_line_is_wider_than_the_terminal_and_none_has_a_colour_without_one() {
    let mut volumes: Vec<_> =
        (0..3).map(|one| volume(&format!("vol-{one:017}"), &[("Name", "database-server")])).collect();
    volumes[0].created = Some(ago(1));
    volumes[0].attachments = vec![("i-0123456789abcdef0".to_owned(), String::new())];
    let mut snapshots =
        vec![snapshot("vol-00000000000000001", "completed", 1), snapshot("vol-00000000000000000", "pending", 1)];
    snapshots[0].id = "snap-0123456789abcdef0".to_owned();
    let coverage = coverage(volumes, snapshots);
    let proven = coverage.clone().with_proofs(Some(proofs()));
    for (coverage, width) in [40, 60, 80, 120].into_iter().flat_map(|width| [(&coverage, width), (&proven, width)]) {
        let text = text(coverage, Some(width));
        assert_eq!(text.contains("Restore point  "), width >= 80, "{width}:\n{text}");
        assert!(text.lines().all(|line| line.chars().count() <= width), "{width}:\n{text}");
        assert!(text.contains("vol-00000000000000002") && !text.contains('\u{1b}'), "{text}");
    }
    let coloured =
        coverage.text(&["eu-west-1".to_owned()], &TimeZone::UTC, Terminal { width: Some(80), is_coloured: true });
    assert!(coloured.contains('\u{1b}'));
}

#[test]
fn ten_thousand_volumes_are_printed_in_every_layout() {
    let volumes: Vec<_> = (0..10_000).map(|one| volume(&format!("vol-{one:017}"), &[])).collect();
    let snapshots = volumes.iter().map(|one| snapshot(&one.id, "completed", 1)).collect();
    let coverage = coverage(volumes, snapshots);
    for width in [None, Some(130), Some(80), Some(40)] {
        let text = text(&coverage, width);
        let named = text.lines().filter(|line| line.trim_start().starts_with("vol-")).count();
        assert_eq!(named, 10_000, "{width:?}");
    }
}

#[test]
fn a_volume_that_waits_by_its_plan_or_schedule_is_fresh_for_longer() {
    let all =
        inventory(vec![volume("vol-1", &[("BackupPlan", "weekly")])], vec![snapshot("vol-1", "completed", 24 * 7)]);
    let judged = |stack: &Stack, all: &Inventory| {
        CoverageReport::new(all, &HashMap::new(), stack, report::summary::STALE, NOW.parse().unwrap())
    };
    let weekly = judged(&stack(), &all);
    assert!(weekly.covered);
    let said = text(&weekly, None);
    let head =
        "The only volume has a restore point of the last 36 hours, or as recent as its plan and the schedule allow.\n";
    assert!(said.starts_with(head) && said.contains("weekly"), "{said}");
    let daily = inventory(vec![volume("vol-1", &[])], vec![snapshot("vol-1", "completed", 72)]);
    assert!(!judged(&stack(), &daily).covered);
    assert!(judged(&Stack { days_between_runs: 3, ..stack() }, &daily).covered);
}

#[test]
fn what_a_volume_lacks_and_an_unknown_plan_are_said_below_the_list() {
    let volumes = vec![volume("vol-1", &[("BackupPlan", "Gold\n")]), volume("vol-2", &[])];
    let mut snapshots = vec![of_night("vol-1", "2025-12-30", "completed"), of_night("vol-1", "2025-12-31", "error")];
    snapshots.extend(["vol-1", "vol-2"].map(|id| of_night(id, "2026-11-25", "completed")));
    let coverage = coverage(volumes, snapshots);
    let said = text(&coverage, None);
    assert!(coverage.covered, "{said}");
    let lacks = "vol-1 lacks its Quarterly of 2026-10-01 and its Annual of 2025-12-31. The next run makes it up.\n";
    assert!(said.contains(lacks), "{said}");
    let unknown = "vol-1 has the default plan, because no plan has the name in its tag BackupPlan: Gold";
    assert!(said.contains(unknown) && !said.contains("vol-2 lacks"), "{said}");
}

#[test]
fn json_says_the_ages_in_seconds() {
    let coverage = coverage(vec![volume("vol-1", &[])], vec![snapshot("vol-1", "completed", 1)]);
    let json = serde_json::to_value(&coverage).unwrap();
    assert_eq!(json["covered"], true);
    assert_eq!(json["volumes"][0]["restorePoint"]["ageSeconds"], 3_600);
    assert_eq!(json["volumes"][0]["servers"], serde_json::json!(["web"]));
    assert_eq!(json["volumes"][0]["verdict"], "covered");
}
