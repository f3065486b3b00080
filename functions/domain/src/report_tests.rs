use super::*;
use crate::mail::{Mail, headline};

fn volume(id: &str, name: &str) -> Volume {
    let tags = Tags::from([("Name".to_owned(), name.to_owned())]);
    Volume { volume_id: id.into(), instances: vec!["i-1".into()], tags, has_snapshot: false }
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

fn night(region: RegionSummary) -> Summary {
    Summary {
        backup_stack: "prod".into(),
        night: "2026-05-20".parse().unwrap(),
        dry_run: false,
        execution: "arn:aws:states:eu-west-1:123456789012:execution:Nightly:abc".into(),
        location: "s3://ledger/report.json".into(),
        regions: vec![RegionSummary { region: "eu-west-1".into(), ..region }],
    }
}

#[test]
fn a_dry_run_has_no_news_and_says_what_it_would_do() {
    let region = RegionSummary { planned: 1, expired: 1, ..RegionSummary::default() };
    let dry = Summary { dry_run: true, ..night(region) };
    assert!(dry.is_complete() && !dry.has_news());
    assert_eq!(headline(&dry), "would snapshot 1 volume and delete 1 snapshot");
}

#[test]
fn a_failed_step_makes_the_night_incomplete_though_every_volume_is_protected() {
    let mut region = RegionSummary { protected: 2, ..RegionSummary::default() };
    let caught = Caught { error: "Transient".into(), cause: r#"{"errorMessage":"DescribeSnapshots: 503"}"#.into() };
    region.add_failure(&Failure::of_step("FindExpired", &caught), false);
    let night = night(region);
    assert_eq!((headline(&night).as_str(), night.is_complete()), ("1 step failed", false));
    assert!(Mail::of(&night).message.contains("FindExpired failed\n    Transient: DescribeSnapshots: 503\n"));
}

#[test]
fn a_snapshot_that_ebs_failed_after_its_night_is_mailed_though_tonight_is_complete() {
    let mut region = RegionSummary { protected: 1, ..RegionSummary::default() };
    region.add_expired(&expired("snap-1"));
    assert_eq!(region.news, 0);
    region.add_expired(&Expired { failed: true, ..expired("snap-2") });
    let night = night(region);
    assert!(night.is_complete() && night.has_news());
    let mail = Mail::of(&night);
    assert_eq!(mail.subject, "[prod] Night 2026-05-20: all 1 volumes protected, EBS failed 1 earlier snapshot");
    let told = "eu-west-1\n  snap-2 of vol-1, the Daily of 2026-05-01\n    EBS failed it";
    assert!(mail.message.contains(told) && !mail.message.contains("snap-1"), "{}", mail.message);
    assert!(mail.message.contains("What to do\n  Nothing"), "{}", mail.message);
}

#[test]
fn the_mail_names_the_volume_the_reason_and_where_to_look() {
    let mut region = RegionSummary { protected: 1, ..RegionSummary::default() };
    let (volume, failure) =
        (volume("vol-2", "db\nprimary"), child("vol-2", "CreateSnapshot: InvalidVolume.NotFound: no such volume"));
    let reason = format!("{}: {}", failure.error, failure.message);
    region.add_unprotected(&Unprotected { volume: Named::from(&volume), reason });
    region.add_failure(&failure, true);
    let mail = Mail::of(&night(region));
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
    let mut region = RegionSummary::default();
    for number in 0..5_000 {
        let volume = Named::from(&volume(&format!("vol-{number:017}"), &"🦀".repeat(256)));
        region.add_unprotected(&Unprotected { volume, reason: "🦀".repeat(1_000) });
    }
    assert_eq!(region.told.len(), 50);
    let mut night = night(region);
    night.regions = vec![night.regions[0].clone(); 3];
    let mail = Mail::of(&night);
    assert!(mail.message.len() < 128 * 1024, "{}", mail.message.len());
    assert!(mail.message.contains("and 4950 more: see the report") && mail.message.contains("and 5000 more"));
    assert!(mail.subject.len() < 100 && mail.subject.is_ascii());
}
