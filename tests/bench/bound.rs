//! Compares a run with the lower bound of EC2's token buckets. No run can create the snapshots of N volumes in a Region in less than
//! (N - 100) / 5 seconds.

use serde_json::json;
use strict_ec2::{Rules, StrictEc2, Throttle};
use tests::cloud::{Cloud, WITHOUT_SERVERS};

const VOLUMES: usize = 2_000;
/// How many times faster than on EC2 the buckets fill here.
const TIMES: f64 = 8.0;

/// The measurements.
pub struct Bound {
    /// Number of volumes.
    pub volumes: usize,
    /// How many times faster than on EC2 the buckets filled.
    pub times: f64,
    /// Lower bound of the bucket in seconds.
    pub bound: f64,
    /// Seconds from the first CreateSnapshot to the last.
    pub seconds: f64,
    /// Throttled CreateSnapshot calls in percent.
    pub refused: f64,
}

/// Runs and measures a Night.
pub async fn measure() -> Bound {
    let throttle = Throttle::times(TIMES);
    let strict = StrictEc2::listen(Rules::default().throttle(throttle).page(1_000));
    let (scale, per_second) = ((1.0 / TIMES).to_string(), format!("SnapshotsPerSecond={}", 5.0 * TIMES));
    let variables = [("AWS_ENDPOINT_URL_EC2", strict.url.as_str()), ("SFN_WAIT_SCALE", &scale), WITHOUT_SERVERS];
    let cloud = Cloud::up_with("bound", &[&per_second], &variables);
    strict.forward_to(&cloud.ministack());
    cloud.attach_volumes(VOLUMES).await;
    let night = cloud.night(json!({"time": "2026-05-20T04:30:00Z"})).await;
    assert_eq!(night.status, "SUCCEEDED", "{}", night.cause);
    let creates: Vec<_> = strict.calls().into_iter().filter(|call| call.action == "CreateSnapshot").collect();
    let times = || creates.iter().map(|call| call.at);
    let seconds = (times().max().expect("calls") - times().min().expect("calls")).as_secs_f64();
    let refused = creates.iter().filter(|call| call.answer == "RequestLimitExceeded").count();
    let refused = 100.0 * refused as f64 / creates.len() as f64;
    Bound { volumes: VOLUMES, times: TIMES, bound: (VOLUMES - 100) as f64 / (5.0 * TIMES), seconds, refused }
}
