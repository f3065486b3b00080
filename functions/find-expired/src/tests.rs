use super::*;
use aws_sdk_ec2::{
    operation::{describe_snapshots::DescribeSnapshotsOutput, describe_volumes::DescribeVolumesOutput},
    primitives::DateTime,
    types::{Tag, Volume as Ec2Volume},
};
use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
use ledger::bucket::bucket;
use serde_json::json;
use std::collections::BTreeMap;

fn settings(dailies: &str) -> Settings {
    Settings {
        backup_stack: "prod".into(),
        keep: format!("Daily={dailies},Quarterly=5,Annual=forever"),
        plans: "weekly:Daily=0,Weekly=1".into(),
        weekly_on: "Sunday".into(),
        days_between_runs: "1".into(),
    }
}

fn input(dry_run: bool) -> Input {
    serde_json::from_value(json!({
        "region": "eu-west-1",
        "night": "2026-05-20",
        "dryRun": dry_run,
        "workList": {"key": "work", "count": 1},
        "protected": {"key": "protected", "count": 0},
        "notDue": {"key": "not-due", "count": 0},
        "execution": {"Id": "arn:execution", "Name": "run", "Input": {}, "StartTime": "2026-05-20T04:30:00.000Z"},
    }))
    .unwrap()
}

fn snapshot(id: &str, night: &str, state: SnapshotState) -> Ec2Snapshot {
    let tags = [("BackupStack", "prod"), ("Night", night), ("Interval", "Daily"), ("Intervals", "Daily")];
    let tags = tags.iter().map(|(key, value)| Tag::builder().key(*key).value(*value).build()).collect();
    let start = DateTime::from_secs(night.parse::<Night>().map_or(0, |night| night.date().day().into()));
    let one = Ec2Snapshot::builder().snapshot_id(id).volume_id("vol-1").state(state).start_time(start);
    one.set_tags(Some(tags)).build()
}

/// Mocks the managed snapshots on two pages, with an empty page and its token between them.
fn lists(first: Vec<Ec2Snapshot>, last: Vec<Ec2Snapshot>) -> Rule {
    let page = |token: Option<&str>, snapshots: Vec<Ec2Snapshot>| {
        DescribeSnapshotsOutput::builder()
            .set_next_token(token.map(str::to_owned))
            .set_snapshots(Some(snapshots))
            .build()
    };
    mock!(Client::describe_snapshots)
        .match_requests(|request| {
            let [only] = request.filters() else { return false };
            let ours = (only.name(), only.values()) == (Some("tag:BackupStack"), &["prod".to_owned()]);
            ours && request.owner_ids() == ["self"]
        })
        .sequence()
        .output(move || page(Some("a"), first.clone()))
        .output(move || page(Some("b"), vec![]))
        .output(move || page(None, last.clone()))
        .build()
}

fn volumes(ids: &'static [&'static str]) -> Rule {
    mock!(Client::describe_volumes).match_requests(|request| request.filters().is_empty()).then_output(|| {
        let volumes = ids.iter().map(|id| Ec2Volume::builder().volume_id(*id).build()).collect();
        DescribeVolumesOutput::builder().set_volumes(Some(volumes)).build()
    })
}

/// Returns the result, and the lists that the function wrote.
async fn run(ec2: &[&Rule], dailies: &str, dry_run: bool) -> Result<(Expiry, BTreeMap<String, String>), String> {
    let ec2 = mock_client!(aws_sdk_ec2, RuleMode::MatchAny, ec2);
    let (ledger, objects) = bucket();
    objects.lock().unwrap().insert(
        "work".into(),
        br#"{"volumeId":"vol-1","instances":[],"tags":{},"plan":"default","intervals":"Daily"}"#.to_vec(),
    );
    let expiry = handle(&ec2, &ledger, &settings(dailies), input(dry_run)).await;
    let expiry = expiry.map_err(|error| error.to_string())?;
    let text = |(key, body): (&String, &Vec<u8>)| {
        let name = key.strip_prefix("nights/2026-05-20/run/eu-west-1/")?.strip_suffix(".jsonl")?;
        Some((name.to_owned(), String::from_utf8(body.clone()).unwrap()))
    };
    let lists = objects.lock().unwrap().iter().filter_map(text).collect();
    Ok((expiry, lists))
}

const OLD: &str = "{\"snapshotId\":\"snap-old\",\"volumeId\":\"vol-1\",\"night\":\"2026-05-17\",\"interval\":\"Daily\",\"plan\":\"default\"}\n";

#[tokio::test]
async fn writes_what_expires_and_what_cannot_be_read() {
    let first = vec![snapshot("snap-odd", "20 May", SnapshotState::Completed)];
    let last = vec![
        snapshot("snap-old", "2026-05-17", SnapshotState::Completed),
        snapshot("snap-mid", "2026-05-19", SnapshotState::Completed),
        snapshot("snap-new", "2026-05-20", SnapshotState::Pending),
    ];
    let (expiry, written) = run(&[&lists(first, last), &volumes(&["vol-1"])], "2", false).await.unwrap();
    let unreadable =
        "{\"snapshotId\":\"snap-odd\",\"problem\":\"Night tag: \\\"20 May\\\" is not a date such as 2026-12-31\"}\n";
    assert_eq!((written["expired"].as_str(), written["unreadable"].as_str()), (OLD, unreadable));
    assert_eq!((expiry.expired.count, expiry.unreadable.count, expiry.managed), (1, 1, 4));
    // The pending snapshot is not a restore point yet.
    assert_eq!(expiry.stalest, Timestamp::from_second(19).ok());
}

#[tokio::test]
async fn writes_every_failed_snapshot_even_an_annual_that_never_expires() {
    let mut annual = snapshot("snap-annual", "2025-12-31", SnapshotState::Error);
    let tags =
        [("BackupStack", "prod"), ("Night", "2025-12-31"), ("Interval", "Annual"), ("Intervals", "Daily+Annual")];
    annual.tags = Some(tags.map(|(key, value)| Tag::builder().key(key).value(value).build()).to_vec());
    let daily = snapshot("snap-daily", "2026-05-19", SnapshotState::Error);
    let (expiry, written) = run(&[&lists(vec![annual], vec![daily]), &volumes(&["vol-1"])], "2", false).await.unwrap();
    let ids = |list: &str| -> Vec<String> {
        let lines = written[list].lines().map(|line| serde_json::from_str::<ManagedSnapshot>(line).unwrap());
        lines.map(|line| line.snapshot_id).collect()
    };
    assert_eq!(
        (ids("failed"), ids("expired")),
        (vec!["snap-annual".into(), "snap-daily".into()], vec!["snap-daily".into()])
    );
    assert_eq!(expiry.failed.count, 2);
}

#[tokio::test]
async fn a_dry_run_counts_the_snapshots_that_it_would_have_created() {
    let old = || {
        let (old, mid) = (("snap-old", "2026-05-17"), ("snap-mid", "2026-05-19"));
        [old, mid].map(|(id, night)| snapshot(id, night, SnapshotState::Completed)).to_vec()
    };
    for (dry_run, expected) in [(false, ""), (true, OLD)] {
        let (_, written) = run(&[&lists(old(), vec![]), &volumes(&["vol-1"])], "2", dry_run).await.unwrap();
        assert_eq!(written["expired"], expected);
    }
}

/// Returns a snapshot with these tags and the tag `SnapshotOf`, as if another tool had copied it.
fn tagged(volume: &str, night: &str, snapshot_of: &str) -> Ec2Snapshot {
    let mut one = snapshot(&format!("snap-{night}"), night, SnapshotState::Completed);
    one.volume_id = Some(volume.to_owned());
    one.tags.get_or_insert_default().push(Tag::builder().key("SnapshotOf").value(snapshot_of).build());
    one
}

#[tokio::test]
async fn copies_by_another_tool_are_named_and_neither_counted_nor_deleted() {
    let copy = |day: u32| {
        tagged("vol-ffffffff", &format!("2026-05-{day:02}"), if day.is_multiple_of(2) { "vol-1" } else { "vol-2" })
    };
    let copies: Vec<_> = (1..=10).map(copy).collect();
    let (expiry, written) = run(&[&lists(copies, vec![]), &volumes(&["vol-1", "vol-2"])], "1", false).await.unwrap();
    assert_eq!((written["expired"].as_str(), expiry.unreadable.count), ("", 10));
    assert!(written["unreadable"].contains("vol-2 is not its volume vol-ffffffff, so it is a copy"), "{written:?}");
}

#[tokio::test]
async fn keeps_the_newest_of_a_volume_that_is_gone() {
    let lonely = vec![tagged("vol-gone", "2020-05-19", "vol-gone")];
    let (expiry, written) = run(&[&lists(lonely, vec![]), &volumes(&[])], "1", false).await.unwrap();
    assert_eq!(written["expired"], "");
    assert_eq!(expiry.stalest, None, "a volume that is gone is not behind");
}

#[tokio::test]
async fn a_wrong_rule_stops_it_before_any_call() {
    let error = run(&[], "-1", false).await.unwrap_err();
    assert_eq!(error, "BadInput: Keep, Daily \"-1\" must be a whole number from 0 to 9999, or forever");
}

/// Returns the result of a run after one for `night`, under `keep`.
async fn run_after(night: &str, keep: &str) -> (Expiry, String) {
    let nights = (10..=20).map(|day| format!("2026-05-{day}"));
    let snapshots = nights.map(|night| snapshot(&format!("snap-{night}"), &night, SnapshotState::Completed)).collect();
    let ec2 = mock_client!(aws_sdk_ec2, RuleMode::MatchAny, &[&lists(snapshots, vec![]), &volumes(&["vol-1"])]);
    let (ledger, objects) = bucket();
    let rules = Rules { keep: keep.into(), plans: String::new() };
    let last = LastRules::after(None, night.parse().unwrap(), rules);
    objects.lock().unwrap().insert(keys::rules("eu-west-1"), serde_json::to_vec(&last).unwrap());
    let input = Input { work_list: LedgerList::default(), ..input(false) };
    let expiry = handle(&ec2, &ledger, &settings("7"), input).await.unwrap();
    let spared = objects.lock().unwrap()["nights/2026-05-20/run/eu-west-1/spared.jsonl"].clone();
    (expiry, String::from_utf8(spared).unwrap())
}

#[tokio::test]
async fn the_first_night_under_a_shorter_rule_spares_what_the_old_rule_kept() {
    let (expiry, spared) = run_after("2026-05-19", "Daily=9,Quarterly=5,Annual=forever").await;
    assert_eq!((expiry.expired.count, expiry.spared.count), (2, 2));
    assert!(spared.contains("snap-2026-05-12") && spared.contains("snap-2026-05-13"), "{spared}");
    let (expiry, _) = run_after("2026-05-19", "Daily=7,Quarterly=5,Annual=forever").await;
    assert_eq!((expiry.expired.count, expiry.spared.count), (4, 0));
    let (expiry, _) = run_after("2026-05-19", "Daily=3").await;
    assert_eq!((expiry.expired.count, expiry.spared.count), (4, 0), "the rule became longer");
}

#[tokio::test]
async fn what_no_rule_covers_stays_and_is_listed() {
    let of = |night: &str, interval: &str, plan: &str| {
        let mut one = snapshot(&format!("snap-{night}"), night, SnapshotState::Completed);
        let tags = one.tags.get_or_insert_default();
        tags.retain(|tag| tag.key() != Some("Interval"));
        let more = [("Interval", interval), ("Plan", plan)];
        tags.extend(more.map(|(key, value)| Tag::builder().key(key).value(value).build()));
        one
    };
    let snapshots = vec![
        of("2020-05-01", "Daily", "gone"),
        of("2020-05-02", "Monthly", "default"),
        of("2020-05-03", "Daily", "default"),
        of("2026-05-19", "Daily", "default"),
    ];
    let (expiry, written) = run(&[&lists(snapshots, vec![]), &volumes(&["vol-1"])], "1", false).await.unwrap();
    assert_eq!((expiry.without_rule.count, expiry.expired.count, expiry.unreadable.count), (2, 1, 0));
    assert!(written["without-rule"].contains("snap-2020-05-01") && written["without-rule"].contains("snap-2020-05-02"));
    assert!(written["expired"].contains("snap-2020-05-03"));
}

#[tokio::test]
async fn a_volume_counts_as_behind_only_after_its_plan_and_schedule_made_it_wait() {
    let age = async |night: &str, plan: &str, days_between_runs: &str| {
        let found = vec![snapshot("snap-1", night, SnapshotState::Completed)];
        let ec2 = mock_client!(aws_sdk_ec2, RuleMode::MatchAny, &[&lists(found, vec![]), &volumes(&["vol-1"])]);
        let (ledger, objects) = bucket();
        let line = json!({"volumeId": "vol-1", "plan": plan}).to_string();
        objects.lock().unwrap().insert("not-due".into(), line.into_bytes());
        let settings = Settings { days_between_runs: days_between_runs.into(), ..settings("7") };
        let (work_list, not_due) = (LedgerList::default(), LedgerList { key: "not-due".into(), count: 1 });
        let input = Input { work_list, not_due, ..input(false) };
        handle(&ec2, &ledger, &settings, input).await.unwrap().stalest.is_some()
    };
    assert!(age("2026-05-19", "default", "1").await, "the age of a daily is always a metric");
    assert!(!age("2026-05-17", "default", "3").await && age("2026-05-16", "default", "3").await);
    assert!(!age("2026-05-13", "weekly", "1").await && age("2026-05-12", "weekly", "1").await);
    assert!(!age("2026-05-11", "weekly", "3").await && age("2026-05-10", "weekly", "3").await);
}
