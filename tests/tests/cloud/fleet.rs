//! A fleet of any size: each history and payload is within the limits of Step Functions, and each list is read in pages.
//! `VOLUMES=20000` creates a large fleet.

use std::{collections::BTreeSet, env};
use tests::{
    fleet::{Fleet, Measured},
    ids,
};

/// Items on a page of EC2. The next two are limits of Step Functions (developer guide, "Quotas"): events in a history, bytes of a payload.
const PAGE: usize = 100;
const MOST_EVENTS: usize = 25_000;
const MOST_BYTES: usize = 256 * 1024;
/// The execution of the run only passes on the keys of its lists and the email of the report, for a fleet of any size.
const MOST_BYTES_OF_NIGHT: usize = 16 * 1024;

fn within_limits(measured: &Measured) {
    let histories = &measured.histories;
    assert_eq!(measured.night.status, "SUCCEEDED", "{}", measured.night.cause);
    assert!(histories.most_events <= MOST_EVENTS, "{histories:?}");
    assert!(histories.largest_payload <= MOST_BYTES, "{histories:?}");
    assert!(histories.largest_of_night <= MOST_BYTES_OF_NIGHT, "{histories:?}");
    println!(
        "{:.1} s, {histories:?}, EC2 {:?}, S3 {:?}, memory {:?}",
        measured.took.as_secs_f64(),
        measured.ec2,
        measured.s3,
        measured.memory
    );
}

fn calls(measured: &Measured, action: &str) -> usize {
    measured.ec2.get(action).copied().unwrap_or_default()
}

/// Returns the maximum number of pages that a run of this many volumes may request. It may read each list a few times.
fn pages(volumes: usize) -> usize {
    12 * volumes.div_ceil(PAGE) + 10
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fleet_of_two_pages_is_protected_twice_and_expires_within_every_limit() {
    protect_twice_and_expire("fleet-of-two-pages", 3 * PAGE / 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_fleet_is_protected_twice_and_expires_within_every_limit_in_full() {
    let volumes = env::var("VOLUMES").map_or(1_000, |volumes| volumes.parse().expect("VOLUMES is a number"));
    protect_twice_and_expire("fleet", volumes).await;
}

async fn protect_twice_and_expire(name: &str, volumes: usize) {
    let fleet = Fleet::new(name, volumes, PAGE).await;
    let all: BTreeSet<_> = fleet.volumes.iter().cloned().collect();
    assert_eq!(all.len(), volumes);

    for night in ["2026-05-20", "2026-05-21"] {
        let measured = fleet.night(night).await;
        within_limits(&measured);
        assert_eq!(ids(&measured.region()["protected"], "volumeId"), all);
        assert!(measured.region()["protected"].as_array().expect("a list").iter().all(|one| one["created"] == true));
        assert_eq!(measured.histories.children, volumes);
        assert!(measured.histories.transitions <= 3 * volumes + 20, "{:?}", measured.histories);
        assert_eq!((calls(&measured, "CreateSnapshot"), calls(&measured, "CreateTags")), (volumes, volumes));
        let calls: usize = measured.ec2.values().sum();
        assert!(calls <= 3 * volumes + pages(volumes), "{:?}", measured.ec2);
    }

    fleet.keep_dailies(1);
    let measured = fleet.night("2026-05-21").await;
    within_limits(&measured);
    assert_eq!(ids(&measured.region()["protected"], "volumeId"), all);
    assert_eq!(ids(&measured.region()["spared"], "volumeId"), all);
    assert_eq!((calls(&measured, "CreateSnapshot"), calls(&measured, "DeleteSnapshot")), (0, 0));

    let measured = fleet.night("2026-05-22").await;
    within_limits(&measured);
    assert_eq!(ids(&measured.region()["expired"], "volumeId"), all);
    assert_eq!((calls(&measured, "CreateSnapshot"), calls(&measured, "DeleteSnapshot")), (volumes, 2 * volumes));
}
