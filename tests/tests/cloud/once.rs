//! A volume has one snapshot for each Night, even if executions fail or several run at once.

use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};
use strict_ec2::{Call, Fault, Rules, StrictEc2};
use tests::{
    cloud::{Cloud, WITHOUT_SERVERS},
    wait,
};

/// EC2 requires 15 seconds. Shorter here, because the local cloud skips the pauses between attempts.
const BETWEEN_SNAPSHOTS: Duration = Duration::from_secs(2);
const TIME: &str = "2026-12-31T04:30:00Z";

async fn cloud(name: &str) -> (Cloud, StrictEc2) {
    let strict = StrictEc2::listen(Rules::default().between_snapshots(BETWEEN_SNAPSHOTS));
    let cloud = Cloud::up_with(name, &[], &[("AWS_ENDPOINT_URL_EC2", &strict.url), WITHOUT_SERVERS]);
    strict.forward_to(&cloud.ec2_url());
    cloud.attach_volumes(2).await;
    (cloud, strict)
}

fn input() -> Value {
    json!({"time": TIME})
}

/// Returns the number of snapshots of the Night for each volume.
async fn snapshots(cloud: &Cloud) -> Vec<usize> {
    let described =
        cloud.ec2("us-east-1").await.describe_snapshots().owner_ids("self").send().await.expect("snapshots");
    let mut count = BTreeMap::<String, usize>::new();
    for snapshot in described.snapshots() {
        *count.entry(snapshot.volume_id().expect("a volume").to_owned()).or_default() += 1;
    }
    count.into_values().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_nights_at_the_same_time_make_one_snapshot_of_each_volume() {
    let (cloud, strict) = cloud("at-once").await;
    // Each CreateSnapshot waits for the other one, so that both runs have searched before either creates a snapshot.
    let creating = Arc::new(AtomicUsize::new(0));
    strict.before(move |call| {
        let creating = creating.clone();
        Box::pin(async move {
            if call.action == "CreateSnapshot" && creating.fetch_add(1, Ordering::SeqCst) < 4 {
                wait::until("four calls of CreateSnapshot", || creating.load(Ordering::SeqCst) >= 4).await;
            }
        })
    });
    let (first, second) = tokio::join!(cloud.night(input()), cloud.night(input()));
    assert_eq!((first.status.as_str(), second.status.as_str()), ("SUCCEEDED", "SUCCEEDED"), "{first:?} {second:?}");
    assert_eq!(snapshots(&cloud).await, [1, 1]);
    let answers: Vec<_> = strict.calls().into_iter().filter(|call| call.action == "CreateSnapshot").collect();
    let refused = answers.iter().filter(|call| call.answer == "SnapshotCreationPerVolumeRateExceeded").count();
    assert!(refused >= 2, "the nights did not meet: {answers:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_another_overtakes_by_minutes_makes_no_second_snapshot() {
    let (cloud, strict) = cloud("overtaken").await;
    // The first run has listed its volumes. Its two searches wait until the second run has ended.
    let (looks, is_over) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    let (looking, over) = (looks.clone(), is_over.clone());
    strict.before(move |call| {
        let (looking, over) = (looking.clone(), over.clone());
        Box::pin(async move {
            if call.is_filtered("DescribeSnapshots", "volume-id") && looking.fetch_add(1, Ordering::SeqCst) < 2 {
                wait::until("the second run's end", || over.load(Ordering::SeqCst)).await;
            }
        })
    });
    let first = cloud.start("STATE_MACHINE_ARN", input()).await;
    wait::until("the first run's looks", || looks.load(Ordering::SeqCst) >= 2).await;
    let second = cloud.night(input()).await;
    assert_eq!(second.status, "SUCCEEDED", "{}", second.cause);
    strict.advance(Duration::from_secs(300));
    is_over.store(true, Ordering::SeqCst);
    let first = cloud.ended(first).await;
    assert_eq!((first.status.as_str(), snapshots(&cloud).await), ("SUCCEEDED", vec![1, 1]), "{}", first.cause);
    assert_eq!(strict.count("CreateSnapshot"), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_night_that_is_stopped_halfway_is_finished_by_the_next_start() {
    let (cloud, strict) = cloud("halfway").await;
    let aws = cloud.aws().await;
    let sfn = aws_sdk_sfn::Client::new(&aws);
    let machine = cloud.exported("STATE_MACHINE_ARN");
    // The snapshot of the first volume is created. The call for the second one waits until the execution is stopped, and is then cut.
    let stopped = Arc::new(AtomicBool::new(false));
    let is_stopped = stopped.clone();
    let is_second = |call: &Call| call.action == "CreateSnapshot" && call.number == 2;
    strict.before(move |call| {
        let is_stopped = is_stopped.clone();
        Box::pin(async move {
            wait::until("the stop", || !is_second(&call) || is_stopped.load(Ordering::SeqCst)).await;
        })
    });
    strict.inject(Fault::Reset, is_second);
    let started = sfn.start_execution().state_machine_arn(machine).input(input().to_string()).send().await;
    let execution = started.expect("the night starts").execution_arn;
    wait::until("the first snapshot", || strict.count("CreateSnapshot") > 0).await;
    sfn.stop_execution().execution_arn(&execution).send().await.expect("stopped");
    assert_eq!(cloud.ended(execution).await.status, "ABORTED");
    assert_eq!(snapshots(&cloud).await, [1], "one is made, one is not");
    stopped.store(true, Ordering::SeqCst);
    wait::until("the call that is cut", || strict.count("CreateSnapshot") == 2).await;
    strict.clear_faults();
    strict.advance(BETWEEN_SNAPSHOTS);

    let again = cloud.night(input()).await;
    assert_eq!(again.status, "SUCCEEDED", "{}", again.cause);
    assert_eq!(snapshots(&cloud).await, [1, 1]);
    let once_more = cloud.night(input()).await;
    assert_eq!((once_more.status.as_str(), snapshots(&cloud).await), ("SUCCEEDED", vec![1, 1]));
}
