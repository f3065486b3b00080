//! The schedule starts the run.

use serde_json::Value;
use std::time::Duration;
use tests::cloud::Cloud;

/// Needs the ScheduleExpression `rate(1 minute)`.
pub async fn the_schedule_starts_the_run_with_its_scheduled_time(cloud: Cloud) {
    let sfn = aws_sdk_sfn::Client::new(&cloud.aws().await);
    let machine = cloud.exported("STATE_MACHINE_ARN");
    let mut started = None;
    for _ in 0..180 {
        let listed = sfn.list_executions().state_machine_arn(&machine).send().await.expect("executions");
        started = listed.executions.into_iter().next();
        if started.is_some() {
            break;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let execution = started.expect("three minutes bring an execution").execution_arn;
    let described = sfn.describe_execution().execution_arn(&execution).send().await.expect("the execution");
    let input: Value = serde_json::from_str(described.input().expect("an input")).expect("JSON");
    let time = input["time"].as_str().expect("a time").parse::<jiff::Timestamp>().expect("an RFC 3339 time");
    let started = described.start_date().secs();
    assert!(time.as_second() <= started, "scheduled at {time}, started at {started}");
    let night = cloud.ended(execution).await;
    assert_eq!(night.status, "SUCCEEDED", "{}", night.cause);
    assert_eq!(night.report["regions"][0]["protected"].as_array().map(Vec::len), Some(2));
}
