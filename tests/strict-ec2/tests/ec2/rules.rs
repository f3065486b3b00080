//! Each rule.

use std::time::Duration;
use strict_ec2::{NewSnapshots, Rules, SnapshotState, Throttle};

use crate::start;

const HOUR: Duration = Duration::from_secs(3_600);

#[tokio::test(flavor = "multi_thread")]
async fn short_pages_and_empty_pages_list_every_snapshot() {
    let (strict, ec2) = start(Rules::default().page(3).empty_pages());
    let volume = ec2.volume("gp3").await;
    for _ in 0..7 {
        ec2.snapshot(&volume).await;
    }
    let (found, pages) = ec2.list("").await;
    assert_eq!((found.len(), pages), (7, vec![0, 3, 0, 3, 0, 1]));
    assert_eq!(ec2.list("&MaxResults=5").await.1, [0, 3, 0, 3, 0, 1]);
    strict.set_rules(Rules::default());
    assert_eq!(ec2.list("&MaxResults=5").await.1, [5, 2]);
    assert_eq!(ec2.text("Action=DescribeSnapshots&MaxResults=4", &[]).await, "InvalidParameterValue");
    let both = "Action=DescribeSnapshots&MaxResults=5&SnapshotId.1=snap-1";
    assert_eq!(ec2.text(both, &[]).await, "InvalidParameterCombination");
    assert_eq!(ec2.text("Action=DescribeSnapshots&NextToken=x", &[]).await, "InvalidNextToken");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_has_the_state_that_the_test_sets() {
    let (strict, ec2) = start(Rules::default().new_snapshots(NewSnapshots::StayPending));
    let volume = ec2.volume("gp3").await;
    let (first, second) = (ec2.snapshot(&volume).await, ec2.snapshot(&volume).await);
    strict.set_state(&first, SnapshotState::Error);
    let states = ec2.list("").await.0;
    assert_eq!(states, [(first.clone(), "error".into()), (second.clone(), "pending".into())]);
    assert_eq!(ec2.list("&Filter.1.Name=status&Filter.1.Value.1=pending").await.0.len(), 1);
    assert!(ec2.list("&Filter.1.Name=status&Filter.1.Value.1=completed").await.0.is_empty());

    strict.set_rules(Rules::default().new_snapshots(NewSnapshots::PendingFor(HOUR)));
    let third = ec2.snapshot(&volume).await;
    assert!(ec2.list("").await.0.contains(&(third.clone(), "pending".into())));
    strict.advance(HOUR);
    assert!(ec2.list("").await.0.contains(&(third, "completed".into())));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_volume_has_a_pause_between_two_snapshots_and_a_limit_of_pending_ones() {
    let (strict, ec2) = start(Rules::default().between_snapshots(HOUR));
    let (volume, other) = (ec2.volume("gp3").await, ec2.volume("st1").await);
    assert!(ec2.snapshot(&volume).await.starts_with("snap-"));
    assert_eq!(ec2.snapshot(&volume).await, "SnapshotCreationPerVolumeRateExceeded");
    assert!(ec2.snapshot(&other).await.starts_with("snap-"));
    strict.advance(HOUR);
    assert!(ec2.snapshot(&volume).await.starts_with("snap-"));

    strict.set_rules(Rules::default().limit_pending().new_snapshots(NewSnapshots::StayPending));
    let made = ec2.snapshot(&other).await;
    assert_eq!(ec2.snapshot(&other).await, "ConcurrentSnapshotLimitExceeded");
    assert_eq!(ec2.delete(&made).await, "DeleteSnapshotResponse");
    assert_eq!(
        ec2.snapshot(&other).await,
        "ConcurrentSnapshotLimitExceeded",
        "a deleted pending snapshot keeps its slot"
    );
    for _ in 0..5 {
        assert!(ec2.snapshot(&volume).await.starts_with("snap-"));
    }
    assert_eq!(ec2.snapshot(&volume).await, "ConcurrentSnapshotLimitExceeded");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_snapshot_is_not_found_at_once_and_a_snapshot_in_use_is_not_deleted() {
    let (strict, ec2) = start(Rules::default().found_after(HOUR));
    let snapshot = ec2.snapshot(&ec2.volume("gp3").await).await;
    let tag = format!("Action=CreateTags&ResourceId.1={snapshot}&Tag.1.Key=k&Tag.1.Value=v");
    assert_eq!((ec2.list("").await.0.len(), ec2.text(&tag, &[]).await.as_str()), (0, "InvalidSnapshot.NotFound"));
    strict.advance(HOUR);
    assert_eq!((ec2.list("").await.0.len(), ec2.text(&tag, &[]).await.as_str()), (1, "CreateTagsResponse"));

    let dry = format!("Action=DeleteSnapshot&SnapshotId={snapshot}&DryRun=true");
    assert_eq!(ec2.text(&dry, &[]).await, "DryRunOperation");
    strict.use_in_ami(&snapshot, "ami-1");
    assert_eq!(ec2.delete(&snapshot).await, "InvalidSnapshot.InUse");
    assert_eq!(ec2.list("").await.0.len(), 1);
    let locked = ec2.snapshot(&ec2.volume("gp3").await).await;
    strict.lock(&locked);
    assert_eq!(ec2.delete(&locked).await, "OperationNotPermitted");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_bucket_refuses_calls_until_it_has_a_token() {
    // A token takes 50,000 s of the endpoint's clock: no real pause between two calls adds one.
    let (strict, ec2) = start(Rules::default().throttle(Throttle::times(0.000_001).burst(3)));
    let list = || ec2.text("Action=DescribeVolumes&MaxResults=5", &[]);
    for expected in ["DescribeVolumesResponse", "DescribeVolumesResponse", "DescribeVolumesResponse"] {
        assert_eq!(list().await, expected);
    }
    assert_eq!(list().await, "RequestLimitExceeded");
    let record = strict.calls().pop().expect("a call");
    assert_eq!((record.answer.as_str(), record.region.as_str()), ("RequestLimitExceeded", "us-east-1"));
    strict.advance(Duration::from_secs(50_000));
    assert_eq!((list().await, list().await), ("DescribeVolumesResponse".into(), "RequestLimitExceeded".into()));
}
