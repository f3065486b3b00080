use super::*;
use crate::night::{Failure, NamedVolume, Protected, Unprotected};
use domain::{Interval, Reason, messages::ManagedSnapshot, reason::Code};

fn named(id: &str) -> NamedVolume {
    NamedVolume { volume_id: id.into(), ..NamedVolume::default() }
}

fn protected(id: &str) -> Protected {
    Protected {
        volume: named(id),
        snapshot_id: "snap-1".into(),
        state: "pending".into(),
        created: true,
        makes_up: vec![],
    }
}

fn unprotected(id: &str) -> Unprotected {
    Unprotected { volume: named(id), reason: Reason::new(Code::NoSnapshot, ""), lacks: vec![] }
}

fn child(step: &str, subject: &str) -> Failure {
    let reason = Reason::from_error("Transient", "CreateTags: timeout");
    Failure::Child { step: step.into(), subject: subject.into(), reason, execution: "arn:child".into() }
}

fn report(region: RunRegion) -> Report {
    Report {
        backup_stack: "prod".into(),
        stack: "prod".into(),
        night: "2026-05-20".parse().unwrap(),
        intervals: "Daily".parse().ok(),
        dry_run: false,
        execution: "arn:execution".into(),
        location: "s3://ledger/report.json".into(),
        time: Timestamp::UNIX_EPOCH,
        started: Timestamp::UNIX_EPOCH,
        ended: Timestamp::UNIX_EPOCH,
        complete: region.is_complete(),
        regions: vec![region],
        mail: None,
    }
}

fn headline(region: RunRegion) -> String {
    Summary::from(&report(region)).headline()
}

#[test]
fn a_dry_run_mails_nothing_and_says_what_it_would_do() {
    let expired = ManagedSnapshot {
        snapshot_id: "snap-1".into(),
        volume_id: "vol-1".into(),
        night: "2026-05-01".parse().unwrap(),
        interval: Interval::Daily,
        plan: "default".into(),
    };
    let failed = ManagedSnapshot {
        snapshot_id: "snap-2".into(),
        volume_id: "vol-1".into(),
        night: "2026-05-01".parse().unwrap(),
        interval: Interval::Daily,
        plan: "default".into(),
    };
    let region = RunRegion {
        planned: vec![named("vol-1")],
        expired: vec![expired],
        failed_snapshots: vec![failed],
        ..RunRegion::default()
    };
    let dry = Report { dry_run: true, ..report(region) };
    assert!(Summary::from(&dry).is_complete() && crate::run_mail::mail(&dry).is_none());
    assert_eq!(Summary::from(&dry).headline(), "would snapshot 1 volume and delete 1 snapshot");
}

#[test]
fn a_headline_names_the_worst_and_counts_each_kind_of_failure() {
    let both = || vec![protected("vol-1"), protected("vol-2")];
    assert_eq!(headline(RunRegion { protected: both(), ..RunRegion::default() }), "all 2 volumes protected");
    let one = RunRegion { protected: vec![protected("vol-1")], ..RunRegion::default() };
    assert_eq!(headline(one.clone()), "the only volume is protected");
    let worst =
        RunRegion { unprotected: vec![unprotected("vol-2")], failures: vec![child("DeleteExpired", "snap-1")], ..one };
    assert_eq!(headline(worst), "1 of 2 volumes unprotected");
    let failures = vec![
        Failure::Step { step: "FindExpired".into(), reason: Reason::from_error("Transient", "503") },
        child("SnapshotVolumes", "vol-1"),
        child("DeleteExpired", "snap-1"),
        child("DeleteExpired", "snap-2"),
    ];
    let region = RunRegion { protected: both(), failures, ..RunRegion::default() };
    assert!(!region.is_complete());
    assert_eq!(headline(region), "1 step failed, 1 snapshot not tagged, 2 deletions failed");
}

#[test]
fn the_failure_of_an_unprotected_volume_is_reported_once() {
    let failures = vec![child("SnapshotVolumes", "vol-1"), child("SnapshotVolumes", "vol-2")];
    let region = RunRegion { unprotected: vec![unprotected("vol-1")], failures, ..RunRegion::default() };
    let others: Vec<_> = region.other_failures().filter_map(Failure::subject).collect();
    assert_eq!(others, ["vol-2"]);
}

#[test]
fn a_report_is_read_as_it_was_written() {
    let failures = vec![Failure::nothing_selected(), child("DeleteExpired", "snap-1")];
    let written = report(RunRegion { unprotected: vec![unprotected("vol-1")], failures, ..RunRegion::default() });
    let json = serde_json::to_value(&written).unwrap();
    assert_eq!(json["regions"][0]["failures"][1]["subject"], "snap-1");
    assert_eq!(json["regions"][0]["unprotected"][0]["volumeId"], "vol-1");
    assert_eq!(serde_json::from_value::<Report>(json).unwrap(), written);
}
