//! Token buckets. Each API has its own in each Region (EC2 developer guide, "Request throttling for the Amazon EC2 API").

use std::{collections::HashMap, time::Instant};

use crate::{Call, rules::Throttle};

/// The buckets by API and Region.
#[derive(Default)]
pub struct Buckets(HashMap<(String, String), Bucket>);

struct Bucket {
    tokens: f64,
    filled: Instant,
}

impl Buckets {
    /// Takes a token for a call. Returns false if the bucket is empty.
    pub fn take(&mut self, call: &Call, throttle: Throttle, now: Instant) -> bool {
        let (burst, refill) = bucket_size(call);
        let burst = throttle.burst.map_or(burst, f64::from);
        let key = (bucket_name(call), call.region.clone());
        let bucket = self.0.entry(key).or_insert(Bucket { tokens: burst, filled: now });
        let filled = now.saturating_duration_since(bucket.filled).as_secs_f64() * refill * throttle.times;
        bucket.tokens = (bucket.tokens + filled).min(burst);
        bucket.filled = now;
        let has_one = bucket.tokens >= 1.0;
        bucket.tokens -= f64::from(u8::from(has_one));
        has_one
    }
}

fn bucket_name(call: &Call) -> String {
    if is_unfiltered_listing(call) { format!("{} unfiltered", call.action) } else { call.action.clone() }
}

fn is_unfiltered_listing(call: &Call) -> bool {
    call.action.starts_with("Describe") && !call.is_narrow()
}

fn is_non_mutating(call: &Call) -> bool {
    ["Describe", "Get", "List", "Search"].iter().any(|verb| call.action.starts_with(verb))
}

/// Returns the tokens in a full bucket and the tokens per second.
fn bucket_size(call: &Call) -> (f64, f64) {
    match call.action.as_str() {
        "CreateSnapshot" | "CreateSnapshots" | "DeleteSnapshot" | "ModifySnapshotAttribute" => (100.0, 5.0),
        "CreateTags" | "DeleteTags" => (100.0, 10.0),
        _ if is_unfiltered_listing(call) => (50.0, 10.0),
        _ if is_non_mutating(call) => (100.0, 20.0),
        _ => (50.0, 5.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn taken(buckets: &mut Buckets, call: &Call, throttle: Throttle, now: Instant) -> usize {
        (0..500).filter(|_| buckets.take(call, throttle, now)).count()
    }

    #[test]
    fn each_api_has_a_bucket_of_its_own_in_each_region() {
        let (mut buckets, start) = (Buckets::default(), Instant::now());
        let real = Throttle::times(1.0);
        let create = Call::signed_for("us-east-1", "Action=CreateSnapshot");
        assert_eq!(taken(&mut buckets, &create, real, start), 100);
        assert_eq!(taken(&mut buckets, &create, real, start + Duration::from_secs(10)), 50);
        assert_eq!(taken(&mut buckets, &Call::signed_for("eu-west-1", "Action=CreateSnapshot"), real, start), 100);
        assert_eq!(taken(&mut buckets, &Call::signed_for("us-east-1", "Action=DeleteSnapshot"), real, start), 100);
    }

    #[test]
    fn an_unfiltered_listing_has_a_smaller_bucket() {
        let (mut buckets, start) = (Buckets::default(), Instant::now());
        let real = Throttle::times(1.0);
        assert_eq!(taken(&mut buckets, &Call::signed_for("r", "Action=DescribeVolumes"), real, start), 50);
        assert_eq!(
            taken(&mut buckets, &Call::signed_for("r", "Action=DescribeVolumes&MaxResults=9"), real, start),
            100
        );
        let get = Call::signed_for("r", "Action=GetSnapshotBlockPublicAccessState");
        assert_eq!(taken(&mut buckets, &get, real, start), 100);
    }

    #[test]
    fn a_scaled_bucket_fills_faster_and_holds_its_burst() {
        let (mut buckets, start) = (Buckets::default(), Instant::now());
        let scaled = Throttle::times(20.0).burst(10);
        let create = Call::signed_for("r", "Action=CreateSnapshot");
        assert_eq!(taken(&mut buckets, &create, scaled, start), 10);
        assert_eq!(taken(&mut buckets, &create, scaled, start + Duration::from_millis(50)), 5);
    }
}
