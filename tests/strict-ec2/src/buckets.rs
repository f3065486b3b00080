//! Token buckets: each API has its own in each Region (EC2 developer guide, "Request throttling for the Amazon EC2 API").

use std::{collections::HashMap, time::Instant};

use crate::{Call, rules::Throttle};

/// The buckets that there are, by API and Region.
#[derive(Default)]
pub struct Buckets(HashMap<(String, String), Bucket>);

struct Bucket {
    tokens: f64,
    filled: Instant,
}

impl Buckets {
    /// Takes a token for a call; false where its bucket has none. A call that is refused takes none.
    pub fn take(&mut self, call: &Call, throttle: Throttle, now: Instant) -> bool {
        let (burst, refill) = size(call);
        let burst = throttle.burst.map_or(burst, f64::from);
        let key = (bucket(call), call.region.clone());
        let bucket = self.0.entry(key).or_insert(Bucket { tokens: burst, filled: now });
        let filled = now.saturating_duration_since(bucket.filled).as_secs_f64() * refill * throttle.times;
        bucket.tokens = (bucket.tokens + filled).min(burst);
        bucket.filled = now;
        let has_one = bucket.tokens >= 1.0;
        bucket.tokens -= f64::from(u8::from(has_one));
        has_one
    }
}

fn bucket(call: &Call) -> String {
    let whole = is_listing(call) && !call.is_narrow();
    if whole { format!("{} of everything", call.action) } else { call.action.clone() }
}

fn is_listing(call: &Call) -> bool {
    call.action.starts_with("Describe")
}

/// Tokens that a bucket holds, and those that it gains a second.
fn size(call: &Call) -> (f64, f64) {
    match call.action.as_str() {
        "CreateSnapshot" | "CreateSnapshots" | "DeleteSnapshot" | "ModifySnapshotAttribute" => (100.0, 5.0),
        "CreateTags" | "DeleteTags" => (100.0, 10.0),
        _ if is_listing(call) && call.is_narrow() => (100.0, 20.0),
        _ if is_listing(call) => (50.0, 10.0),
        _ => (50.0, 5.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn call(region: &str, body: &str) -> Call {
        let mut headers = hyper::HeaderMap::new();
        headers.insert("authorization", format!("Credential=k/1/{region}/ec2/aws4_request").parse().unwrap());
        Call::read(0, headers, body.as_bytes())
    }

    fn taken(buckets: &mut Buckets, call: &Call, throttle: Throttle, now: Instant) -> usize {
        (0..500).filter(|_| buckets.take(call, throttle, now)).count()
    }

    #[test]
    fn an_api_has_its_burst_and_then_its_refill_in_each_region() {
        let (mut buckets, start) = (Buckets::default(), Instant::now());
        let real = Throttle { times: 1.0, burst: None };
        let create = call("us-east-1", "Action=CreateSnapshot");
        assert_eq!(taken(&mut buckets, &create, real, start), 100);
        assert_eq!(taken(&mut buckets, &create, real, start + Duration::from_secs(10)), 50);
        assert_eq!(taken(&mut buckets, &call("eu-west-1", "Action=CreateSnapshot"), real, start), 100);
        assert_eq!(taken(&mut buckets, &call("us-east-1", "Action=DeleteSnapshot"), real, start), 100);
    }

    #[test]
    fn a_listing_of_everything_has_half_the_bucket() {
        let (mut buckets, start) = (Buckets::default(), Instant::now());
        let real = Throttle { times: 1.0, burst: None };
        assert_eq!(taken(&mut buckets, &call("r", "Action=DescribeVolumes"), real, start), 50);
        assert_eq!(taken(&mut buckets, &call("r", "Action=DescribeVolumes&MaxResults=9"), real, start), 100);
    }

    #[test]
    fn a_scaled_bucket_fills_faster_and_holds_what_it_is_told() {
        let (mut buckets, start) = (Buckets::default(), Instant::now());
        let scaled = Throttle { times: 20.0, burst: Some(10) };
        let create = call("r", "Action=CreateSnapshot");
        assert_eq!(taken(&mut buckets, &create, scaled, start), 10);
        assert_eq!(taken(&mut buckets, &create, scaled, start + Duration::from_millis(50)), 5);
    }
}
