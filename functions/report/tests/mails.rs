//! Compares each kind of email with a file that a person can read. `UPDATE=1 make test` rewrites the files.

use domain::{
    Interval, Reason,
    drill::{
        RestorePoint,
        messages::{ProvenVolume, UnprovenVolume},
    },
    due::DueDate,
    messages::ManagedSnapshot,
    step_functions::Caught,
};
use report::{
    drill::{DrillRegion, DrillReport, FailedStep, NotRemoved},
    drill_mail,
    mail::Mail,
    night::{Deselected, Failure, NamedVolume, Protected, Report, RunRegion, UnknownPlan, Unprotected},
    run_mail,
};
use serde_json::{from_value, json};
use std::{env, fs, path::Path};

fn mail(regions: Vec<RunRegion>) -> Mail {
    let time = "2026-05-20T04:30:00Z".parse().unwrap();
    let report = Report {
        backup_stack: "prod".into(),
        stack: "prod".into(),
        night: "2026-05-20".parse().unwrap(),
        intervals: "Daily".parse().ok(),
        dry_run: false,
        execution: "arn:aws:states:eu-west-1:123456789012:execution:Nightly:abc".into(),
        location: "s3://prod-ledger/nights/2026-05-20/abc/report.json".into(),
        time,
        started: time,
        ended: time,
        complete: false,
        regions,
        mail: None,
    };
    run_mail::mail(&report).unwrap()
}

fn region(name: &str, protected: usize) -> RunRegion {
    let one = |number| Protected {
        volume: volume(&format!("vol-ok-{number}"), None, None),
        snapshot_id: format!("snap-{number}"),
        state: "pending".into(),
        created: true,
        makes_up: vec![],
    };
    RunRegion { region: name.into(), protected: (0..protected).map(one).collect(), ..RunRegion::default() }
}

fn volume(id: &str, name: Option<&str>, server: Option<&str>) -> NamedVolume {
    let owned = |text: Option<&str>| text.map(str::to_owned);
    NamedVolume {
        volume_id: id.into(),
        name: owned(name),
        instances: vec!["i-0a1b2c3d".into()],
        server: owned(server),
        plan: None,
    }
}

fn unprotected(volume: NamedVolume, error: &str, message: &str) -> Unprotected {
    Unprotected { volume, reason: Reason::from_error(error, message), lacks: vec![] }
}

fn caught(error: &str, message: &str) -> Caught {
    Caught { error: error.into(), cause: serde_json::json!({"errorMessage": message}).to_string() }
}

/// Compares an email with its file.
fn assert_golden(kind: &str, mail: Mail) -> Mail {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mails").join(kind).with_extension("txt");
    let now = format!("Subject: {}\n\n{}", mail.subject, mail.message);
    if env::var_os("UPDATE").is_some() {
        fs::write(&path, &now).expect("the file is written");
    }
    assert_eq!(fs::read_to_string(&path).unwrap_or_default(), now, "{kind}; UPDATE=1 make test rewrites it");
    assert!(mail.subject.len() < 100 && mail.subject.is_ascii());
    mail
}

#[test]
fn a_volume_that_is_no_longer_backed_up_has_an_email_of_its_own() {
    let deselected =
        |id, name, problem: &str| Deselected { volume: volume(id, name, None), problem: problem.to_owned() };
    let mut only = region("eu-west-1", 3);
    only.deselected = vec![
        deselected("vol-0d4f", Some("ledger-disk"), "it does not have the tag that VolumeTag asks for"),
        deselected("vol-0e5a", None, "it is detached"),
    ];
    let sent = assert_golden("deselected", mail(vec![only.clone()]));
    fits_a_screen(&sent);
    only.failed_snapshots = vec![ManagedSnapshot {
        snapshot_id: "snap-1".into(),
        volume_id: "vol-1".into(),
        night: "2026-05-19".parse().unwrap(),
        interval: Interval::Daily,
        plan: "default".into(),
    }];
    let both = mail(vec![only]).subject;
    assert_eq!(
        both,
        "[prod] Night 2026-05-20: all 3 volumes protected, 1 earlier snapshot failed, 2 no longer backed up"
    );
}

#[test]
fn a_shorter_retention_has_an_email_of_its_own_before_it_deletes_anything() {
    let spared = |number: u32| ManagedSnapshot {
        snapshot_id: format!("snap-{number}"),
        volume_id: "vol-1".into(),
        night: format!("2026-04-{number:02}").parse().unwrap(),
        interval: Interval::Daily,
        plan: "default".into(),
    };
    let here = RunRegion { spared: (1..=12).map(spared).collect(), ..region("eu-west-1", 2) };
    fits_a_screen(&assert_golden("retention-shortened", mail(vec![here])));
}

#[test]
fn an_unknown_plan_has_an_email_of_its_own() {
    let unknown = UnknownPlan { volume: volume("vol-1", Some("db"), Some("web")), plan: "gold \n?".into() };
    let here = RunRegion { unknown_plans: vec![unknown], ..region("eu-west-1", 2) };
    fits_a_screen(&assert_golden("unknown-plan", mail(vec![here])));
}

#[test]
fn a_volume_without_its_annual_says_so_and_one_that_makes_it_up_too() {
    let due = |interval, night: &str| DueDate { interval, night: night.parse().unwrap() };
    let mut here = region("eu-west-1", 2);
    here.protected[0].makes_up = vec![due(Interval::Weekly, "2026-05-17")];
    let lacks = vec![due(Interval::Annual, "2025-12-31"), due(Interval::Weekly, "2026-05-17")];
    let denied =
        unprotected(volume("vol-1", Some("db"), Some("web")), "Refused", "CreateSnapshot: IncorrectState: detaching");
    here.unprotected = vec![Unprotected { lacks, ..denied }];
    fits_a_screen(&assert_golden("missed-interval", mail(vec![here])));
}

/// Checks that an email fits on a screen of 24 lines with 100 characters. URLs may be longer.
fn fits_a_screen(mail: &Mail) {
    assert!(mail.message.lines().count() <= 24, "{}", mail.message);
    let breaks = |line: &&str| !["execution", "report"].iter().any(|address| line.starts_with(address));
    assert!(mail.message.lines().filter(breaks).all(|line| line.chars().count() <= 100), "{}", mail.message);
}

#[test]
fn a_volume_is_unprotected() {
    let denied = "CreateSnapshot: UnauthorizedOperation: You are not authorized to perform this operation. User: \
                  arn:aws:sts::123456789012:assumed-role/prod-SnapshotOneRole/prod-SnapshotOne is not authorized to perform: \
                  ec2:CreateSnapshot with an explicit deny in a service control policy";
    let volume = volume("vol-0123456789abcdef0", Some("db\nprimary"), Some("database-server"));
    let here = RunRegion { unprotected: vec![unprotected(volume, "Refused", denied)], ..region("eu-west-1", 1) };
    fits_a_screen(&assert_golden("one-volume", mail(vec![here])));
}

#[test]
fn several_volumes_are_unprotected_for_several_reasons_in_several_regions() {
    let gone = |id| format!("CreateSnapshot: InvalidVolume.NotFound: The volume '{id}' does not exist.");
    let here = vec![
        unprotected(volume("vol-1", Some("data"), Some("database-server")), "Refused", &gone("vol-1")),
        unprotected(volume("vol-2", None, Some("web-server")), "SnapshotError", "EBS reports snap-2 as error"),
        unprotected(volume("vol-3", None, None), "Refused", &gone("vol-3")),
    ];
    let unknown = "CreateSnapshot: SomethingNew: an error that nobody has seen before";
    let there = vec![unprotected(volume("vol-4", Some("logs"), None), "Refused", unknown)];
    let timeout = caught("Transient", "DescribeVolumes: dispatch failure: timeout");
    let failures = vec![Failure::from_caught("DiscoverVolumes", &timeout)];
    let regions = vec![
        RunRegion { unprotected: here, ..region("eu-west-1", 3) },
        RunRegion { unprotected: there, failures, ..region("us-east-1", 0) },
    ];
    assert_golden("several-volumes", mail(regions));
}

#[test]
fn ten_thousand_volumes_fit_into_a_message_which_says_how_many_more_there_are() {
    let one = |number| {
        let volume = volume(&format!("vol-{number:017}"), Some(&"🦀".repeat(256)), None);
        unprotected(volume, "Throttled", "CreateSnapshot: RequestLimitExceeded: Request limit exceeded.")
    };
    let here = RunRegion { unprotected: (0..10_000).map(one).collect(), ..region("eu-west-1", 0) };
    let mail = assert_golden("ten-thousand-volumes", mail(vec![here.clone(), here.clone(), here]));
    assert!(mail.message.len() < 128 * 1024, "{}", mail.message.len());
}

#[test]
fn every_reason_is_another_and_as_long_as_can_be_and_the_message_still_fits() {
    let one = |number| {
        let volume = volume(&format!("vol-{number}"), Some(&"🦀".repeat(256)), None);
        unprotected(volume, "Refused", &format!("{number} {}", "🦀".repeat(1_000)))
    };
    let here = RunRegion { unprotected: (0..60).map(one).collect(), ..region("eu-west-1", 0) };
    let mail = mail(vec![here.clone(), here]);
    assert!(mail.message.len() < 128 * 1024, "{}", mail.message.len());
    assert!(mail.message.contains("The report lists 70 more."), "{}", mail.message);
}

#[test]
fn a_deletion_failed() {
    let locked = "DeleteSnapshot: OperationNotPermitted: The snapshot is locked.";
    let failure = Failure::Child {
        step: "DeleteExpired".into(),
        subject: "snap-0123456789abcdef0".into(),
        reason: Reason::from_error("Refused", locked),
        execution: "arn:child".into(),
    };
    let here = RunRegion { failures: vec![failure], ..region("eu-west-1", 2) };
    fits_a_screen(&assert_golden("deletion", mail(vec![here])));
}

#[test]
fn nothing_was_selected() {
    let here = RunRegion { failures: vec![Failure::nothing_selected()], ..region("eu-west-1", 0) };
    fits_a_screen(&assert_golden("nothing-selected", mail(vec![here])));
}

#[test]
fn a_snapshot_of_an_earlier_night_failed() {
    let failed = ManagedSnapshot {
        snapshot_id: "snap-0123456789abcdef0".into(),
        volume_id: "vol-0123456789abcdef0".into(),
        night: "2026-05-19".parse().unwrap(),
        interval: Interval::Daily,
        plan: "default".into(),
    };
    let stalest = "2026-05-18T04:31:00Z".parse().ok();
    let here = RunRegion { failed_snapshots: vec![failed], stalest, ..region("eu-west-1", 2) };
    fits_a_screen(&assert_golden("failed-snapshot", mail(vec![here])));
}

fn drill(region: DrillRegion) -> DrillReport {
    let time = "2026-11-29T06:00:00Z".parse().unwrap();
    let mut drill = DrillReport {
        backup_stack: "prod".into(),
        stack: "prod".into(),
        date: "2026-11-29".parse().unwrap(),
        execution: "arn:aws:states:eu-west-1:123456789012:execution:Drill:abc".into(),
        location: "s3://prod-ledger/drills/2026-11-29/abc/report.json".into(),
        started: time,
        ended: time,
        regions: vec![region],
        complete: false,
        mail: None,
    };
    drill.complete = drill.is_complete();
    drill.mail = drill_mail::mail(&drill);
    drill
}

fn drilled() -> DrillRegion {
    DrillRegion { region: "eu-west-1".into(), volumes: 12, taken: 3, ..DrillRegion::default() }
}

fn proven() -> ProvenVolume {
    let proven = json!({"volumeId": "vol-0123456789abcdef1", "at": "2026-11-29T06:10:00Z", "snapshotId": "snap-0123456789abcdef1",
        "night": "2026-11-28", "intervals": "Daily", "seconds": 7, "depth": "volume"});
    from_value(proven).unwrap()
}

fn not_proven(volume: &str, error: &str) -> UnprovenVolume {
    let point = RestorePoint {
        snapshot_id: "snap-0123456789abcdef0".into(),
        volume_id: volume.into(),
        night: "2026-10-01".parse().unwrap(),
        intervals: "Daily+Quarterly".parse().unwrap(),
        gibibytes: 8,
        creation_tags: [].into(),
    };
    UnprovenVolume::new(point, Reason::from_error("Refused", error))
}

#[test]
fn a_restore_point_is_not_proven() {
    let unproven = vec![not_proven("vol-0123456789abcdef0", "VolumeError: EBS reports vol-9 as error")];
    let drill = drill(DrillRegion { proven: vec![proven(); 5], unproven, ..drilled() });
    fits_a_screen(&assert_golden("drill-not-proven", drill.mail.unwrap()));
}

#[test]
fn a_step_of_a_drill_failed_and_a_volume_is_left() {
    let caught =
        caught("Refused", "DrillInstance i-1 is stopped; start it, choose another instance, or clear the parameter");
    let error = "NotRemoved: vol-9 is in-use on i-1 after 15 minutes; detach and delete it by hand";
    let reason = Reason::from_error("Refused", error);
    let not_removed = NotRemoved { volume_id: Some("vol-9".into()), snapshot_id: None, reason };
    let failures = vec![FailedStep { step: "DrillChoose".into(), reason: caught.reason() }];
    let drill = drill(DrillRegion { failures, not_removed: vec![not_removed], ..drilled() });
    fits_a_screen(&assert_golden("drill-failed", drill.mail.unwrap()));
}

#[test]
fn more_restore_points_are_not_proven_than_an_email_names() {
    let unproven =
        (0..60).map(|number| not_proven(&format!("vol-{number}"), "VolumeError: EBS reports vol-9 as error"));
    let mail = drill(DrillRegion { unproven: unproven.collect(), ..drilled() }).mail.unwrap();
    assert!(mail.subject.ends_with("60 of 60 restore points not proven"), "{}", mail.subject);
    assert!(mail.message.contains("  - and 40 more") && mail.message.contains("The report lists 10 more."));
}

#[test]
fn a_drill_that_proved_everything_sends_no_email() {
    let drill = drill(DrillRegion { proven: vec![proven()], ..drilled() });
    assert!(drill.complete && drill.mail.is_none());
}
