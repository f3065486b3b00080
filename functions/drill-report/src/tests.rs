use super::*;
use ledger::bucket::{Objects, bucket};
use serde_json::{Value, json};

fn point(volume: &str) -> Value {
    json!({"snapshotId": format!("snap-of-{volume}"), "volumeId": volume, "night": "2026-11-28", "intervals": "Daily", "gibibytes": 8})
}

/// Returns the last state of a child.
fn state(volume: &str, changes: Value) -> Value {
    let mut state =
        json!({"region": "eu-west-1", "zone": "", "instance": "", "execution": "run", "point": point(volume)});
    for (key, value) in changes.as_object().unwrap() {
        state[key] = value.clone();
    }
    state
}

fn progress() -> Value {
    let stage = json!({"name": "proven", "seconds": 42, "depth": "volume", "at": "2026-11-29T06:10:00Z"});
    json!({"volumeId": "vol-9", "created": "2026-11-29T06:09:00Z", "stage": stage, "waitSeconds": 5})
}

fn proven(volume: &str) -> Value {
    let output = state(volume, json!({"progress": progress()})).to_string();
    json!({"ExecutionArn": "a", "Status": "SUCCEEDED", "Input": "{}", "Output": output})
}

fn failed(volume: &str, changes: Value) -> Value {
    let cause = state(volume, changes).to_string();
    json!({"ExecutionArn": "a", "Status": "FAILED", "Input": "{}", "Error": "Refused", "Cause": cause})
}

fn died(volume: &str) -> Value {
    json!({"ExecutionArn": "a", "Status": "ABORTED", "Input": state(volume, json!({})).to_string()})
}

fn refused() -> Value {
    json!({"Error": "Refused", "Cause": "{\"errorMessage\":\"no\"}"})
}

fn put(objects: &Objects, key: &str, lines: &[Value]) {
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    objects.lock().unwrap().insert(key.to_owned(), text.into_bytes());
}

/// Creates a ledger with the restore points of these volumes, and the results of their child executions.
fn ground(volumes: &[&str], succeeded: &[Value], failed: &[Value]) -> (Ledger, Objects) {
    let (ledger, objects) = bucket();
    put(&objects, "points", &volumes.iter().map(|volume| point(volume)).collect::<Vec<_>>());
    put(&objects, "succeeded", succeeded);
    put(&objects, "failed", failed);
    let files = json!({"SUCCEEDED": [{"Key": "succeeded", "Size": 1}], "FAILED": [{"Key": "failed", "Size": 1}], "PENDING": []});
    put(&objects, "manifest", &[json!({"DestinationBucket": "ledger", "MapRunArn": "m", "ResultFiles": files})]);
    (ledger, objects)
}

fn region(points: usize) -> Value {
    json!({
        "region": "eu-west-1", "date": "2026-11-29", "zone": "eu-west-1a", "instance": "", "volumes": 9, "taken": 3,
        "points": {"key": "points", "count": points}, "unproven": {"key": "unproven", "count": 0},
        "manifest": {"key": "manifest"},
    })
}

async fn run(ledger: &Ledger, regions: Value) -> (DrillReport, Vec<Value>) {
    let settings = Settings { backup_stack: "prod".into(), stack: "prod".into(), time_zone: "UTC".into() };
    let execution = json!({
        "Id": "arn:aws:states:eu-west-1:123456789012:execution:Drill:run", "Name": "run", "Input": {}, "StartTime": "2026-11-29T06:00:00Z",
    });
    let input = serde_json::from_value(json!({"execution": execution, "regions": regions})).unwrap();
    let mut lines = Vec::new();
    let report = handle(ledger, &settings, || Timestamp::UNIX_EPOCH, |line| lines.push(line), input).await.unwrap();
    (report, lines)
}

fn proofs(objects: &Objects) -> Vec<Value> {
    let text = String::from_utf8(objects.lock().unwrap()["proofs/eu-west-1.jsonl"].clone()).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn a_drill_that_proved_everything_sends_no_email_and_remembers_each_volume() {
    let (ledger, objects) = ground(&["vol-1", "vol-2"], &[proven("vol-2"), proven("vol-1")], &[]);
    let old = [("vol-0", "2026-11-22T06:00:00Z"), ("vol-1", "2026-11-01T06:00:00Z"), ("vol-5", "2025-01-01T06:00:00Z")];
    let old = old.map(|(volume, tried)| json!({"volumeId": volume, "tried": tried}));
    put(&objects, "proofs/eu-west-1.jsonl", &old);
    let (report, lines) = run(&ledger, json!([region(2)])).await;
    assert!(report.complete && report.mail.is_none());
    let written = objects.lock().unwrap()["drills/2026-11-29/run/report.json"].clone();
    assert_eq!(serde_json::from_slice::<DrillReport>(&written).unwrap(), report);
    assert_eq!(report.regions[0].proven[1].volume_id, "vol-2");
    let known: Vec<_> =
        proofs(&objects).iter().map(|proof| (proof["volumeId"].clone(), proof["tried"].clone())).collect();
    let (before, now) = ("2026-11-22T06:00:00Z", "2026-11-29T06:00:00Z");
    assert_eq!(known, [("vol-0", before), ("vol-1", now), ("vol-2", now)].map(|(id, at)| (json!(id), json!(at))));
    let line = json!({"execution": "run", "region": "eu-west-1", "volume": "vol-1", "provenAt": "2026-11-29T06:10:00Z", "provenSeconds": 42, "night": "2026-11-28", "depth": "volume"});
    assert_eq!((lines.len(), &lines[0]), (2, &line));
    let output = Output::from(report);
    assert_eq!(
        output.summary,
        "Drill of 2026-11-29: 2 restore points of 3 volumes proven; report: s3://ledger/drills/2026-11-29/run/report.json"
    );
}

#[tokio::test]
async fn a_restore_point_whose_child_failed_died_or_did_not_start_is_not_proven() {
    let stays = json!({"progress": progress(), "notRemoved": refused()});
    let children = [failed("vol-2", json!({"failure": refused()})), died("vol-3"), failed("vol-5", stays)];
    let (ledger, objects) = ground(&["vol-1", "vol-2", "vol-3", "vol-4", "vol-5"], &[proven("vol-1")], &children);
    let (report, lines) = run(&ledger, json!([region(5)])).await;
    let here = &report.regions[0];
    let reasons: Vec<_> =
        here.unproven.iter().map(|of| (of.volume_id.as_str(), of.unproven.reason.to_string())).collect();
    let expected =
        [("vol-2", "Refused: no"), ("vol-3", "ABORTED"), ("vol-4", "NotTried: the child execution did not start")];
    assert_eq!(reasons, expected.map(|(volume, reason)| (volume, reason.to_owned())));
    // A volume that could not be deleted does not undo the proof.
    assert_eq!(here.proven.iter().map(|of| of.volume_id.as_str()).collect::<Vec<_>>(), ["vol-1", "vol-5"]);
    let left: Vec<_> =
        here.not_removed.iter().map(|one| (one.volume_id.as_deref(), one.snapshot_id.as_deref())).collect();
    assert_eq!(left, [(None, Some("snap-of-vol-3")), (Some("vol-9"), Some("snap-of-vol-5"))]);
    // If its child did not start, a volume is still due.
    let known: Vec<_> = proofs(&objects).iter().map(|proof| proof["volumeId"].clone()).collect();
    assert_eq!(known, ["vol-1", "vol-2", "vol-3", "vol-5"].map(|id| json!(id)));
    assert_eq!((lines.len(), &lines[1]["problem"]), (5, &json!("Refused: no")));
    let mail = report.mail.unwrap();
    assert_eq!(mail.subject, "[prod] Restore drill of 2026-11-29: 3 of 5 restore points not proven");
    assert!(mail.message.contains("vol-9, which the drill created and could not delete"), "{}", mail.message);
}

#[tokio::test]
async fn volumes_that_were_left_behind_are_reported_and_so_is_a_map_that_failed() {
    let (ledger, _) = ground(&["vol-1"], &[], &[]);
    let mut here = region(1);
    let removal =
        json!({"isGone": true, "waitSeconds": 5, "since": "2026-11-29T06:00:00Z", "deleted": ["vol-7"], "left": []});
    here["removal"] = removal;
    here["manifest"] = Value::Null;
    here["failure"] = json!({"ProveRestorePoints": {"Error": "States.ItemReaderFailed", "Cause": "no list"}});
    let (report, _) = run(&ledger, json!([here])).await;
    let here = &report.regions[0];
    assert_eq!(here.removed, ["vol-7"]);
    let reason = "NotTried: ProveRestorePoints failed: States.ItemReaderFailed: no list";
    assert_eq!(here.unproven[0].unproven.reason.to_string(), reason);
    assert_eq!(here.failures[0].step, "ProveRestorePoints");
}

#[tokio::test]
async fn a_region_whose_choice_failed_is_reported_and_its_proofs_stay() {
    let (ledger, objects) = ground(&[], &[], &[]);
    let old = json!({"volumeId": "vol-1", "tried": "2026-11-22T06:00:00Z"});
    put(&objects, "proofs/eu-west-1.jsonl", std::slice::from_ref(&old));
    let region = json!({"region": "eu-west-1", "failure": {"DrillChoose": {"Error": "Refused", "Cause": "x"}}});
    let (report, _) = run(&ledger, json!([region])).await;
    assert_eq!(proofs(&objects), [old]);
    assert_eq!(report.mail.unwrap().subject, "[prod] Restore drill of 2026-11-29: 1 step failed");
}

#[tokio::test]
async fn a_drill_that_finds_no_restore_point_is_not_good() {
    let (ledger, _) = ground(&[], &[], &[]);
    let nothing = |name: &str| json!({"region": name, "volumes": 0, "taken": 0});
    let (report, _) = run(&ledger, json!([nothing("eu-west-1"), nothing("us-east-1")])).await;
    assert_eq!(report.regions[0].failures[0].reason.code, "NothingToProve");
    assert!(
        !report.complete && report.mail.unwrap().message.contains("The drill found no restore point in any Region.")
    );
}
