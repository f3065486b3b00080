use super::*;
use domain::{Interval, Reason, messages::ManagedSnapshot};
use report::night::Unprotected;
use serde_json::json;

fn named(number: usize) -> serde_json::Value {
    json!({"volumeId": format!("vol-{number:017x}"), "name": null, "instances": [format!("i-{number:017x}")]})
}

fn night(volumes: usize, lost: usize) -> Report {
    let with = |mut one: serde_json::Value, more: serde_json::Value| {
        one.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        one
    };
    let protected: Vec<_> = (lost..volumes)
        .map(|number| {
            with(
                named(number),
                json!({"snapshotId": format!("snap-{number:017x}"), "state": "completed", "created": true}),
            )
        })
        .collect();
    let reason = json!({"code": "InvalidVolume.NotFound", "message": "CreateSnapshot: InvalidVolume.NotFound: The volume does not exist"});
    let unprotected: Vec<_> = (0..lost).map(|number| with(named(number), json!({"reason": reason}))).collect();
    let failure = |number: usize| {
        let execution = format!("arn:aws:states:us-east-1:123456789012:execution:Nightly/SnapshotVolumes:{number}");
        json!({"kind": "child", "step": "SnapshotVolumes", "subject": format!("vol-{number:017x}"), "reason": reason, "execution": execution})
    };
    let expired = json!({"snapshotId": "snap-1", "volumeId": "vol-1", "night": "2026-12-20", "interval": "Daily"});
    let region = json!({"region": "us-east-1", "protected": protected, "planned": [], "unprotected": unprotected,
        "failures": (0..lost).map(failure).collect::<Vec<_>>(), "expired": [], "stillListed": [expired], "failedSnapshots": [], "unreadable": [], "kept": null, "stalest": null});
    let time = "2026-12-31T04:30:00Z";
    let report = json!({"backupStack": "nightly-backup", "stack": "nightly-backup", "night": "2026-12-31", "intervals": "Daily+Annual", "dryRun": false,
        "execution": "arn", "location": "s3://ledger/report.json", "regions": [region], "complete": lost == 0,
        "mail": null, "time": time, "started": time, "ended": time});
    serde_json::from_value(report).unwrap()
}

fn text(report: &Report, width: Option<usize>) -> String {
    super::report(report, Terminal { width, is_coloured: false })
}

#[test]
fn of_ten_thousand_volumes_those_that_failed_are_listed_and_the_rest_is_counted() {
    let said = text(&night(10_000, 3), None);
    assert!(said.contains("us-east-1: 9,997 of 10,000 volumes protected"), "{said}");
    assert_eq!(said.matches(" NOT PROTECTED").count(), 3);
    assert!(said.contains("and 9,947 more volumes: nightly status 2026-12-31 --json"), "{said}");
    assert!(said.lines().count() < 80, "{said}");
}

#[test]
fn of_ten_thousand_snapshots_that_a_plan_keeps_the_first_are_listed() {
    let mut report = night(1, 0);
    let one = |number: u32| ManagedSnapshot {
        snapshot_id: format!("snap-{number:017x}"),
        volume_id: "vol-1".into(),
        night: report.night,
        interval: Interval::Weekly,
        plan: "gone".into(),
    };
    let many: Vec<_> = (2..10_002).map(one).collect();
    (report.regions[0].without_rule, report.regions[0].spared) = (many.clone(), many);
    let said = text(&report, None);
    assert!(said.contains("kept (the plan gone has no rule for Weekly)"), "{said}");
    assert!(said.contains("kept until the next night (Keep or Plans became shorter)"), "{said}");
    assert!(said.contains("and 19,900 more snapshots") && said.lines().count() < 120, "{said}");
}

#[test]
fn a_volume_that_failed_is_told_once_with_its_reason_and_its_child_execution() {
    let said = text(&night(2, 1), None);
    assert_eq!(said.matches("InvalidVolume.NotFound").count(), 1, "{said}");
    assert!(said.contains("https://console.aws.amazon.com/states/home?region=us-east-1#/v2/executions/details/arn:aws:states:us-east-1:123456789012:execution:Nightly/SnapshotVolumes:0"), "{said}");
    assert!(said.starts_with("Night 2026-12-31 (Daily+Annual) of nightly-backup: NOT COMPLETE"), "{said}");
    let snapshot = said.lines().find(|line| line.starts_with("snap-1 ")).expect("what is still listed");
    assert!(snapshot.contains("2026-12-20") && snapshot.ends_with("still listed (expired, but an AMI may use it)"));
}

#[test]
fn volumes_that_failed_for_one_cause_are_named_under_it_with_what_to_do() {
    let said = text(&night(30, 12), None);
    assert_eq!(said.matches("InvalidVolume.NotFound").count(), 1, "{said}");
    assert!(said.contains("12 volumes are not protected\n"), "{said}");
    assert!(said.contains("vol-00000000000000008, vol-00000000000000009 and 2 more\n"), "{said}");
    assert!(said.contains("What to do: If the deletion was intended"), "{said}");
}

#[test]
fn no_line_but_an_address_is_wider_than_the_terminal_and_no_id_is_broken() {
    for width in [40, 80, 100] {
        let said = text(&night(3, 1), Some(width));
        let wide = said.lines().find(|line| line.chars().count() > width && !line.contains("https://"));
        assert_eq!(wide, None, "{width}:\n{said}");
        for number in 0..3 {
            assert!(said.contains(&format!("vol-{number:017x}")), "{width}:\n{said}");
        }
        assert!(said.contains("snap-00000000000000002"), "{width}:\n{said}");
    }
}

#[test]
fn a_name_that_moves_the_cursor_is_shown_without() {
    let mut report = night(1, 0);
    report.regions[0].protected[0].volume.name = Some("web\u{1b}[2J\nNOT PROTECTED".into());
    report.regions[0].unprotected = vec![Unprotected {
        volume: report.regions[0].protected[0].volume.clone(),
        reason: Reason::from_error("Refused", "\u{1b}[31m"),
        lacks: vec![],
    }];
    assert!(!text(&report, None).contains('\u{1b}'));
}

#[test]
fn a_server_is_known_by_its_name_or_by_its_id() {
    let mut report = night(2, 0);
    report.regions[0].protected[0].volume.server = Some("web".into());
    let said = text(&report, None);
    assert!(said.contains(" web ") && !said.contains("i-00000000000000000"), "{said}");
    assert!(said.contains("i-00000000000000001"), "{said}");
}
