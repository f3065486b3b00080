//! A night against the lower bound that EC2's token buckets set: no night of N volumes makes its snapshots in less than
//! (N - 100) / 5 seconds in a Region.

use serde_json::json;
use strict_ec2::{Rules, StrictEc2, Throttle};
use tests::cloud::{Cloud, WITHOUT_SERVERS};

const VOLUMES: usize = 2_000;
/// How much faster than EC2's own the buckets fill here.
const TIMES: f64 = 8.0;

/// What was measured.
pub struct Bound {
    /// Volumes.
    pub volumes: usize,
    /// How much faster than EC2's own the buckets filled.
    pub times: f64,
    /// Seconds that the bucket takes at least.
    pub bound: f64,
    /// Seconds from the first CreateSnapshot to the last.
    pub seconds: f64,
    /// CreateSnapshot calls that had no token, in a hundred.
    pub refused: f64,
}

/// Runs the night.
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
