//! A run of 500 volumes with token buckets that fill twice as fast as EC2's, and a run in which EC2 denies most volumes. `make bench`
//! measures how close a run comes to the bound of the bucket, and how many of its calls are throttled.

use aws_sdk_sfn::types::HistoryEvent;
use domain::pace::Pace;
use serde_json::json;
use std::{
    collections::BTreeSet,
    time::{Duration, Instant, SystemTime},
};
use strict_ec2::{Fault, Record, Rules, StrictEc2, Throttle};
use tests::{
    cloud::{Cloud, Night, WITHOUT_SERVERS},
    ids,
};

const VOLUMES: usize = 500;
const TIMES: f64 = 2.0;

/// Returns the time from `since` to the first CreateSnapshot call of each volume, in order of arrival.
fn first_attempts(calls: &[Record], since: Instant) -> Vec<Duration> {
    let mut volumes = BTreeSet::new();
    let creates = calls.iter().filter(|call| call.action == "CreateSnapshot");
    let mut first: Vec<_> = creates.filter(|call| volumes.insert(&call.subject)).map(|call| call.at - since).collect();
    first.sort();
    first
}

/// Returns the time at which a run entered its Map over the volumes. Event times are whole milliseconds.
async fn map_entered(cloud: &Cloud, execution: &str) -> Instant {
    let sfn = aws_sdk_sfn::Client::new(&cloud.aws().await);
    let history = sfn.get_execution_history().execution_arn(execution).send().await.expect("the history");
    let is_map = |event: &&HistoryEvent| {
        event.state_entered_event_details().is_some_and(|details| details.name() == "SnapshotVolumes")
    };
    let entered = history.events.iter().find(is_map).expect("the Map over the volumes").timestamp;
    let entered = SystemTime::try_from(entered).expect("a time");
    Instant::now() - entered.elapsed().expect("a time in the past")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_run_keeps_to_the_buckets_pace_and_tells_of_hundreds_of_failures_in_one_email() {
    let throttle = Throttle::times(TIMES);
    let strict = StrictEc2::listen(Rules::default().throttle(throttle).page(200));
    let per_second = format!("SnapshotsPerSecond={}", 5.0 * TIMES);
    let scale = (1.0 / TIMES).to_string();
    let variables = [("AWS_ENDPOINT_URL_EC2", strict.url.as_str()), ("SFN_WAIT_SCALE", &scale), WITHOUT_SERVERS];
    let cloud = Cloud::up_with("throttling", &[&per_second], &variables);
    strict.forward_to(&cloud.ministack());
    cloud.attach_volumes(VOLUMES).await;
    let mailbox = cloud.mailbox().await;

    let night = cloud.night(json!({"time": "2026-05-20T04:30:00Z"})).await;
    assert_eq!(night.status, "SUCCEEDED", "{}", night.cause);
    assert_eq!(ids(&night.report["regions"][0]["protected"], "volumeId").len(), VOLUMES);

    // On a busy machine a call may be late, but none may be early.
    let since = map_entered(&cloud, &night.execution).await;
    let pace = Pace::read(&(5.0 * TIMES).to_string()).expect("a pace");
    for (index, after) in first_attempts(&strict.calls(), since).into_iter().enumerate() {
        let turn = pace.due(index as u64);
        assert!(
            after + Duration::from_secs(1) >= turn,
            "call {index} came after {after:?}, before its turn at {turn:?}"
        );
    }

    denied(&cloud, &strict, &mailbox).await;
}

/// Runs another Night without token buckets and without a pace. EC2 denies nine of ten volumes.
async fn denied(cloud: &Cloud, strict: &StrictEc2, mailbox: &str) {
    strict.set_rules(Rules::default().page(200));
    assert!(cloud.run("up", &["SnapshotsPerSecond=1000"]).status.success());
    let first = cloud.night(json!({"time": "2026-05-20T04:30:00Z", "dryRun": true})).await;
    let all = ids(&first.report["regions"][0]["protected"], "volumeId");
    let lucky: BTreeSet<_> = all.iter().step_by(10).cloned().collect();
    let granted = lucky.clone();
    strict.inject(Fault::Denied, move |call| {
        call.action == "CreateSnapshot" && !call.volume_id().is_some_and(|volume| granted.contains(volume))
    });
    let Night { status, report, cause, .. } = cloud.night(json!({"time": "2026-05-21T04:30:00Z"})).await;
    assert_eq!(status, "FAILED");
    assert!(cause.starts_with("Night 2026-05-21: 450 of 500 volumes unprotected"), "{cause}");
    let region = &report["regions"][0];
    assert_eq!(ids(&region["protected"], "volumeId"), lucky);
    let unprotected = region["unprotected"].as_array().expect("a list");
    assert_eq!(ids(&region["unprotected"], "volumeId"), all.difference(&lucky).cloned().collect());
    let reason = "CreateSnapshot: UnauthorizedOperation: You are not authorized";
    let explained =
        unprotected.iter().filter(|one| one["reason"]["message"].as_str().expect("a reason").starts_with(reason));
    assert_eq!(explained.count(), unprotected.len());

    let mail = cloud.mail(mailbox).await;
    assert_eq!(mail.len(), 1);
    let (subject, message) = &mail[0];
    assert_eq!(subject, "[nightly-backup] Night 2026-05-21: 450 of 500 volumes unprotected");
    assert_eq!((message.matches("  - vol-").count(), message.matches(reason).count()), (10, 1), "{message}");
    assert!(message.contains("  - and 40 more\n") && message.contains("\nThe report lists 400 more."), "{message}");
}
