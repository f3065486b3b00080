//! EventBridge sends one email about a run that ends without a report, and none about a run that has sent its report.

use serde_json::{Value, json};
use std::{process::Command, time::Duration};
use strict_ec2::{Fault, Rules, StrictEc2};
use tests::{
    cloud::{Cloud, WITHOUT_SERVERS},
    mail, root, wait,
};

const TIME: &str = "2026-05-20T04:30:00Z";

async fn cloud(name: &str) -> (Cloud, StrictEc2, String) {
    let strict = StrictEc2::listen(Rules::default());
    let cloud = Cloud::up_with(name, &["RestoreDrill=true"], &[("AWS_ENDPOINT_URL_EC2", &strict.url), WITHOUT_SERVERS]);
    strict.forward_to(&cloud.ec2_url());
    let mailbox = cloud.mailbox().await;
    (cloud, strict, mailbox)
}

/// Starts a run whose first DescribeVolumes hangs, and stops it during that call.
async fn abort(cloud: &Cloud, strict: &StrictEc2, input: Value) -> String {
    strict.forget_calls();
    strict.inject(Fault::Hang(Duration::from_secs(1)), |call| call.action == "DescribeVolumes");
    let aws = cloud.aws().await;
    let sfn = aws_sdk_sfn::Client::new(&aws);
    let machine = cloud.exported("STATE_MACHINE_ARN");
    let started = sfn.start_execution().state_machine_arn(machine).input(input.to_string()).send().await;
    let execution = started.expect("the run starts").execution_arn;
    wait::until("DescribeRegions", || strict.count("DescribeRegions") > 0).await;
    sfn.stop_execution().execution_arn(&execution).send().await.expect("stopped");
    assert_eq!(cloud.ended(execution.clone()).await.status, "ABORTED");
    strict.clear_faults();
    execution
}

/// Waits until this many emails have arrived, and returns them.
async fn mail(cloud: &Cloud, mailbox: &str, count: usize) -> Vec<(String, String)> {
    let mut mail = Vec::new();
    wait::until_some("the emails", async || {
        mail.extend(cloud.mail(mailbox).await);
        (mail.len() >= count).then_some(())
    })
    .await;
    // A surplus email would have arrived by now.
    mail.extend(cloud.mail(mailbox).await);
    assert_eq!(mail.len(), count, "{mail:?}");
    mail
}

/// Returns the answer of the AWS CLI.
fn aws(cloud: &Cloud, arguments: &[&str]) -> Value {
    let mut command = Command::new(root().join("target/venv/bin/aws"));
    for name in ["AWS_ENDPOINT_URL", "AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] {
        command.env(name, cloud.exported(name));
    }
    let output = command.args(arguments).args(["--output", "json"]).output().expect("the AWS CLI");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_alarm_is_mailed_in_full() {
    let (cloud, _strict, mailbox) = cloud("alarms").await;
    let alarms = aws(&cloud, &["cloudwatch", "describe-alarms"]);
    let alarms = alarms["MetricAlarms"].as_array().expect("alarms");
    let names: Vec<_> = alarms.iter().map(|one| one["AlarmName"].as_str().expect("a name")).collect();
    assert_eq!(names.len(), 3);
    for name in names {
        let to_alarm = ["--alarm-name", name, "--state-value", "ALARM", "--state-reason", "a test"];
        aws(&cloud, &[&["cloudwatch", "set-alarm-state"], &to_alarm[..]].concat());
        let mail = cloud.mail(&mailbox).await;
        assert!(mail.len() == 1 && mail[0].1.contains(name), "{name}: {mail:?}");
    }
}

/// Returns a function that tests whether a state machine's rule matches the event of a failed run with these fields replaced.
fn matcher(cloud: &Cloud, machine: String) -> impl Fn(Value) -> bool {
    let rules = aws(cloud, &["events", "list-rules"]);
    let mut rules = rules["Rules"].as_array().expect("rules").iter();
    let is_of = |rule: &&Value| rule["EventPattern"].as_str().expect("a pattern").contains(&machine);
    let rule = rules.find(is_of).expect("the rule").clone();
    move |fields: Value| {
        // The example in "Automating Step Functions event delivery with EventBridge" (Step Functions developer guide).
        let mut detail = json!({"executionArn": "arn:aws:states:us-east-1:000000000000:execution:machine:run",
            "stateMachineArn": machine, "name": "run", "status": "FAILED", "input": "{}", "error": "States.Runtime"});
        for (key, value) in fields.as_object().expect("fields") {
            match value {
                Value::String(absent) if absent == "absent" => drop(detail.as_object_mut().unwrap().remove(key)),
                value => detail[key] = value.clone(),
            }
        }
        let event = json!({"id": "1", "account": "000000000000", "region": "us-east-1", "time": TIME, "resources": [],
            "source": "aws.states", "detail-type": "Step Functions Execution Status Change", "detail": detail});
        let pattern = rule["EventPattern"].as_str().expect("a pattern");
        let arguments = ["events", "test-event-pattern", "--event-pattern", pattern, "--event", &event.to_string()];
        aws(cloud, &arguments)["Result"] == true
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rules_match_what_ended_without_a_report_in_full() {
    let (cloud, ..) = cloud("patterns").await;
    for (machine, reported) in
        [("STATE_MACHINE_ARN", "NightIncomplete"), ("DRILL_STATE_MACHINE_ARN", "DrillIncomplete")]
    {
        let machine = cloud.exported(machine);
        let matches = matcher(&cloud, machine.clone());
        for fields in [
            json!({}),
            json!({"status": "TIMED_OUT", "error": null}),
            json!({"status": "ABORTED", "error": "absent"}),
            json!({"error": "absent"}),
            json!({"error": null}),
            json!({"input": null}),
            json!({"input": "absent"}),
            json!({"input": r#"{"time": "2026-05-20T04:30:00Z", "dryRun": false}"#}),
        ] {
            assert!(matches(fields.clone()), "{machine}: {fields}");
        }
        for fields in [
            json!({"error": reported}),
            json!({"status": "SUCCEEDED", "error": null}),
            json!({"status": "RUNNING", "error": "absent"}),
            json!({"stateMachineArn": format!("{machine}/SnapshotVolumes")}),
            json!({"stateMachineArn": machine.replace("us-east-1", "eu-west-1")}),
        ] {
            assert!(!matches(fields.clone()), "{machine}: {fields}");
        }
    }
    let matches = matcher(&cloud, cloud.exported("STATE_MACHINE_ARN"));
    for input in [r#"{"dryRun":true}"#, r#"{"time": "2026-05-20T04:30:00Z", "dryRun": true}"#] {
        for status in ["TIMED_OUT", "ABORTED", "FAILED"] {
            assert!(!matches(json!({"status": status, "input": input})), "{status}: {input}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_ends_without_a_report_is_mailed_once_and_one_that_reported_is_not_mailed_again() {
    let (cloud, strict, mailbox) = cloud("unreported").await;
    cloud.attach_volumes(2).await;

    abort(&cloud, &strict, json!({"time": TIME, "dryRun": true})).await;
    let aborted = abort(&cloud, &strict, json!({"time": TIME})).await;
    let sent = mail(&cloud, &mailbox, 1).await;
    // SNS adds this subject to an email without one. The local cloud adds another subject.
    let sent = ("AWS Notification Message".to_owned(), sent[0].1.clone());
    let name = aborted.rsplit_once(':').expect("a name").1;
    mail::assert_golden("aborted", &sent, &[("EXECUTION", &aborted), ("NAME", name)]);

    // If DescribeInstances fails, the email has no server names.
    strict.inject(Fault::Denied, |call| ["CreateSnapshot", "DescribeInstances"].contains(&call.action.as_str()));
    assert_eq!(cloud.night(json!({"time": TIME})).await.error, "NightIncomplete");
    let sent = mail(&cloud, &mailbox, 1).await;
    assert!(sent[0].0.ends_with("2 of 2 volumes unprotected") && sent[0].1.contains(" on i-"), "{sent:?}");
    assert!(strict.count("DescribeInstances") > 0);

    cloud.night(json!({"time": "yesterday"})).await;
    let sent = mail(&cloud, &mailbox, 1).await;
    assert!(sent[0].1.contains("BadInput"), "sent by the run itself: {sent:?}");

    end_after_two_seconds(&cloud, "STATE_MACHINE_ARN").await;
    strict.inject(Fault::Hang(Duration::from_secs(1)), |call| call.action == "DescribeVolumes");
    assert_eq!(cloud.night(json!({"time": TIME})).await.status, "TIMED_OUT");
    let sent = mail(&cloud, &mailbox, 1).await;
    assert!(sent[0].1.contains("ended TIMED_OUT without a report"), "{sent:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn so_is_a_drill() {
    let (cloud, strict, mailbox) = cloud("unreported-drill").await;
    cloud.drill(json!({"time": "yesterday"})).await;
    let sent = mail(&cloud, &mailbox, 1).await;
    assert!(sent[0].1.contains("BadInput"), "sent by the drill itself: {sent:?}");

    end_after_two_seconds(&cloud, "DRILL_STATE_MACHINE_ARN").await;
    strict.inject(Fault::Hang(Duration::from_secs(1)), |call| call.action == "DescribeSnapshots");
    let timed_out = cloud.drill(json!({})).await;
    assert_eq!(timed_out.status, "TIMED_OUT");
    let sent = mail(&cloud, &mailbox, 1).await;
    let sent = ("AWS Notification Message".to_owned(), sent[0].1.clone());
    let name = timed_out.execution.rsplit_once(':').expect("a name").1;
    mail::assert_golden("drill-timed-out", &sent, &[("EXECUTION", &timed_out.execution), ("NAME", name)]);
}

/// Shortens the timeout of a run or a drill from hours to two seconds.
async fn end_after_two_seconds(cloud: &Cloud, machine: &str) {
    let sfn = aws_sdk_sfn::Client::new(&cloud.aws().await);
    let machine = cloud.exported(machine);
    let described = sfn.describe_state_machine().state_machine_arn(&machine).send().await.expect("the machine");
    let mut definition: Value = serde_json::from_str(&described.definition).expect("JSON");
    definition["TimeoutSeconds"] = json!(2);
    let updated = sfn.update_state_machine().state_machine_arn(machine).definition(definition.to_string());
    updated.send().await.expect("updated");
}
