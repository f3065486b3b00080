//! An update of the stack during a run.

use serde_json::json;
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering::Relaxed},
};
use strict_ec2::{Fault, Rules, StrictEc2};
use tests::{
    cloud::{Cloud, WITHOUT_SERVERS},
    ids, wait,
};

/// A version has its settings as well as its code. The test tells them apart by retention: a week of dailies expires with the old settings,
/// and none with the new ones.
#[tokio::test(flavor = "multi_thread")]
async fn a_night_that_runs_goes_on_with_the_functions_that_it_began_with() {
    let strict = StrictEc2::listen(Rules::default());
    // At full length, the pauses between attempts are longer than the update.
    let variables = [("AWS_ENDPOINT_URL_EC2", strict.url.as_str()), ("SFN_WAIT_SCALE", "1"), WITHOUT_SERVERS];
    let cloud = Cloud::up_with("upgrade", &["Keep=Daily=1,Quarterly=5,Annual=forever"], &variables);
    strict.forward_to(&cloud.ministack());
    cloud.attach_volumes(1).await;
    let first = cloud.night(json!({"time": "2027-02-01T04:30:00Z"})).await;
    assert_eq!(first.status, "SUCCEEDED", "{}", first.cause);

    let updated = Arc::new(AtomicBool::new(false));
    let still = updated.clone();
    strict.inject(Fault::ServerError(503), move |call| call.action == "CreateSnapshot" && !still.load(Relaxed));
    let sfn = aws_sdk_sfn::Client::new(&cloud.aws().await);
    let machine = cloud.exported("STATE_MACHINE_ARN");
    let start = sfn.start_execution().state_machine_arn(machine).input(r#"{"time": "2027-02-02T04:30:00Z"}"#);
    let execution = start.send().await.expect("the night starts").execution_arn;
    let is_refused =
        || strict.calls().iter().any(|call| call.action == "CreateSnapshot" && call.answer == "Unavailable");
    wait::until("a CreateSnapshot that is refused", is_refused).await;
    let update = cloud.run("up", &["Keep=Daily=30,Quarterly=5,Annual=forever"]);
    assert!(update.status.success(), "{}", String::from_utf8_lossy(&update.stderr));
    let status = sfn.describe_execution().execution_arn(&execution).send().await.expect("the night").status;
    assert_eq!(status.as_str(), "RUNNING", "the night was over before the update was");
    updated.store(true, Relaxed);

    let second = cloud.ended(execution).await;
    assert_eq!(second.status, "SUCCEEDED", "{}", second.cause);
    let expired = |night: &tests::cloud::Night| ids(&night.report["regions"][0]["expired"], "snapshotId").len();
    assert_eq!(expired(&second), 1, "{}", second.report);
    let third = cloud.night(json!({"time": "2027-02-03T04:30:00Z"})).await;
    assert_eq!((third.status.as_str(), expired(&third)), ("SUCCEEDED", 0), "{}", third.report);
}
