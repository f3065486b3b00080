use super::*;
use crate::mail::headline;

fn expired(id: &str) -> Expired {
    let night: Night = "2026-05-01".parse().unwrap();
    Expired {
        snapshot_id: id.into(),
        volume_id: "vol-1".into(),
        night,
        interval: domain::Interval::Daily,
        failed: false,
    }
}

fn night(region: RegionSummary) -> Summary {
    Summary {
        backup_stack: "prod".into(),
        night: "2026-05-20".parse().unwrap(),
        intervals: "Daily".parse().unwrap(),
        dry_run: false,
        execution: "arn:execution".into(),
        location: "s3://ledger/report.json".into(),
        time: Timestamp::UNIX_EPOCH,
        started: Timestamp::UNIX_EPOCH,
        ended: Timestamp::UNIX_EPOCH,
        dollars: 0.0,
        failing_since: None,
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
}

#[test]
fn a_snapshot_that_ebs_failed_after_its_night_is_mailed_though_tonight_is_complete() {
    let mut region = RegionSummary { protected: 1, ..RegionSummary::default() };
    region.add_expired(&expired("snap-1"));
    assert_eq!(region.news, 0);
    region.add_expired(&Expired { failed: true, ..expired("snap-2") });
    let night = night(region);
    assert!(night.is_complete() && night.has_news());
    assert_eq!(headline(&night), "the only volume is protected, EBS failed 1 earlier snapshot");
}

#[test]
fn a_night_is_well_again_if_it_is_complete_and_the_ones_before_failed() {
    let failing = |region| Summary { failing_since: "2026-05-18".parse().ok(), ..night(region) };
    let well = failing(RegionSummary { protected: 2, ..RegionSummary::default() });
    assert!(well.has_news() && headline(&well) == "well again, all 2 volumes protected");
    let bad = failing(RegionSummary { protected: 1, unprotected: 1, news: 1, ..RegionSummary::default() });
    assert!(!bad.is_well_again() && headline(&bad) == "1 of 2 volumes unprotected");
}
