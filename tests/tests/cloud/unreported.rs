//! A night that dies inside Step Functions is mailed all the same, and one that told its failure is not mailed twice.

use aws_sdk_ec2::types::{ResourceType, Tag, TagSpecification};
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
    let cloud = Cloud::up_with(name, &[], &[("AWS_ENDPOINT_URL_EC2", &strict.url), WITHOUT_SERVERS]);
    strict.forward_to(&cloud.ec2_url());
    let mailbox = cloud.mailbox().await;
    (cloud, strict, mailbox)
}

/// Starts a night whose first DescribeVolumes hangs, and stops it there.
async fn abort(cloud: &Cloud, strict: &StrictEc2, input: Value) -> String {
    strict.forget_calls();
    strict.inject(Fault::Hang(Duration::from_secs(1)), |call| call.action == "DescribeVolumes");
    let aws = cloud.aws().await;
    let sfn = aws_sdk_sfn::Client::new(&aws);
    let machine = cloud.exported("STATE_MACHINE_ARN");
    let started = sfn.start_execution().state_machine_arn(machine).input(input.to_string()).send().await;
    let execution = started.expect("the night starts").execution_arn;
    wait::until("DescribeRegions", || strict.count("DescribeRegions") > 0).await;
    sfn.stop_execution().execution_arn(&execution).send().await.expect("stopped");
    assert_eq!(cloud.ended(execution.clone()).await.status, "ABORTED");
    strict.clear_faults();
    execution
}

/// The ARN of the state machine that this resource of the template is.
async fn machine(sfn: &aws_sdk_sfn::Client, resource: &str) -> String {
    let machines = sfn.list_state_machines().send().await.expect("the machines").state_machines;
    machines.into_iter().find(|machine| machine.name.contains(resource)).expect("the machine").state_machine_arn
}

/// The executions of the machine that tells of nights that could not, once as many as these have ended.
async fn told(cloud: &Cloud, count: usize) -> Vec<String> {
    let sfn = aws_sdk_sfn::Client::new(&cloud.aws().await);
    let unreported = machine(&sfn, "UnreportedNight").await;
    wait::until_some("the executions of UnreportedNight that EventBridge starts", async || {
        let listed = sfn.list_executions().state_machine_arn(&unreported).send().await;
        let ended: Vec<_> =
            listed.expect("its executions").executions.into_iter().map(|one| one.status.to_string()).collect();
        (ended.len() >= count && ended.iter().all(|status| status != "RUNNING")).then_some(ended)
    })
    .await
}

/// What the AWS CLI answers.
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
async fn every_alarm_is_mailed_and_every_rule_knows_its_event_in_full() {
    let (cloud, _strict, mailbox) = cloud("alarms").await;
    let alarms = aws(&cloud, &["cloudwatch", "describe-alarms"]);
    let names: Vec<_> = alarms["MetricAlarms"]
        .as_array()
        .expect("alarms")
        .iter()
        .map(|one| one["AlarmName"].as_str().expect("a name"))
        .collect();
    assert_eq!(names.len(), 4);
    for name in names {
        aws(
            &cloud,
            &[
                "cloudwatch",
                "set-alarm-state",
                "--alarm-name",
                name,
                "--state-value",
                "ALARM",
                "--state-reason",
                "a test",
            ],
        );
        let mail = cloud.mail(&mailbox).await;
        assert!(mail.len() == 1 && mail[0].1.contains(name), "{name}: {mail:?}");
    }

    let rules = aws(&cloud, &["events", "list-rules"]);
    let matches = |rule: &str, event: Value| {
        let rules = rules["Rules"].as_array().expect("rules");
        let found = rules.iter().find(|one| one["Name"].as_str().expect("a name").contains(rule)).expect("the rule");
        let pattern = found["EventPattern"].as_str().expect("a pattern");
        aws(&cloud, &["events", "test-event-pattern", "--event-pattern", pattern, "--event", &event.to_string()])["Result"]
            == true
    };
    let event = |source: &str, kind: &str, detail: Value| {
        json!({"id": "1", "account": "000000000000", "region": "us-east-1", "time": TIME, "resources": [], "source": source,
               "detail-type": kind, "detail": detail})
    };
    // As "EventBridge for Amazon EBS" in the EBS user guide shows it.
    let ebs = |event_name: &str, result: &str| {
        let detail = json!({"event": event_name, "result": result, "cause": "", "snapshot_id": "arn:aws:ec2::us-west-2:snapshot/snap-1"});
        event("aws.ec2", "EBS Snapshot Notification", detail)
    };
    assert!(matches("SnapshotFailed", ebs("createSnapshot", "failed")));
    assert!(!matches("SnapshotFailed", ebs("createSnapshot", "succeeded")));
    assert!(!matches("SnapshotFailed", ebs("copySnapshot", "failed")));

    let machine = cloud.exported("STATE_MACHINE_ARN").replace(":stateMachine:", ":execution:");
    let status = |execution: String, status: &str| {
        event(
            "aws.states",
            "Step Functions Execution Status Change",
            json!({"executionArn": execution, "status": status}),
        )
    };
    for bad in ["FAILED", "TIMED_OUT", "ABORTED"] {
        assert!(matches("NightEndedBadly", status(format!("{machine}:a-night"), bad)), "{bad}");
        assert!(!matches("NightEndedBadly", status(format!("{machine}/SnapshotVolumes:a-child"), bad)), "{bad}");
    }
    assert!(!matches("NightEndedBadly", status(format!("{machine}:a-night"), "SUCCEEDED")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_night_that_could_not_report_is_mailed_once_and_one_that_did_is_not_mailed_again() {
    let (cloud, strict, mailbox) = cloud("unreported").await;
    cloud.attach_volumes(2).await;

    let aborted = abort(&cloud, &strict, json!({"time": TIME})).await;
    assert_eq!(told(&cloud, 1).await, ["SUCCEEDED"]);
    let mail = cloud.mail(&mailbox).await;
    assert_eq!(mail.len(), 1, "{mail:?}");
    mail::holds("aborted", &mail[0], &[("EXECUTION", &aborted)]);

    abort(&cloud, &strict, json!({"time": TIME, "dryRun": true})).await;
    assert_eq!(told(&cloud, 2).await, ["SUCCEEDED", "SUCCEEDED"]);
    assert!(cloud.mail(&mailbox).await.is_empty(), "a dry run mails nothing");

    // Where the servers' names cannot be had the mail goes without them.
    strict.inject(Fault::Denied, |call| ["CreateSnapshot", "DescribeInstances"].contains(&call.action.as_str()));
    assert_eq!(cloud.night(json!({"time": TIME})).await.error, "NightIncomplete");
    assert_eq!(told(&cloud, 3).await.len(), 3);
    let mail = cloud.mail(&mailbox).await;
    assert_eq!(mail.len(), 1, "told once, by the night itself: {mail:?}");
    assert!(mail[0].0.ends_with("2 of 2 volumes unprotected") && mail[0].1.contains(" on i-"), "{mail:?}");
    assert!(strict.count("DescribeInstances") > 0);

    let refused = cloud.night(json!({"time": "yesterday"})).await;
    assert_eq!(refused.error, "BadInput");
    assert_eq!(told(&cloud, 4).await.len(), 4);
    assert_eq!(cloud.mail(&mailbox).await.len(), 1, "told once, by the night itself");

    end_after_two_seconds(&cloud).await;
    strict.inject(Fault::Hang(Duration::from_secs(1)), |call| call.action == "DescribeVolumes");
    assert_eq!(cloud.night(json!({"time": TIME})).await.status, "TIMED_OUT");
    assert_eq!(told(&cloud, 5).await.len(), 5);
    let mail = cloud.mail(&mailbox).await;
    assert!(mail.len() == 1 && mail[0].0.contains("TIMED_OUT"), "{mail:?}");
}

/// Gives the run two seconds in place of twelve hours.
async fn end_after_two_seconds(cloud: &Cloud) {
    let sfn = aws_sdk_sfn::Client::new(&cloud.aws().await);
    let machine = cloud.exported("STATE_MACHINE_ARN");
    let described = sfn.describe_state_machine().state_machine_arn(&machine).send().await.expect("the machine");
    let mut definition: Value = serde_json::from_str(&described.definition).expect("JSON");
    definition["TimeoutSeconds"] = json!(2);
    let updated = sfn.update_state_machine().state_machine_arn(machine).definition(definition.to_string());
    updated.send().await.expect("updated");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_that_ebs_failed_late_is_mailed_if_it_is_ours() {
    let (cloud, _strict, mailbox) = cloud("late").await;
    let volume = cloud.attach_volumes(1).await.remove(0);
    let ec2 = cloud.ec2_at(cloud.ministack(), "us-east-1").await;
    let sfn = aws_sdk_sfn::Client::new(&cloud.aws().await);
    let late = machine(&sfn, "LateFailure").await;
    for (stack, mails) in [("nightly-backup", 1), ("another", 0)] {
        let tag = Tag::builder().key("BackupStack").value(stack).build();
        let tags = TagSpecification::builder().resource_type(ResourceType::Snapshot).tags(tag).build();
        let made = ec2.create_snapshot().volume_id(&volume).tag_specifications(tags).send().await.expect("a snapshot");
        let snapshot = made.snapshot_id.expect("an id");
        // As "EventBridge for Amazon EBS" in the EBS user guide shows it.
        let detail = json!({
            "event": "createSnapshot", "result": "failed", "cause": "Source volume vol-1 is in error.",
            "snapshot_id": format!("arn:aws:ec2::us-east-1:snapshot/{snapshot}"),
            "source": format!("arn:aws:ec2::us-east-1:volume/{volume}"),
        });
        let event = json!({"source": "aws.ec2", "region": "us-east-1", "detail": detail}).to_string();
        let started = sfn.start_execution().state_machine_arn(&late).input(event).send().await.expect("it starts");
        assert_eq!(cloud.ended(started.execution_arn).await.status, "SUCCEEDED", "{stack}");
        let mail = cloud.mail(&mailbox).await;
        assert_eq!(mail.len(), mails, "{stack}: {mail:?}");
        for mail in &mail {
            mail::holds("ebs-failed-late", mail, &[("SNAPSHOT", &snapshot), ("VOLUME", &volume)]);
        }
    }
}
