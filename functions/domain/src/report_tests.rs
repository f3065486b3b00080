use super::*;
use crate::mail::headline;

fn volume(id: &str, name: &str) -> Volume {
    let tags = Tags::from([("Name".to_owned(), name.to_owned())]);
    Volume { volume_id: id.into(), instances: vec!["i-1".into()], tags }
}

fn tonight(pairs: &[(&str, &str)]) -> BTreeMap<String, Vec<Tonight>> {
    let one = |id: &str, state: &str| Tonight { snapshot_id: format!("snap-of-{id}"), state: state.into() };
    pairs.iter().map(|(id, state)| (id.to_string(), vec![one(id, state)])).collect()
}

fn child(subject: &str, message: &str) -> Failure {
    Failure {
        step: "SnapshotVolumes".into(),
        subject: Some(subject.into()),
        error: "Refused".into(),
        message: message.into(),
        execution: Some("arn:child".into()),
    }
}

fn expired(id: &str) -> Expired {
    let night: Night = "2026-05-01".parse().unwrap();
    Expired {
        snapshot_id: id.into(),
        volume_id: "vol-1".into(),
        night,
        interval: crate::Interval::Daily,
        failed: false,
    }
}

fn report(region: RegionReport) -> Report {
    let mut report = Report {
        backup_stack: "prod".into(),
        night: "2026-05-20".parse().unwrap(),
        intervals: "Daily".parse().unwrap(),
        dry_run: false,
        execution: "arn:aws:states:eu-west-1:123456789012:execution:Nightly:abc".into(),
        location: "s3://ledger/report.json".into(),
        complete: region.is_complete(),
        regions: vec![region],
        mail: None,
    };
    report.mail = report.regions[0].has_news().then(|| Mail::of(&report));
    report
}

#[test]
fn a_volume_is_protected_by_a_completed_or_a_pending_snapshot_only() {
    let facts = Facts {
        work_list: vec![volume("vol-1", "a"), volume("vol-2", "b"), volume("vol-3", "c")],
        protected: vec![volume("vol-4", "d")],
        tonight: tonight(&[("vol-1", "completed"), ("vol-2", "pending"), ("vol-3", "error"), ("vol-4", "completed")]),
        ..Facts::default()
    };
    let report = RegionReport::reconcile(facts, false);
    let made: Vec<_> = report.protected.iter().map(|one| (one.volume.volume_id.as_str(), one.created)).collect();
    assert_eq!(made, [("vol-1", true), ("vol-2", true), ("vol-4", false)]);
    assert_eq!(report.unprotected[0].reason, "EBS reports snap-of-vol-3 as error");
    assert!(!report.is_complete());
}

#[test]
fn a_volume_protected_before_that_lost_its_snapshot_since_is_unprotected() {
    let facts = Facts { protected: vec![volume("vol-4", "d")], ..Facts::default() };
    let report = RegionReport::reconcile(facts, false);
    assert_eq!(report.unprotected[0].reason, "EC2 lists no snapshot of tonight, and no step reported an error");
}

#[test]
fn a_night_that_found_no_volume_is_no_success_and_one_with_an_empty_region_is() {
    let mut regions = [RegionReport::default(), RegionReport::default()];
    refuse_emptiness(&mut regions);
    assert_eq!((regions[0].failures[0].error.as_str(), regions[1].is_complete()), ("NothingSelected", true));
    let facts = Facts {
        work_list: vec![volume("vol-1", "a")],
        tonight: tonight(&[("vol-1", "completed")]),
        ..Facts::default()
    };
    let mut regions = [RegionReport::default(), RegionReport::reconcile(facts, false)];
    refuse_emptiness(&mut regions);
    assert!(regions.iter().all(RegionReport::is_complete));
}

#[test]
fn a_failed_step_makes_the_night_incomplete_though_every_volume_is_protected() {
    let caught = Caught { error: "Transient".into(), cause: r#"{"errorMessage":"DescribeSnapshots: 503"}"#.into() };
    let facts = Facts { steps: BTreeMap::from([("FindExpired".into(), caught)]), ..Facts::default() };
    let report = report(RegionReport::reconcile(facts, false));
    assert_eq!(headline(&report), "1 step failed");
    assert!(report.mail.unwrap().message.contains("FindExpired failed\n    Transient: DescribeSnapshots: 503\n"));
}

#[test]
fn an_expired_snapshot_is_gone_kept_or_failed() {
    let facts = Facts {
        expired: vec![expired("snap-1"), expired("snap-2"), expired("snap-3")],
        still_listed: ["snap-2".to_owned(), "snap-3".to_owned()].into(),
        children: vec![child("snap-3", "DeleteSnapshot: UnauthorizedOperation: no")],
        ..Facts::default()
    };
    let report = RegionReport::reconcile(facts, false);
    assert_eq!(report.expired, [expired("snap-1")]);
    assert_eq!(report.kept, [expired("snap-2")]);
    assert_eq!(report.failures.len(), 1);
}

#[test]
fn a_snapshot_that_ebs_failed_after_its_night_is_mailed_though_tonight_is_complete() {
    let facts = Facts {
        region: "eu-west-1".into(),
        work_list: vec![volume("vol-1", "a")],
        tonight: tonight(&[("vol-1", "pending")]),
        expired: vec![expired("snap-1"), Expired { failed: true, ..expired("snap-2") }],
        ..Facts::default()
    };
    let report = report(RegionReport::reconcile(facts, false));
    assert!(report.complete);
    let mail = report.mail.unwrap();
    assert_eq!(mail.subject, "[prod] Night 2026-05-20: all 1 volumes protected, EBS failed 1 earlier snapshot");
    let told = "eu-west-1\n  snap-2 of vol-1, the Daily of 2026-05-01\n    EBS failed it";
    assert!(mail.message.contains(told) && !mail.message.contains("snap-1"), "{}", mail.message);
    assert!(mail.message.contains("What to do\n  Nothing"), "{}", mail.message);
}

#[test]
fn a_dry_run_says_what_it_would_do_and_finds_nobody_unprotected() {
    let facts = Facts {
        work_list: vec![volume("vol-1", "a")],
        expired: vec![expired("snap-1")],
        still_listed: ["snap-1".to_owned()].into(),
        ..Facts::default()
    };
    let report = RegionReport::reconcile(facts, true);
    assert_eq!(report.planned[0].volume_id, "vol-1");
    assert_eq!(report.expired, [expired("snap-1")]);
    assert!(report.is_complete() && report.protected.is_empty());
    let whole = Report { dry_run: true, ..self::report(report) };
    assert_eq!(headline(&whole), "would snapshot 1 volume and delete 1 snapshot");
}

#[test]
fn the_mail_names_the_volume_the_reason_and_where_to_look() {
    let facts = Facts {
        region: "eu-west-1".into(),
        work_list: vec![volume("vol-1", "web"), volume("vol-2", "db\nprimary")],
        tonight: tonight(&[("vol-1", "completed")]),
        children: vec![child("vol-2", "CreateSnapshot: InvalidVolume.NotFound: no such volume")],
        ..Facts::default()
    };
    let mail = report(RegionReport::reconcile(facts, false)).mail.unwrap();
    assert_eq!(mail.subject, "[prod] Night 2026-05-20: 1 of 2 volumes unprotected");
    assert_eq!(
        mail.message,
        "Night 2026-05-20 of prod: 1 of 2 volumes unprotected.\n\
         \n\
         eu-west-1\n\
         \x20 vol-2 (db primary) of i-1\n\
         \x20   Refused: CreateSnapshot: InvalidVolume.NotFound: no such volume\n\
         \n\
         Where to look\n\
         \x20 report     s3://ledger/report.json\n\
         \x20 execution  https://console.aws.amazon.com/states/home?region=eu-west-1#/v2/executions/details/\
         arn:aws:states:eu-west-1:123456789012:execution:Nightly:abc\n\
         What to do\n\
         \x20 Mend the cause and start the night again: it makes only what is missing.\n"
    );
}

#[test]
fn the_mail_of_five_thousand_failures_fits_into_a_message_and_says_how_many_more() {
    let ids: Vec<String> = (0..5_000).map(|number| format!("vol-{number:017}")).collect();
    let facts = Facts {
        work_list: ids.iter().map(|id| volume(id, &"🦀".repeat(256))).collect(),
        children: ids.iter().map(|id| child(id, &"🦀".repeat(1_000))).collect(),
        ..Facts::default()
    };
    let mut report = report(RegionReport::reconcile(facts, false));
    report.regions = vec![report.regions[0].clone(); 3];
    let mail = Mail::of(&report);
    assert!(mail.message.len() < 128 * 1024, "{}", mail.message.len());
    assert!(mail.message.contains("and 4950 more: see the report") && mail.message.contains("and 5000 more"));
    assert!(mail.subject.len() < 100 && mail.subject.is_ascii());
}
