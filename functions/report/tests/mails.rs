//! Each kind of email, held against a file that a person can read. `UPDATE=1 make test` writes the files.

use domain::{
    Interval,
    drill::{RestorePoint, messages::UnprovenOf},
    messages::Expired,
    step_functions::Caught,
};
use report::{
    drill::{DrillSummary, NotRemoved, Outcome, RegionDrilled},
    mail::{Mail, Servers},
    night::{Failure, Named, RegionSummary, Summary, Unprotected},
};
use std::{env, fs, path::Path};

fn night(regions: Vec<RegionSummary>) -> Summary {
    let time = "2026-05-20T04:30:00Z".parse().unwrap();
    Summary {
        backup_stack: "prod".into(),
        night: "2026-05-20".parse().unwrap(),
        intervals: "Daily".parse().unwrap(),
        dry_run: false,
        execution: "arn:aws:states:eu-west-1:123456789012:execution:Nightly:abc".into(),
        location: "s3://prod-ledger/nights/2026-05-20/abc/report.json".into(),
        time,
        started: time,
        ended: time,
        dollars: 0.0005,
        regions,
        failing_since: None,
    }
}

fn region(name: &str, protected: usize) -> RegionSummary {
    RegionSummary { region: name.into(), protected, ..RegionSummary::default() }
}

fn unprotected(volume: &str, name: Option<&str>, instance: &str, reason: &str) -> Unprotected {
    let volume = Named {
        volume_id: volume.into(),
        name: name.map(str::to_owned),
        instances: vec![instance.into()],
        proven: None,
    };
    Unprotected { volume, reason: reason.into() }
}

fn servers() -> Servers {
    let named = [("i-0a1b2c3d4e5f60718", "database-server"), ("i-0f1e2d3c4b5a69788", "web-server")];
    named.map(|(id, name)| (id.to_owned(), name.to_owned())).into()
}

fn caught(error: &str, message: &str) -> Caught {
    Caught { error: error.into(), cause: serde_json::json!({"errorMessage": message}).to_string() }
}

/// Holds an email against its file.
fn holds(kind: &str, night: &Summary) -> Mail {
    holds_mail(kind, Mail::of(night, &servers()))
}

fn holds_mail(kind: &str, mail: Mail) -> Mail {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mails").join(kind).with_extension("txt");
    let now = format!("Subject: {}\n\n{}", mail.subject, mail.message);
    if env::var_os("UPDATE").is_some() {
        fs::write(&path, &now).expect("the file is written");
    }
    assert_eq!(fs::read_to_string(&path).unwrap_or_default(), now, "{kind}; UPDATE=1 make test writes it anew");
    assert!(mail.subject.len() < 100 && mail.subject.is_ascii());
    mail
}

/// What a screen holds: 24 lines, and 100 characters but for the addresses.
fn fits_a_screen(mail: &Mail) {
    assert!(mail.message.lines().count() <= 24, "{}", mail.message);
    let breaks = |line: &&str| !["execution", "report"].iter().any(|address| line.starts_with(address));
    assert!(mail.message.lines().filter(breaks).all(|line| line.chars().count() <= 100), "{}", mail.message);
}

#[test]
fn a_volume_is_unprotected() {
    let mut here = region("eu-west-1", 1);
    let denied = "Refused: CreateSnapshot: UnauthorizedOperation: You are not authorized to perform this operation. \
                  User: arn:aws:sts::123456789012:assumed-role/prod-SnapshotOneRole/prod-SnapshotOne is not authorized to \
                  perform: ec2:CreateSnapshot with an explicit deny in a service control policy";
    here.add_unprotected(&unprotected("vol-0123456789abcdef0", Some("db\nprimary"), "i-0a1b2c3d4e5f60718", denied));
    fits_a_screen(&holds("one-volume", &night(vec![here])));
}

#[test]
fn several_volumes_are_unprotected_for_several_reasons_in_several_regions() {
    let (mut here, mut there) = (region("eu-west-1", 3), region("us-east-1", 0));
    let gone = |id| format!("Refused: CreateSnapshot: InvalidVolume.NotFound: The volume '{id}' does not exist.");
    here.add_unprotected(&unprotected("vol-1", Some("data"), "i-0a1b2c3d4e5f60718", &gone("vol-1")));
    here.add_unprotected(&unprotected(
        "vol-2",
        None,
        "i-0f1e2d3c4b5a69788",
        "SnapshotError: EBS reports snap-2 as error",
    ));
    here.add_unprotected(&unprotected("vol-3", None, "i-unnamed", &gone("vol-3")));
    let unknown = "Refused: CreateSnapshot: SomethingNew: what nobody has seen before";
    there.add_unprotected(&unprotected("vol-4", Some("logs"), "i-unnamed", unknown));
    let failed =
        Failure::of_step("DiscoverVolumes", &caught("Transient", "DescribeVolumes: dispatch failure: timeout"));
    there.add_failure(&failed, false);
    holds("several-volumes", &night(vec![here, there]));
}

#[test]
fn ten_thousand_volumes_fit_into_a_message_which_says_how_many_more_there_are() {
    let mut here = region("eu-west-1", 0);
    for number in 0..10_000 {
        let volume = unprotected(
            &format!("vol-{number:017}"),
            Some(&"🦀".repeat(256)),
            "i-1",
            "Throttled: CreateSnapshot: RequestLimitExceeded: Request limit exceeded.",
        );
        here.add_unprotected(&volume);
    }
    let mail = holds("ten-thousand-volumes", &night(vec![here.clone(), here.clone(), here]));
    assert!(mail.message.len() < 128 * 1024, "{}", mail.message.len());
}

#[test]
fn every_reason_is_another_and_as_long_as_can_be_and_the_message_still_fits() {
    let mut here = region("eu-west-1", 0);
    for number in 0..60 {
        let reason = format!("{number} {}", "🦀".repeat(1_000));
        here.add_unprotected(&unprotected(&format!("vol-{number}"), Some(&"🦀".repeat(256)), "i-1", &reason));
    }
    let mail = Mail::of(&night(vec![here.clone(), here]), &servers());
    assert!(mail.message.len() < 128 * 1024, "{}", mail.message.len());
    assert!(mail.message.contains("And 70 more"), "{}", mail.message);
}

#[test]
fn a_deletion_failed() {
    let mut here = region("eu-west-1", 2);
    let failure = Failure {
        step: "DeleteExpired".into(),
        subject: Some("snap-0123456789abcdef0".into()),
        error: "Refused".into(),
        message: "DeleteSnapshot: OperationNotPermitted: The snapshot is locked.".into(),
        execution: Some("arn:child".into()),
    };
    here.add_failure(&failure, false);
    fits_a_screen(&holds("deletion", &night(vec![here])));
}

#[test]
fn nothing_was_selected() {
    let mut here = region("eu-west-1", 0);
    here.add_failure(&Failure::nothing_selected(), false);
    fits_a_screen(&holds("nothing-selected", &night(vec![here])));
}

#[test]
fn ebs_failed_a_snapshot_of_an_earlier_night() {
    let mut here = region("eu-west-1", 2);
    let night_before = "2026-05-19".parse().unwrap();
    let (snapshot_id, volume_id) = ("snap-0123456789abcdef0".into(), "vol-0123456789abcdef0".into());
    here.add_expired(&Expired { snapshot_id, volume_id, night: night_before, interval: Interval::Daily, failed: true });
    fits_a_screen(&holds("failed-late", &night(vec![here])));
}

#[test]
fn it_is_well_again() {
    let well = night(vec![region("eu-west-1", 2)]);
    fits_a_screen(&holds("well-again", &Summary { failing_since: "2026-05-18".parse().ok(), ..well }));
}

fn drill(region: RegionDrilled) -> DrillSummary {
    let time = "2026-11-29T06:00:00Z".parse().unwrap();
    DrillSummary {
        backup_stack: "prod".into(),
        date: "2026-11-29".parse().unwrap(),
        execution: "arn:aws:states:eu-west-1:123456789012:execution:Drill:abc".into(),
        location: "s3://prod-ledger/drills/2026-11-29/abc/report.json".into(),
        started: time,
        ended: time,
        regions: vec![region],
    }
}

fn drilled(proven: usize) -> RegionDrilled {
    RegionDrilled { region: "eu-west-1".into(), volumes: 12, taken: 3, proven, ..RegionDrilled::default() }
}

fn not_proven(volume: &str, reason: &str) -> Outcome {
    let point = RestorePoint {
        snapshot_id: "snap-0123456789abcdef0".into(),
        volume_id: volume.into(),
        night: "2026-10-01".parse().unwrap(),
        intervals: "Daily+Quarterly".parse().unwrap(),
        gibibytes: 8,
    };
    Outcome::Unproven(UnprovenOf::new(point, reason.into()))
}

#[test]
fn a_restore_point_is_not_proven() {
    let mut here = drilled(5);
    here.add(&not_proven("vol-0123456789abcdef0", "VolumeError: EBS reports vol-9 as error"));
    fits_a_screen(&holds_mail("drill-not-proven", Mail::of_drill(&drill(here))));
}

#[test]
fn a_drill_says_what_failed_and_what_is_left_and_costs() {
    let mut here = drilled(0);
    let caught =
        caught("BadInput", "DrillInstance: i-1: is stopped: start it; name another, or leave the parameter empty");
    here.add_failure(&Failure::of_step("DrillChoose", &caught));
    let reason = "Refused: NotRemoved: vol-9 is in-use on i-1 after 15 minutes; detach it".to_owned();
    here.add_not_removed(&NotRemoved { volume_id: Some("vol-9".into()), snapshot_id: None, reason });
    fits_a_screen(&holds_mail("drill-failed", Mail::of_drill(&drill(here))));
}
