//! `nightly run` and `nightly status` with the compiled command, like a person after `. env`.

use serde_json::Value;
use std::{
    process::{Command, Output, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};
use strict_ec2::{Fault, Rules, StrictEc2};
use tests::{cloud::Cloud, root, wait};

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", stdout(output)))
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap_or_else(|| panic!("killed: {}", stderr(output)))
}

/// Runs `nightly` in a terminal with this many columns. The terminal merges stdout and stderr.
fn in_terminal(cloud: &Cloud, columns: u16, variables: &str, arguments: &str) -> String {
    let env = cloud.directory.join("env");
    let line = format!("stty cols {columns} rows 24; . '{}'; {variables} nightly {arguments}", env.display());
    let output = Command::new("script").args(["-qec", &line, "/dev/null"]).output().expect("script, of util-linux");
    stdout(&output)
}

#[tokio::test]
async fn a_night_is_run_and_found_again_whatever_it_came_to() {
    let strict = StrictEc2::listen(Rules::default());
    let cloud = Cloud::up_with("nightly", &[], &[("AWS_ENDPOINT_URL_EC2", &strict.url)]);
    strict.forward_to(&cloud.moto());

    let none = cloud.nightly(&["status"]);
    assert_eq!(code(&none), 0, "{}", stderr(&none));
    assert!(stdout(&none).contains("No run of nightly-backup yet"), "{}", stdout(&none));

    dry_run(&cloud).await;
    incomplete(&cloud, &strict);
    complete(&cloud);
    interrupted(&cloud, &strict);
    refused(&cloud).await;
    unknown(&cloud);
    terminals(&cloud);
}

async fn dry_run(cloud: &Cloud) {
    let output = cloud.nightly(&["run", "--night", "2026-12-28", "--dry-run"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let said = stdout(&output);
    assert!(said.contains("of nightly-backup: dry run, nothing was changed"), "{said}");
    assert_eq!(said.matches("would be snapshotted").count(), 4, "each volume, and how many: {said}");
    assert!(cloud.snapshots().await.is_empty());
    let listed = json(&cloud.nightly(&["status", "--json"]));
    let listed = &listed["runs"];
    assert!(listed[0]["dryRun"] == true && listed[0]["planned"] == 2 && listed[0]["outcome"] == "complete", "{listed}");
}

fn incomplete(cloud: &Cloud, strict: &StrictEc2) {
    strict.inject(Fault::Denied, |call| call.action == "CreateSnapshot" && call.number == 1);
    let output = cloud.nightly(&["run", "--night", "2026-12-29"]);
    assert_eq!(code(&output), 1, "{}", stderr(&output));
    let written = json(&cloud.nightly(&["status", "2026-12-29", "--json"]))["report"].clone();
    let lost = written["regions"][0]["unprotected"][0].clone();
    let volume = lost["volumeId"].as_str().expect("an id");
    let child = written["regions"][0]["failures"][0]["execution"].as_str().expect("an ARN").to_owned();
    let address = format!("https://console.aws.amazon.com/states/home?region=us-east-1#/v2/executions/details/{child}");
    let night = cloud.nightly(&["status", "2026-12-29"]);
    for (output, what) in [(&output, "run"), (&night, "status")] {
        let said = stdout(output);
        assert_eq!(code(output), 1, "{what}");
        assert!(
            said.contains("of nightly-backup: NOT COMPLETE") && said.contains("1 of 2 volumes protected"),
            "{said}"
        );
        assert!(said.contains(&format!("{volume} is not protected")) && said.contains(&address), "{said}");
        assert!(said.contains("This email was sent:\n  Subject: [nightly-backup] Night 2026-12-29"), "{said}");
        for volume in [&lost, &written["regions"][0]["protected"][0]] {
            let server = volume["server"].as_str().or(volume["instances"][0].as_str()).expect("a server");
            assert!(said.contains(server), "{server}: {said}");
        }
    }
    assert!(stderr(&output).contains("SnapshotVolumes  2 of 2 done, 1 failed"), "{}", stderr(&output));
    assert_eq!(code(&cloud.nightly(&["status"])), 1);
}

fn complete(cloud: &Cloud) {
    let failed =
        json(&cloud.nightly(&["status", "--json"]))["runs"][0]["execution"].as_str().expect("an ARN").to_owned();
    let output = cloud.nightly(&["run", "--json", "--like", failed.rsplit(':').next().expect("a name")]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let mut report = json(&output);
    assert_eq!(report.as_object_mut().and_then(|report| report.remove("version")), Some(serde_json::json!(1)));
    assert!(report["complete"] == true && report["night"] == "2026-12-29", "{report}");
    let order = ["\"backupStack\"", "\"night\"", "\"complete\"", "\"regions\""].map(|name| stdout(&output).find(name));
    assert!(order.is_sorted(), "as the ledger has it: {order:?}");

    let listed = cloud.nightly(&["status"]);
    assert_eq!(code(&listed), 0, "{}", stderr(&listed));
    let outcomes: Vec<_> = stdout(&listed).lines().skip(1).map(|line| line[10..].trim().to_owned()).collect();
    assert_eq!(outcomes.len(), 3, "one line a start: {outcomes:?}");
    for (line, outcome) in outcomes.iter().zip(["  complete", "  NOT COMPLETE", "  dry run"]) {
        assert!(line.ends_with(outcome), "{line}");
    }
    assert_eq!(stdout(&cloud.nightly(&["status", "--last", "1"])).lines().count(), 2);

    let night = json(&cloud.nightly(&["status", "2026-12-29", "--json"]));
    assert_eq!(night["runs"].as_array().map(Vec::len), Some(2), "{night}");
    let of = |index: usize| &night["runs"][index];
    assert!(of(0)["outcome"] == "complete" && of(1)["outcome"] == "notComplete", "{night}");
    assert!(of(0)["protected"] == 2 && of(1)["unprotected"] == 1 && night["report"] == report, "{night}");
}

/// Holds the discovery until `nightly` has reacted to the signal. Then the run ends by itself.
fn interrupted(cloud: &Cloud, strict: &StrictEc2) {
    let held = Arc::new(AtomicBool::new(true));
    let hold = held.clone();
    strict.before(move |call| {
        let (hold, is_discovery) = (hold.clone(), call.action == "DescribeVolumes");
        Box::pin(async move {
            wait::until("the signal is answered", || !is_discovery || !hold.load(Ordering::SeqCst)).await;
        })
    });
    let outcome = || json(&cloud.nightly(&["status", "--last", "1", "--json"]))["runs"][0]["outcome"].clone();
    for (night, signal) in [("2026-12-27", "-INT"), ("2026-12-26", "-TERM")] {
        held.store(true, Ordering::SeqCst);
        let mut command = cloud.nightly_command(&["run", "--night", night]);
        let run = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("nightly");
        wait::until_blocking("it runs", || outcome() == "running");
        let listed = cloud.nightly(&["status"]);
        assert!(stdout(&listed).contains("running now"), "{}", stdout(&listed));
        assert_eq!(code(&listed), 0, "the newest that is over decides");
        assert!(Command::new("kill").args([signal, &run.id().to_string()]).status().expect("kill").success());
        let output = run.wait_with_output().expect("its end");
        assert_eq!((code(&output), stdout(&output).as_str()), (130, ""), "{signal}");
        assert!(stderr(&output).contains("Stopped following. The run continues."), "{}", stderr(&output));
        held.store(false, Ordering::SeqCst);
        wait::until_blocking("it ends by itself", || outcome() == "complete");
    }
}

/// Starts an execution that the state machine refuses, like a person with a wrong input. It has no Night and no report.
async fn refused(cloud: &Cloud) {
    let refused = cloud.night(serde_json::json!({"tiem": "2026-12-29"})).await;
    assert!(refused.cause.starts_with("BadInput: "), "{}", refused.cause);
    let listed = cloud.nightly(&["status"]);
    let said = stdout(&listed);
    assert_eq!(code(&listed), 1, "{said}");
    let line = said.lines().find(|line| line.contains("BadInput")).expect("the refusal");
    assert!(line.starts_with("?  ") && line.contains("is not a known key"), "{line}");
    assert_eq!(code(&cloud.nightly(&["status", "2026-12-29"])), 0, "that Night's own starts decide on it");
}

fn unknown(cloud: &Cloud) {
    let cases: [(&[&str], &str, i32); 8] = [
        (&["status", "2027-01-01"], "there is no Night 2027-01-01 in the ledger; the nearest: 2026-12-29", 3),
        (&["status", "--stack", "nope"], "there is no stack \"nope\" in us-east-1: check --stack and --region", 3),
        (&["run", "--html", "/nowhere/night.html"], "/nowhere/night.html: No such file or directory", 3),
        (&["run", "--like", "nothing"], ":nothing; `nightly status` lists the last runs", 3),
        (&["run", "--like", "nothing", "--night", "2026-12-31"], "cannot be used with", 2),
        (&["status", "yesterday"], "\"yesterday\" is not a date such as 2026-12-31", 2),
        (&["run", "--night", "2026-02-30"], "\"2026-02-30\" is not a date such as 2026-12-31", 2),
        (&["run", "--night", "2026-12-31", "--time", "2026-12-31T04:30:00Z"], "cannot be used with", 2),
    ];
    let starts = || json(&cloud.nightly(&["status", "--json"]))["runs"].as_array().map(Vec::len);
    let before = starts();
    for (arguments, told, exit) in cases {
        let output = cloud.nightly(arguments);
        let said = stderr(&output);
        assert_eq!((code(&output), stdout(&output).as_str()), (exit, ""), "{said}");
        assert!(said.contains(told) && (exit == 2 || said.lines().count() == 1), "{said}");
    }
    assert_eq!(starts(), before, "none of them started a night");
}

fn terminals(cloud: &Cloud) {
    let has_codes = |output: &Output| stdout(output).contains('\u{1b}') || stderr(output).contains('\u{1b}');
    assert!(!has_codes(&cloud.nightly(&["run", "--night", "2026-12-30"])));
    assert!(!has_codes(&cloud.nightly(&["status"])));
    let coloured = in_terminal(cloud, 80, "", "status 2026-12-30");
    assert!(coloured.contains("\u{1b}["), "{coloured}");
    for columns in [40, 80] {
        let said = in_terminal(cloud, columns, "NO_COLOR=1", "status 2026-12-30");
        assert!(said.contains("complete") && !said.contains('\u{1b}'), "{said}");
        let wide = said.lines().find(|line| line.trim_end().chars().count() > columns.into() && !line.contains("://"));
        assert_eq!(wide, None, "{columns}: {said}");
    }
}

#[tokio::test]
async fn check_names_what_is_wrong_with_the_remedy_and_the_worst_first() {
    let cloud = Cloud::up("check", &["Regions=us-east-1,eu-west-1"]);
    let lines = |arguments: &[&str]| {
        let output = cloud.nightly(arguments);
        (code(&output), stdout(&output).lines().map(str::to_owned).collect::<Vec<_>>())
    };
    let find = |lines: &[String], subject: &str| {
        let found = lines.iter().find(|line| line[9..].starts_with(subject));
        found.unwrap_or_else(|| panic!("{subject} in {lines:#?}")).clone()
    };
    let (exit, before) = lines(&["check"]);
    assert_eq!(exit, 1);
    let is_sorted = before.windows(2).all(|pair| rank(&pair[0]) <= rank(&pair[1]));
    assert!(is_sorted, "{before:#?}");
    assert!(find(&before, "emails").contains("nobody is subscribed"), "{before:#?}");
    assert!(find(&before, "last run").contains("start one with `nightly run`"), "{before:#?}");
    assert!(
        find(&before, "schedule")
            .starts_with("ok       schedule       enabled: cron(30 4 * * ? *) in UTC, next run at ")
    );
    assert!(find(&before, "concurrency").contains("a run of 2 Regions uses up to 40"), "{before:#?}");

    cloud.mailbox().await;
    cloud.night(serde_json::json!({})).await;
    let sqs = aws_sdk_sqs::Client::new(&cloud.aws().await);
    let queues = sqs.list_queues().send().await.expect("the queues");
    let dead = queues.queue_urls().iter().find(|url| url.to_lowercase().contains("deadletters")).expect("a queue");
    sqs.send_message().queue_url(dead).message_body("{}").send().await.expect("a message");
    let (exit, after) = lines(&["check", "--drift"]);
    assert_eq!(exit, 1);
    assert!(find(&after, "dead letters").starts_with("PROBLEM  dead letters   1: "), "{after:#?}");
    for fine in ["emails", "last run", "drift", "stack", "alarms", "keys", "snapshots"] {
        assert!(find(&after, fine).starts_with("ok "), "{after:#?}");
    }
    let alarm = "MetricAlarms[?contains(AlarmName, 'NoCompleteNightAlarm')].AlarmName | [0]";
    let alarm = aws(&cloud, &["cloudwatch", "describe-alarms", "--query", alarm, "--output", "text"]);
    let on = ["--state-value", "ALARM", "--state-reason", "a test"];
    aws(&cloud, &[&["cloudwatch", "set-alarm-state", "--alarm-name", &alarm], &on[..]].concat());
    let key = aws(&cloud, &["ec2", "describe-volumes", "--query", "Volumes[0].KmsKeyId", "--output", "text"]);
    aws(&cloud, &["kms", "disable-key", "--key-id", key.rsplit('/').next().expect("an id")]);
    let (_, worst) = lines(&["check"]);
    assert!(find(&worst, "alarms").starts_with(&format!("PROBLEM  alarms         on: {alarm}")), "{worst:#?}");
    assert!(find(&worst, "keys").starts_with(&format!("PROBLEM  keys           {key} is Disabled")), "{worst:#?}");
    let output = cloud.nightly(&["check", "--json"]);
    let levels: Vec<_> =
        json(&output)["findings"].as_array().expect("findings").iter().map(|one| one["level"].clone()).collect();
    assert_eq!(levels.first(), Some(&serde_json::json!("problem")));
}

/// Runs the AWS CLI on this cloud. Returns its output.
fn aws(cloud: &Cloud, arguments: &[&str]) -> String {
    let script = format!(
        ". '{}'; exec '{}' \"$@\"",
        cloud.directory.join("env").display(),
        root().join("target/venv/bin/aws").display()
    );
    let output =
        Command::new("sh").args(["-c", &script, "aws"]).args(arguments).output().expect("the AWS CLI of target/venv");
    assert!(output.status.success(), "{arguments:?}: {}", stderr(&output));
    stdout(&output).trim().to_owned()
}

fn rank(line: &str) -> usize {
    let words = ["PROBLEM", "unknown", "warning", "ok"];
    words.iter().position(|word| line.starts_with(word)).unwrap_or_else(|| panic!("{line}"))
}

#[test]
fn the_page_of_a_past_night_is_written_whole_or_not_at_all() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let cloud = Cloud::up("page-of-a-night", &[]);
    let night = runtime.block_on(cloud.night(serde_json::json!({"time": "2026-12-31T04:30:00Z"})));
    assert_eq!(night.status, "SUCCEEDED", "{}", night.cause);
    let file = cloud.directory.join("night.html").display().to_string();
    let written = cloud.nightly(&["status", "2026-12-31", "--html", &file]);
    assert_eq!(code(&written), 0, "{}", stderr(&written));
    assert!(std::fs::read_to_string(&file).expect("a page").contains("All 2 volumes are protected"));
    let nowhere = cloud.nightly(&["status", "2026-12-31", "--html", "/nowhere/night.html"]);
    assert_eq!(code(&nowhere), 3);
    assert!(stderr(&nowhere).contains("/nowhere/night.unfinished: No such file"), "{}", stderr(&nowhere));
}
