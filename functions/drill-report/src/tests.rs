use super::*;
use aws_sdk_s3::{
    operation::{get_object::GetObjectOutput, list_objects_v2::ListObjectsV2Output, put_object::PutObjectOutput},
    primitives::ByteStream,
    types::Object,
};
use aws_sdk_sfn::{
    Client,
    operation::{
        describe_execution::DescribeExecutionOutput, list_executions::ListExecutionsOutput,
        list_map_runs::ListMapRunsOutput,
    },
    primitives::DateTime,
    types::{ExecutionListItem, ExecutionStatus, MapRunListItem},
};
use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

type Objects = Arc<Mutex<BTreeMap<String, String>>>;

fn point(volume: &str) -> Value {
    json!({"point": {"snapshotId": format!("snap-of-{volume}"), "volumeId": volume, "night": "2026-11-28", "intervals": "Daily", "gibibytes": 8}})
}

fn item(item: Value, changes: Value) -> Value {
    let mut state =
        json!({"region": "eu-west-1", "zone": "", "instance": "", "execution": "run", "place": 0, "item": item});
    for (key, value) in changes.as_object().unwrap() {
        state[key] = value.clone();
    }
    state
}

fn proven(volume: &str) -> Value {
    let checked = json!({"isOver": true, "waitSeconds": 5, "seconds": 42, "depth": "volume", "at": "2026-11-29T06:10:00Z", "command": null, "problem": null});
    item(point(volume), json!({"restored": {"volumeId": "vol-9", "begun": "2026-11-29T06:09:00Z"}, "checked": checked}))
}

/// The child executions of one Map Run: each its status, and its output or its input. They are listed from the second look on if `lags`.
fn children(all: Vec<(ExecutionStatus, Value)>, lags: bool) -> Vec<Rule> {
    let runs = mock!(Client::list_map_runs).then_output(|| {
        let run = MapRunListItem::builder().execution_arn("e").state_machine_arn("s").map_run_arn("run");
        ListMapRunsOutput::builder().map_runs(run.start_date(DateTime::from_secs(0)).build().unwrap()).build().unwrap()
    });
    let (listed, looks) = (all.clone(), Mutex::new(0));
    let list = mock!(Client::list_executions).then_compute_output(move |request| {
        let mut looks = looks.lock().unwrap();
        *looks += 1;
        let is_listed = !lags || *looks > 4;
        let wanted = request.status_filter().unwrap();
        let of_status = listed.iter().enumerate().filter(|(_, (status, _))| is_listed && status == wanted);
        let one = |(number, (status, _)): (usize, &(ExecutionStatus, Value))| {
            let one = ExecutionListItem::builder().execution_arn(number.to_string()).state_machine_arn("s").name("n");
            one.status(status.clone()).start_date(DateTime::from_secs(0)).build().unwrap()
        };
        ListExecutionsOutput::builder().set_executions(Some(of_status.map(one).collect())).build().unwrap()
    });
    let describe = mock!(Client::describe_execution).then_compute_output(move |request| {
        let (status, text) = &all[request.execution_arn().unwrap().parse::<usize>().unwrap()];
        let one = DescribeExecutionOutput::builder().execution_arn("e").state_machine_arn("s");
        let one = one.status(status.clone()).start_date(DateTime::from_secs(0));
        match status {
            ExecutionStatus::Succeeded => one.output(text.to_string()),
            _ => one.input(text.to_string()).error("States.Timeout").cause("too long"),
        }
        .build()
        .unwrap()
    });
    vec![runs, list, describe]
}

fn bucket(objects: &[(&str, &[Value])]) -> (Vec<Rule>, Objects) {
    let text = |lines: &[Value]| lines.iter().map(|line| format!("{line}\n")).collect::<String>();
    let objects = objects.iter().map(|(key, lines)| ((*key).to_owned(), text(lines)));
    let objects = Objects::new(Mutex::new(objects.collect()));
    let (listed, read, put) = (objects.clone(), objects.clone(), objects.clone());
    let list = mock!(aws_sdk_s3::Client::list_objects_v2).then_compute_output(move |request| {
        let found = listed.lock().unwrap().contains_key(request.prefix().unwrap());
        let found = found.then(|| Object::builder().key(request.prefix().unwrap()).build());
        ListObjectsV2Output::builder().set_contents(Some(found.into_iter().collect())).build()
    });
    let get = mock!(aws_sdk_s3::Client::get_object).then_compute_output(move |request| {
        let text = read.lock().unwrap()[request.key().unwrap()].clone();
        GetObjectOutput::builder().body(ByteStream::from(text.into_bytes())).build()
    });
    let put = mock!(aws_sdk_s3::Client::put_object).then_compute_output(move |request| {
        let text = String::from_utf8(request.body().bytes().unwrap().to_vec()).unwrap();
        put.lock().unwrap().insert(request.key().unwrap().to_owned(), text);
        PutObjectOutput::builder().build()
    });
    (vec![list, get, put], objects)
}

fn region(rounds: usize, failure: Value) -> Value {
    json!({
        "region": "eu-west-1", "date": "2026-11-29", "zone": "eu-west-1a", "instance": "", "volumes": 9, "taken": 3, "leftovers": 1,
        "rounds": {"key": "rounds", "count": rounds}, "unproven": {"key": "unproven", "count": 0}, "failure": failure,
    })
}

async fn run(sfn: &[Rule], s3: &[Rule], regions: Value) -> (DrillSummary, Vec<Value>) {
    let clients = Clients {
        sfn: mock_client!(aws_sdk_sfn, RuleMode::MatchAny, &sfn.iter().collect::<Vec<_>>()),
        ledger: Ledger::new(
            mock_client!(aws_sdk_s3, RuleMode::MatchAny, &s3.iter().collect::<Vec<_>>()),
            "ledger".into(),
        ),
    };
    let settings = Settings { backup_stack: "prod".into(), time_zone: "UTC".into() };
    let execution = json!({
        "Id": "arn:aws:states:eu-west-1:123456789012:execution:Drill:run", "Name": "run", "Input": {}, "StartTime": "2026-11-29T06:00:00Z",
    });
    let input = serde_json::from_value(json!({"execution": execution, "regions": regions})).unwrap();
    let mut lines = Vec::new();
    let drill = handle(&clients, &settings, || Timestamp::UNIX_EPOCH, |line| lines.push(line), input).await.unwrap();
    (drill, lines)
}

fn proofs(objects: &Objects) -> Vec<Value> {
    let text = objects.lock().unwrap()["proofs/eu-west-1.jsonl"].clone();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn report(objects: &Objects) -> Value {
    serde_json::from_str(&objects.lock().unwrap()["drills/2026-11-29/run/report.json"]).unwrap()
}

#[tokio::test]
async fn a_drill_that_proved_all_mails_nothing_and_remembers_each_volume() {
    let old = [("vol-0", "2026-11-22T06:00:00Z"), ("vol-1", "2026-11-01T06:00:00Z"), ("vol-5", "2025-01-01T06:00:00Z")];
    let old: Vec<_> = old.iter().map(|(volume, tried)| json!({"volumeId": volume, "tried": tried})).collect();
    let round = [json!({"items": [point("vol-1"), point("vol-2")]})];
    let (s3, objects) = bucket(&[("rounds", &round), ("proofs/eu-west-1.jsonl", &old)]);
    let output = json!([proven("vol-2"), proven("vol-1")]);
    let sfn = children(vec![(ExecutionStatus::Succeeded, output)], false);
    let (drill, lines) = run(&sfn, &s3, json!([region(1, json!({}))])).await;
    let out = Output::of(&drill);
    assert!(out.good && !out.notify);
    assert_eq!(
        out.summary,
        "Drill of 2026-11-29: 2 restore points of 3 volumes proven; report: s3://ledger/drills/2026-11-29/run/report.json"
    );
    let known: Vec<_> =
        proofs(&objects).iter().map(|proof| (proof["volumeId"].clone(), proof["tried"].clone())).collect();
    let (before, now) = ("2026-11-22T06:00:00Z", "2026-11-29T06:00:00Z");
    assert_eq!(known, [("vol-0", before), ("vol-1", now), ("vol-2", now)].map(|(id, at)| (json!(id), json!(at))));
    assert_eq!(drill.regions[0].slowest, Some(42));
    let line = json!({"execution": "run", "region": "eu-west-1", "volume": "vol-1", "provenAt": "2026-11-29T06:10:00Z", "provenSeconds": 42, "night": "2026-11-28", "depth": "volume"});
    assert_eq!((lines.len(), &lines[0]), (2, &line));
    assert_eq!(report(&objects)["regions"][0]["proven"][1]["volumeId"], "vol-2");
}

#[tokio::test]
async fn what_failed_what_died_and_what_no_round_tells_of_is_not_proven() {
    let rounds = [
        json!({"items": [{"leftover": {"volumeId": "vol-7"}}, {"leftover": {"volumeId": "vol-8"}}]}),
        json!({"items": [point("vol-1"), point("vol-2")]}),
        json!({"items": [point("vol-3")]}),
        json!({"items": [point("vol-4")]}),
    ];
    let (s3, objects) = bucket(&[("rounds", &rounds)]);
    let failed = |step: &str| json!({"failure": {step: {"Error": "Refused", "Cause": "{\"errorMessage\":\"no\"}"}}});
    let gone = item(json!({"leftover": {"volumeId": "vol-7"}}), json!({}));
    let stays = item(json!({"leftover": {"volumeId": "vol-8"}}), failed("DrillRemove"));
    let second = json!([proven("vol-1"), item(point("vol-2"), failed("DrillRestore"))]);
    let died = json!({"region": "eu-west-1", "zone": "eu-west-1a", "round": {"items": [point("vol-3")]}});
    let sfn = children(
        vec![
            (ExecutionStatus::Succeeded, json!([gone, stays])),
            (ExecutionStatus::Succeeded, second),
            (ExecutionStatus::Failed, died),
        ],
        false,
    );
    let (drill, lines) = run(&sfn, &s3, json!([region(4, json!({}))])).await;
    let here = &report(&objects)["regions"][0];
    let reasons: Vec<_> = here["unproven"].as_array().unwrap().iter().map(|one| one["reason"].clone()).collect();
    assert_eq!(
        reasons,
        ["Refused: no", "States.Timeout: too long", "NotTried: no child execution tells of it"].map(|text| json!(text))
    );
    assert_eq!((&here["removed"], &here["notRemoved"][0]["volumeId"]), (&json!(["vol-7"]), &json!("vol-8")));
    assert_eq!((drill.regions[0].proven, drill.regions[0].unproven, drill.regions[0].not_removed), (1, 3, 1));
    // The one that no round came to is as due as before.
    let known: Vec<_> = proofs(&objects).iter().map(|proof| proof["volumeId"].clone()).collect();
    assert_eq!(known, ["vol-1", "vol-2", "vol-3"].map(|id| json!(id)));
    assert_eq!((lines.len(), &lines[1]["problem"]), (4, &json!("Refused: no")));
    let out = Output::of(&drill);
    assert!(!out.good && out.notify && out.mail.message.contains("vol-8"), "{}", out.mail.message);
    assert_eq!(out.mail.subject, "[prod] Restore drill of 2026-11-29: 3 of 4 restore points not proven");
}

#[tokio::test]
async fn a_child_that_is_not_listed_yet_is_looked_for_again() {
    let (s3, _) = bucket(&[("rounds", &[json!({"items": [point("vol-1")]})])]);
    let sfn = children(vec![(ExecutionStatus::Succeeded, json!([proven("vol-1")]))], true);
    let (drill, _) = run(&sfn, &s3, json!([region(1, json!({}))])).await;
    assert!(drill.is_good());
}

#[tokio::test]
async fn a_region_whose_choice_failed_is_told_and_its_proofs_stay() {
    let old = json!({"volumeId": "vol-1", "tried": "2026-11-22T06:00:00Z"});
    let (s3, objects) = bucket(&[("proofs/eu-west-1.jsonl", std::slice::from_ref(&old))]);
    let failed = json!({"region": "eu-west-1", "failure": {"DrillChoose": {"Error": "BadInput", "Cause": "x"}}});
    let (drill, _) = run(&children(vec![], false), &s3, json!([failed])).await;
    assert_eq!(proofs(&objects), [old]);
    assert_eq!(Output::of(&drill).mail.subject, "[prod] Restore drill of 2026-11-29: 1 step failed");
}
