//! A run of 500 volumes against EC2's token buckets, twice as fast as EC2's own, and then one that EC2 mostly denies. How near the
//! run comes to the bucket's own bound is measured by `make bench`.

use serde_json::json;
use std::collections::BTreeSet;
use strict_ec2::{Fault, Record, Rules, StrictEc2, Throttle};
use tests::{
    cloud::{Cloud, Night, WITHOUT_SERVERS},
    ids,
};

const VOLUMES: usize = 500;
const TIMES: f64 = 2.0;

/// How many calls of CreateSnapshot there were, and how many had no token.
fn creates(calls: &[Record]) -> (usize, usize) {
    let creates: Vec<_> = calls.iter().filter(|call| call.action == "CreateSnapshot").collect();
    let refused = creates.iter().filter(|call| call.answer == "RequestLimitExceeded").count();
    (creates.len(), refused)
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
    let (calls, refused) = creates(&strict.calls());
    assert!(refused * 10 <= calls, "{refused} of {calls} CreateSnapshot calls were refused");

    denied(&cloud, &strict, &mailbox).await;
}

/// Another night, of which EC2 denies nine volumes in ten; without buckets, and so without a pace.
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
    let reason = "Refused: CreateSnapshot: UnauthorizedOperation: You are not authorized";
    let explained = unprotected.iter().filter(|one| one["reason"].as_str().expect("a reason").starts_with(reason));
    assert_eq!(explained.count(), unprotected.len());

    let mail = cloud.mail(mailbox).await;
    assert_eq!(mail.len(), 1);
    let (subject, message) = &mail[0];
    assert_eq!(subject, "[nightly-backup] Night 2026-05-21: 450 of 500 volumes unprotected");
    assert_eq!((message.matches("  - vol-").count(), message.matches(reason).count()), (10, 1), "{message}");
    assert!(message.contains("  - and 40 more\n") && message.contains("\nAnd 400 more: the report"), "{message}");
}
