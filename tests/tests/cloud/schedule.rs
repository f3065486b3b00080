//! The schedule itself starts the night.

use std::time::Duration;
use tests::cloud::Cloud;

#[tokio::test]
async fn the_schedule_starts_the_night() {
    let cloud = Cloud::up("schedule", &["ScheduleExpression=rate(1 minute)"]);
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
    let night = cloud.ended(started.expect("three minutes bring an execution").execution_arn).await;
    assert_eq!(night.status, "SUCCEEDED", "{}", night.cause);
    assert_eq!(night.report["regions"][0]["protected"].as_array().map(Vec::len), Some(2));
}
