use super::*;
use aws_sdk_ec2::{
    operation::describe_snapshots::DescribeSnapshotsOutput,
    types::{Snapshot, SnapshotState},
};
use aws_sdk_s3::{
    operation::{get_object::GetObjectOutput, list_objects_v2::ListObjectsV2Output, put_object::PutObjectOutput},
    primitives::ByteStream,
    types::Object,
};
use aws_sdk_sfn::{
    operation::{
        describe_execution::DescribeExecutionOutput, describe_map_run::DescribeMapRunOutput,
        list_executions::ListExecutionsOutput, list_map_runs::ListMapRunsOutput,
    },
    types::{ExecutionListItem, ExecutionStatus, MapRunExecutionCounts, MapRunListItem, MapRunStatus},
};
use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

const MAP_RUN: &str = "arn:aws:states:eu-west-1:123456789012:mapRun:Nightly/SnapshotVolumes:1234";

fn input(dry_run: bool) -> Input {
    serde_json::from_value(json!({
        "execution": {
            "Id": "arn:aws:states:eu-west-1:123456789012:execution:Nightly:run",
            "Name": "run",
            "Input": {"dryRun": dry_run},
            "StartTime": "2026-05-20T04:30:00.000Z",
        },
        "regions": [
            {
                "region": "eu-west-1",
                "night": "2026-05-20",
                "workList": {"key": "work", "count": 2},
                "protected": {"key": "protected", "count": 0},
                "expiry": {"expired": {"key": "expired", "count": 0}, "unreadable": {"key": "unreadable", "count": 0}},
            },
            {"region": "us-east-1", "failure": {"DiscoverVolumes": {"Error": "Transient", "Cause": "{\"errorMessage\":\"503\"}"}}},
        ],
    }))
    .unwrap()
}

fn tonight() -> Rule {
    mock!(aws_sdk_ec2::Client::describe_snapshots)
        .match_requests(|request| {
            request.filters().iter().flat_map(|filter| filter.values()).eq(["prod", "2026-05-20"])
        })
        .then_output(|| {
            let one =
                Snapshot::builder().snapshot_id("snap-1").volume_id("vol-1").state(SnapshotState::Pending).build();
            DescribeSnapshotsOutput::builder().snapshots(one).build()
        })
}

fn work_list() -> Rule {
    mock!(aws_sdk_s3::Client::get_object).match_requests(|request| request.key() == Some("work")).then_output(|| {
        let lines = b"{\"volumeId\":\"vol-1\",\"instances\":[],\"tags\":{}}\n{\"volumeId\":\"vol-2\",\"instances\":[],\"tags\":{}}\n";
        GetObjectOutput::builder().body(ByteStream::from_static(lines)).build()
    })
}

/// What drills proved: volumes that are no more among them.
fn proofs(lines: &'static str) -> [Rule; 2] {
    let listed = mock!(aws_sdk_s3::Client::list_objects_v2).then_compute_output(|request| {
        let there = request.prefix().filter(|key| *key == "proofs/eu-west-1.jsonl");
        let objects = there.map(|key| vec![Object::builder().key(key).build()]);
        ListObjectsV2Output::builder().set_contents(objects).build()
    });
    let read = mock!(aws_sdk_s3::Client::get_object)
        .match_requests(|request| request.key() == Some("proofs/eu-west-1.jsonl"))
        .then_output(move || GetObjectOutput::builder().body(ByteStream::from_static(lines.as_bytes())).build());
    [listed, read]
}

const PROOFS: &str = r#"{"volumeId":"vol-0","tried":"2026-05-17T06:00:00Z","proven":{"at":"2026-05-17T06:00:14Z","snapshotId":"snap-0","night":"2026-05-17","intervals":"Daily","seconds":9,"depth":"volume"}}
{"volumeId":"vol-2","tried":"2026-05-17T06:00:00Z","proven":{"at":"2026-05-17T06:00:14Z","snapshotId":"snap-2","night":"2026-05-17","intervals":"Daily","seconds":14,"depth":"files"}}
{"volumeId":"vol-3","tried":"2026-05-17T06:00:00Z"}
"#;

fn writes_report(into: Arc<Mutex<Value>>) -> Rule {
    mock!(aws_sdk_s3::Client::put_object)
        .match_requests(move |request| {
            let is_report = request.key() == Some("nights/2026-05-20/run/report.json");
            if is_report {
                *into.lock().unwrap() = serde_json::from_slice(request.body().bytes().unwrap()).unwrap();
            }
            is_report
        })
        .then_output(|| PutObjectOutput::builder().build())
}

fn writes_summary() -> Rule {
    mock!(aws_sdk_s3::Client::put_object)
        .match_requests(|request| {
            let summary = serde_json::from_slice::<Summary>(request.body().bytes().unwrap_or_default());
            request.key() == Some("nights/2026-05-20/run/summary.json") && summary.is_ok()
        })
        .then_output(|| PutObjectOutput::builder().build())
}

/// One Map Run of two children of which `failed` failed, the first of them listed.
fn map_run(failed: i64) -> [Rule; 4] {
    let runs = mock!(aws_sdk_sfn::Client::list_map_runs).then_output(|| {
        let run = MapRunListItem::builder().execution_arn("e").state_machine_arn("s").map_run_arn(MAP_RUN);
        let run = run.start_date(aws_sdk_sfn::primitives::DateTime::from_secs(0)).build().unwrap();
        ListMapRunsOutput::builder().map_runs(run).build().unwrap()
    });
    let children = mock!(aws_sdk_sfn::Client::list_executions).then_compute_output(move |request| {
        let child = ExecutionListItem::builder().execution_arn("arn:child").state_machine_arn("s").name("n");
        let start = aws_sdk_sfn::primitives::DateTime::from_secs(0);
        let child = child.status(ExecutionStatus::Failed).start_date(start).build().unwrap();
        let listed = (failed > 0 && request.status_filter() == Some(&ExecutionStatus::Failed)).then_some(child);
        ListExecutionsOutput::builder().set_executions(Some(listed.into_iter().collect())).build().unwrap()
    });
    let child = mock!(aws_sdk_sfn::Client::describe_execution).then_output(|| {
        let input = json!({"region": "eu-west-1", "volume": {"volumeId": "vol-2", "instances": [], "tags": {}}});
        DescribeExecutionOutput::builder()
            .execution_arn("arn:child")
            .state_machine_arn("s")
            .status(ExecutionStatus::Failed)
            .start_date(aws_sdk_sfn::primitives::DateTime::from_secs(0))
            .input(input.to_string())
            .error("Refused")
            .cause(r#"{"errorType":"Refused","errorMessage":"CreateSnapshot: InvalidVolume.NotFound: gone"}"#)
            .build()
            .unwrap()
    });
    let counts = mock!(aws_sdk_sfn::Client::describe_map_run).then_output(move || {
        let counts = MapRunExecutionCounts::builder().pending(0).running(0).succeeded(2 - failed).failed(failed);
        let counts = counts.timed_out(0).aborted(0).total(2).results_written(0).build();
        let start = aws_sdk_sfn::primitives::DateTime::from_secs(0);
        DescribeMapRunOutput::builder()
            .execution_arn("e")
            .status(MapRunStatus::Succeeded)
            .start_date(start)
            .max_concurrency(1)
            .tolerated_failure_percentage(100.0)
            .tolerated_failure_count(0)
            .execution_counts(counts)
            .map_run_arn(MAP_RUN)
            .build()
            .unwrap()
    });
    [runs, children, child, counts]
}

async fn run(failed: i64, dry_run: bool) -> (Reported, Value) {
    run_on(&tonight(), failed, dry_run).await
}

async fn run_on(tonight: &Rule, failed: i64, dry_run: bool) -> (Reported, Value) {
    run_with(PROOFS, tonight, failed, dry_run).await
}

async fn run_with(proven: &'static str, tonight: &Rule, failed: i64, dry_run: bool) -> (Reported, Value) {
    let report = Arc::new(Mutex::new(Value::Null));
    let (work, write, summary) = (work_list(), writes_report(report.clone()), writes_summary());
    let (sfn, [listed, read]) = (map_run(failed), proofs(proven));
    let ec2 = mock_client!(aws_sdk_ec2, RuleMode::MatchAny, &[tonight]);
    let s3 = mock_client!(aws_sdk_s3, RuleMode::MatchAny, &[&work, &write, &summary, &listed, &read]);
    let clients = Clients {
        ec2: |_: &str| ec2.clone(),
        sfn: mock_client!(aws_sdk_sfn, RuleMode::MatchAny, &sfn.each_ref()),
        ledger: Ledger::new(s3, "ledger".into()),
    };
    let settings = Settings { backup_stack: "prod".into(), time_zone: "UTC".into() };
    let reported = handle(&clients, &settings, || Timestamp::UNIX_EPOCH, input(dry_run)).await.unwrap();
    assert_eq!((write.num_calls(), summary.num_calls()), (1, 1));
    let report = report.lock().unwrap().clone();
    (reported, report)
}

#[tokio::test]
async fn names_the_volume_that_failed_and_the_region_that_was_not_discovered() {
    let (reported, report) = run(1, false).await;
    let (first, second) = (&report["regions"][0], &report["regions"][1]);
    assert_eq!(first["protected"][0]["snapshotId"], "snap-1");
    assert_eq!(first["unprotected"][0]["reason"], "Refused: CreateSnapshot: InvalidVolume.NotFound: gone");
    assert_eq!(first["failures"][0]["step"], "SnapshotVolumes");
    assert_eq!(
        (&second["failures"][0]["step"], &second["failures"][0]["message"]),
        (&json!("DiscoverVolumes"), &json!("503"))
    );
    assert_eq!(
        (&report["complete"], &report["mail"]["subject"]),
        (&json!(false), &json!(reported.mail.as_ref().unwrap().subject))
    );
    assert_eq!(report["estimate"]["transitions"], 1 + 6 + 2 * 5 + 1 + 2 * 3);
    let output = Output::of(reported);
    assert!(!output.complete && output.notify);
    let summary = "Night 2026-05-20: 1 of 2 volumes unprotected; report: s3://ledger/nights/2026-05-20/run/report.json";
    assert_eq!(output.summary, summary);
}

#[tokio::test]
async fn a_volume_says_when_it_was_proven_and_the_region_how_many_were() {
    let (reported, report) = run(1, false).await;
    let (protected, unprotected) = (&report["regions"][0]["protected"][0], &report["regions"][0]["unprotected"][0]);
    assert_eq!((&protected["volumeId"], &protected["proven"]), (&json!("vol-1"), &Value::Null));
    assert_eq!((&unprotected["volumeId"], &unprotected["proven"]["seconds"]), (&json!("vol-2"), &json!(14)));
    let region = &reported.night.regions[0];
    assert_eq!((region.proven, region.oldest_proof), (Some(1), "2026-05-17T06:00:14Z".parse().ok()));
    assert_eq!(reported.night.regions[1].proven, None);
}

#[tokio::test]
async fn proofs_that_cannot_be_read_do_not_keep_a_night_from_its_report() {
    let (reported, report) = run_with("{\"volumeId\":\"vol-0\"\n", &tonight(), 0, false).await;
    assert_eq!((reported.night.regions[0].proven, report["regions"][0]["protected"][0].get("proven")), (None, None));
}

#[tokio::test]
async fn a_child_that_failed_and_is_not_listed_yet_is_not_passed_over() {
    let (_, report) = run(2, false).await;
    let failures = report["regions"][0]["failures"].as_array().unwrap();
    let untold = failures.iter().find(|failure| failure["error"] == "NotDescribed").unwrap();
    assert!(untold["message"].as_str().unwrap().starts_with("1 more child executions failed"), "{untold}");
}

#[tokio::test]
async fn looks_again_for_a_snapshot_that_is_not_listed_yet() {
    let list = |volumes: &'static [&'static str]| {
        move || {
            let one = |volume: &&str| {
                Snapshot::builder().snapshot_id("snap").volume_id(*volume).state(SnapshotState::Pending).build()
            };
            DescribeSnapshotsOutput::builder().set_snapshots(Some(volumes.iter().map(one).collect())).build()
        }
    };
    let lagging = mock!(aws_sdk_ec2::Client::describe_snapshots)
        .sequence()
        .output(list(&["vol-1"]))
        .output(list(&["vol-1", "vol-2"]))
        .build();
    let (reported, _) = run_on(&lagging, 0, false).await;
    assert_eq!((reported.night.regions[0].protected, lagging.num_calls()), (2, 2));
}

#[tokio::test]
async fn a_dry_run_mails_nothing() {
    let (reported, report) = run(1, true).await;
    assert!(!reported.night.is_complete() && report["mail"].is_null() && !Output::of(reported).notify);
}

#[tokio::test]
async fn a_night_that_found_no_volume_is_no_success_and_one_with_an_empty_region_is() {
    let none = RegionNight::default();
    let some = RegionNight { work_list: Some(List { key: "work".into(), count: 1 }), ..RegionNight::default() };
    assert!(selected_nothing(&none) && !selected_nothing(&some));
}

#[tokio::test]
async fn a_night_without_a_region_is_no_success() {
    let ec2 = mock_client!(aws_sdk_ec2, RuleMode::MatchAny, &[] as &[&Rule]);
    let clients = Clients {
        ec2: |_: &str| ec2.clone(),
        sfn: mock_client!(aws_sdk_sfn, RuleMode::MatchAny, &[] as &[&Rule]),
        ledger: Ledger::new(mock_client!(aws_sdk_s3, RuleMode::MatchAny, &[] as &[&Rule]), "ledger".into()),
    };
    let settings = Settings { backup_stack: "prod".into(), time_zone: "UTC".into() };
    let error = handle(&clients, &settings, || Timestamp::UNIX_EPOCH, Input { regions: vec![], ..input(false) })
        .await
        .unwrap_err();
    assert_eq!(error.to_string(), "BadInput: Regions: \"\": names no Region, so nothing was backed up");
}
