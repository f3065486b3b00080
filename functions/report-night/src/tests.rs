use super::*;
use aws_sdk_ec2::{
    operation::{describe_snapshots::DescribeSnapshotsOutput, describe_volumes::DescribeVolumesOutput},
    types::{Snapshot, SnapshotState, Tag, Volume, VolumeAttachment},
};
use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
use ledger::bucket::{Objects, bucket};
use serde_json::{Value, json};

/// Returns the input of a run with two volumes in eu-west-1, and a Region that was not discovered. The lists and results are in the ledger.
fn input(name: &str, dry_run: bool) -> Input {
    serde_json::from_value(json!({
        "execution": {
            "Id": format!("arn:aws:states:eu-west-1:123456789012:execution:Nightly:{name}"),
            "Name": name,
            "Input": {"dryRun": dry_run},
            "StartTime": "2026-05-20T04:30:00.000Z",
        },
        "regions": [
            {
                "region": "eu-west-1",
                "night": "2026-05-20",
                "workList": {"key": "work", "count": 2},
                "protected": {"key": "protected", "count": 0},
                "notDue": {"key": "not-due", "count": 0},
                "results": {"SnapshotVolumes": {"key": "manifest"}},
                "expiry": {
                    "expired": {"key": "expired", "count": 0},
                    "spared": {"key": "spared", "count": 0},
                    "without_rule": {"key": "without-rule", "count": 0},
                    "failed": {"key": "failed", "count": 2},
                    "unreadable": {"key": "unreadable", "count": 0},
                    "managed": 9,
                },
            },
            {"region": "us-east-1", "failure": {"DiscoverVolumes": {"Error": "Transient", "Cause": "{\"errorMessage\":\"503\"}"}}},
        ],
    }))
    .unwrap()
}

fn settings() -> Settings {
    Settings {
        backup_stack: "prod".into(),
        stack: "prod".into(),
        time_zone: "UTC".into(),
        rules: Rules { keep: "Daily=7,Annual=forever".into(), plans: "gold:Daily=30".into() },
        weekly_on: "Sunday".into(),
    }
}

fn failed(id: &str, night: &str, interval: &str) -> String {
    json!({"snapshotId": id, "volumeId": "vol-1", "night": night, "interval": interval}).to_string() + "\n"
}

/// Returns the ledger after the Maps. If `vol_2_failed`, the child execution of vol-2 failed.
fn written(vol_2_failed: bool) -> (Ledger, Objects) {
    let (ledger, objects) = bucket();
    let child = json!({
        "ExecutionArn": "arn:child",
        "Status": "FAILED",
        "Input": json!({"region": "eu-west-1", "volume": {"volumeId": "vol-2", "instances": [], "tags": {}}}).to_string(),
        "Error": "Refused",
        "Cause": r#"{"errorType":"Refused","errorMessage":"CreateSnapshot: InvalidVolume.NotFound: gone"}"#,
    });
    let files = if vol_2_failed { json!([{"Key": "children"}]) } else { json!([]) };
    let volume =
        |id: &str| json!({"volumeId": id, "instances": ["i-1"], "tags": {}, "server": "db"}).to_string() + "\n";
    for (key, text) in [
        ("work", volume("vol-1") + &volume("vol-2")),
        ("manifest", json!({"ResultFiles": {"FAILED": files, "PENDING": [], "SUCCEEDED": []}}).to_string()),
        ("children", child.to_string()),
        ("failed", failed("snap-late", "2026-05-19", "Daily") + &failed("snap-annual", "2025-12-31", "Annual")),
    ] {
        objects.lock().unwrap().insert(key.to_owned(), text.into_bytes());
    }
    (ledger, objects)
}

fn tonight(volumes: &'static [&'static str]) -> impl Fn() -> DescribeSnapshotsOutput + Send + Sync + 'static {
    move || {
        let one = |volume: &&str| {
            Snapshot::builder().snapshot_id("snap-1").volume_id(*volume).state(SnapshotState::Pending).build()
        };
        DescribeSnapshotsOutput::builder().set_snapshots(Some(volumes.iter().map(one).collect())).build()
    }
}

/// Runs the function. `listed` mocks the snapshots that EC2 lists.
async fn run(listed: &Rule, (ledger, objects): &(Ledger, Objects), name: &str, dry_run: bool) -> (Report, Value) {
    let ec2 = mock_client!(aws_sdk_ec2, RuleMode::MatchAny, &[listed, &exist(&["vol-1", "vol-2"])]);
    let settings = settings();
    let report =
        handle(|_| ec2.clone(), ledger, &settings, || Timestamp::UNIX_EPOCH, input(name, dry_run)).await.unwrap();
    let written =
        serde_json::from_slice(&objects.lock().unwrap()[&format!("nights/2026-05-20/{name}/report.json")]).unwrap();
    (report, written)
}

/// Mocks the volumes that exist.
fn exist(volumes: &'static [&'static str]) -> Rule {
    mock!(aws_sdk_ec2::Client::describe_volumes).then_output(|| {
        let volumes = volumes.iter().map(|id| Volume::builder().volume_id(*id).build()).collect();
        DescribeVolumesOutput::builder().set_volumes(Some(volumes)).build()
    })
}

fn lists(volumes: &'static [&'static str]) -> Rule {
    mock!(aws_sdk_ec2::Client::describe_snapshots)
        .match_requests(|request| {
            request.filters().iter().flat_map(|filter| filter.values()).eq(["prod", "2026-05-20"])
        })
        .then_output(tonight(volumes))
}

#[tokio::test]
async fn names_the_volume_that_failed_and_the_region_that_was_not_discovered() {
    let ledger = written(true);
    let (report, written) = run(&lists(&["vol-1"]), &ledger, "run", false).await;
    let (first, second) = (&written["regions"][0], &written["regions"][1]);
    assert_eq!(
        (&first["protected"][0]["snapshotId"], &first["protected"][0]["server"]),
        (&json!("snap-1"), &json!("db"))
    );
    let reason = json!({"code": "InvalidVolume.NotFound", "message": "CreateSnapshot: InvalidVolume.NotFound: gone"});
    assert_eq!((&first["unprotected"][0]["volumeId"], &first["unprotected"][0]["reason"]), (&json!("vol-2"), &reason));
    assert_eq!(
        first["failures"],
        json!([{"kind": "child", "step": "SnapshotVolumes", "subject": "vol-2", "reason": reason, "execution": "arn:child"}])
    );
    let not_discovered =
        json!({"kind": "step", "step": "DiscoverVolumes", "reason": {"code": "Transient", "message": "503"}});
    assert_eq!(second["failures"], json!([not_discovered]));
    assert_eq!((&written["complete"], first["kept"].as_u64()), (&json!(false), Some(9)));
    assert_eq!(written["mail"]["subject"], report.mail.as_ref().unwrap().subject.as_str());
    let summary: Summary =
        serde_json::from_slice(&ledger.1.lock().unwrap()["nights/2026-05-20/run/summary.json"]).unwrap();
    assert_eq!((summary.regions[0].protected, summary.regions[0].unprotected), (1, 1));
    let output = Output::from(report);
    assert!(!output.complete && output.mail.is_some());
    let summary = "Night 2026-05-20: 1 of 2 volumes unprotected; report: s3://ledger/nights/2026-05-20/run/report.json";
    assert_eq!(output.summary, summary);
}

#[tokio::test]
async fn a_failed_snapshot_is_reported_once_whatever_its_interval() {
    let ledger = written(false);
    let names = |report: &Report| -> Vec<String> {
        report.regions[0].failed_snapshots.iter().map(|one| one.snapshot_id.clone()).collect()
    };
    let (dry, _) = run(&lists(&["vol-1", "vol-2"]), &ledger, "run", true).await;
    assert!(names(&dry).is_empty());
    for _attempt in 0..2 {
        let (first, _) = run(&lists(&["vol-1", "vol-2"]), &ledger, "run", false).await;
        assert_eq!(names(&first), ["snap-late", "snap-annual"]);
    }
    let (second, _) = run(&lists(&["vol-1", "vol-2"]), &ledger, "next", false).await;
    assert!(names(&second).is_empty());
}

#[tokio::test]
async fn a_snapshot_that_failed_tonight_is_the_reason_of_its_volume_and_no_later_news() {
    let ledger = written(false);
    let of_tonight = failed("snap-late", "2026-05-20", "Daily") + &failed("snap-annual", "2026-05-20", "Annual");
    ledger.1.lock().unwrap().insert("failed".into(), of_tonight.into_bytes());
    let error = mock!(aws_sdk_ec2::Client::describe_snapshots).then_output(|| {
        let one = |id: &str, state| Snapshot::builder().snapshot_id(id).volume_id("vol-1").state(state).build();
        DescribeSnapshotsOutput::builder().snapshots(one("snap-late", SnapshotState::Error)).build()
    });
    for name in ["run", "next"] {
        let (report, _) = run(&error, &ledger, name, false).await;
        assert_eq!(report.regions[0].unprotected[0].reason.code, "SnapshotError");
        assert!(report.regions[0].failed_snapshots.is_empty());
    }
}

#[tokio::test]
async fn a_volume_that_is_selected_no_more_is_reported_once_and_is_no_failure() {
    let (ledger, objects) = written(false);
    let before = ["vol-1", "vol-2", "vol-out", "vol-off", "vol-tag", "vol-deleted"]
        .map(|id| json!({"volumeId": id}).to_string());
    objects.lock().unwrap().insert(keys::selected("eu-west-1"), (before.join("\n") + "\n").into_bytes());
    let volumes = mock!(aws_sdk_ec2::Client::describe_volumes).then_output(|| {
        let of = |id: &str| Volume::builder().volume_id(id);
        let attached = |id| of(id).attachments(VolumeAttachment::builder().instance_id("i-1").build());
        let out = Tag::builder().key("Backup").value("False").build();
        let found = [attached("vol-out").tags(out).build(), of("vol-off").build(), attached("vol-tag").build()];
        DescribeVolumesOutput::builder().set_volumes(Some(found.to_vec())).build()
    });
    let ec2 = mock_client!(aws_sdk_ec2, RuleMode::MatchAny, &[&lists(&["vol-1", "vol-2"]), &volumes]);
    let settings = settings();
    let reported = async |name, dry_run| {
        let mut input = input(name, dry_run);
        input.regions.truncate(1);
        input.regions[0].expiry = None;
        let report = handle(|_| ec2.clone(), &ledger, &settings, || Timestamp::UNIX_EPOCH, input).await.unwrap();
        let deselected = report.regions[0].deselected.iter();
        let told: Vec<_> = deselected.map(|one| format!("{}: {}", one.volume.volume_id, one.problem)).collect();
        (told, Output::from(report))
    };
    let all = [
        "vol-out: it has the tag Backup=false",
        "vol-off: it is detached",
        "vol-tag: it does not have the tag that VolumeTag asks for",
    ];
    assert!(reported("dry", true).await.0.is_empty());
    for _attempt in 0..2 {
        let (told, output) = reported("run", false).await;
        assert_eq!(told, all);
        assert!(output.complete);
        assert_eq!(output.mail.unwrap().subject, "[prod] 3 volumes no longer backed up");
    }
    let (told, output) = reported("next", false).await;
    assert!(told.is_empty() && output.mail.is_none(), "{told:?}");
}

#[tokio::test]
async fn an_unknown_plan_is_reported_once_and_again_under_another_name() {
    let ledger = written(false);
    let work = |plan: &str| {
        let volume = |id: &str, plan: &str| {
            json!({"volumeId": id, "instances": [], "tags": {"BackupPlan": plan}}).to_string() + "\n"
        };
        ledger.1.lock().unwrap().insert("work".into(), (volume("vol-1", plan) + &volume("vol-2", "gold")).into_bytes());
    };
    let reported = async |name, dry_run| -> Vec<String> {
        let (report, _) = run(&lists(&["vol-1", "vol-2"]), &ledger, name, dry_run).await;
        report.regions[0].unknown_plans.iter().map(|one| format!("{} {}", one.volume.volume_id, one.plan)).collect()
    };
    work("Gold");
    assert_eq!(reported("dry", true).await, ["vol-1 Gold"]);
    for _attempt in 0..2 {
        assert_eq!(reported("first", false).await, ["vol-1 Gold"]);
    }
    assert!(reported("second", false).await.is_empty());
    work("golden");
    assert_eq!(reported("third", false).await, ["vol-1 golden"]);
}

#[tokio::test]
async fn remembers_the_rules_but_not_those_of_a_dry_run() {
    let ledger = written(false);
    run(&lists(&["vol-1", "vol-2"]), &ledger, "dry", true).await;
    assert!(!ledger.1.lock().unwrap().contains_key(&keys::rules("eu-west-1")));
    run(&lists(&["vol-1", "vol-2"]), &ledger, "run", false).await;
    let remembered = String::from_utf8(ledger.1.lock().unwrap()[&keys::rules("eu-west-1")].clone()).unwrap();
    let rules = r#"{"keep":"Daily=7,Annual=forever","plans":"gold:Daily=30"}"#;
    assert_eq!(remembered, format!("{{\"night\":\"2026-05-20\",\"rules\":{rules},\"before\":null}}\n"));
}

#[tokio::test]
async fn volumes_with_nothing_due_make_a_complete_run() {
    let (ledger, objects) = written(false);
    let volume = json!({"volumeId": "vol-1", "instances": [], "tags": {}, "plan": "w"}).to_string() + "\n";
    objects.lock().unwrap().insert("not-due".into(), volume.into_bytes());
    let mut input = input("run", false);
    input.regions.truncate(1);
    let region = &mut input.regions[0];
    (region.work_list, region.not_due) =
        (Some(LedgerList::default()), Some(LedgerList { key: "not-due".into(), count: 1 }));
    (region.results, region.expiry) = ([].into(), None);
    let ec2 = mock_client!(aws_sdk_ec2, RuleMode::MatchAny, &[&exist(&["vol-1"])]);
    let report = handle(|_| ec2.clone(), &ledger, &settings(), || Timestamp::UNIX_EPOCH, input).await.unwrap();
    assert_eq!(report.regions[0].not_due[0].plan.as_deref(), Some("w"));
    assert!(report.complete && report.mail.is_none());
    assert_eq!(Summary::from(&report).headline(), "nothing due, 1 not due");
}

#[tokio::test]
async fn looks_again_for_a_snapshot_that_is_not_listed_yet() {
    let lagging = mock!(aws_sdk_ec2::Client::describe_snapshots)
        .sequence()
        .output(tonight(&["vol-1"]))
        .output(tonight(&["vol-1", "vol-2"]))
        .build();
    let (report, _) = run(&lagging, &written(false), "run", false).await;
    assert_eq!((report.regions[0].protected.len(), lagging.num_calls()), (2, 2));
}

#[tokio::test]
async fn a_dry_run_mails_nothing() {
    let (report, written) = run(&lists(&["vol-1"]), &written(true), "run", true).await;
    assert!(!report.complete && written["mail"].is_null() && Output::from(report).mail.is_none());
}

#[tokio::test]
async fn a_run_that_found_no_volume_is_not_complete() {
    let mut input = input("run", false);
    input.regions = vec![RunRegionInput { region: "eu-west-1".into(), ..RunRegionInput::default() }];
    let ec2 = mock_client!(aws_sdk_ec2, RuleMode::MatchAny, &[] as &[&Rule]);
    let settings = settings();
    let report = handle(|_| ec2.clone(), &bucket().0, &settings, || Timestamp::UNIX_EPOCH, input).await.unwrap();
    assert_eq!(report.regions[0].failures[0].reason().code, "NothingSelected");
    assert!(!report.complete && report.mail.is_some());
}

#[tokio::test]
async fn a_run_without_a_region_is_bad_input() {
    let ec2 = mock_client!(aws_sdk_ec2, RuleMode::MatchAny, &[] as &[&Rule]);
    let settings = settings();
    let input = Input { regions: vec![], ..input("run", false) };
    let error = handle(|_| ec2.clone(), &bucket().0, &settings, || Timestamp::UNIX_EPOCH, input).await.unwrap_err();
    assert_eq!(error.to_string(), "BadInput: Regions \"\" contains no Region, so nothing was backed up");
}
