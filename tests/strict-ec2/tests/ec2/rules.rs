//! Each rule and each fault over HTTP, before moto's EC2.

use std::time::Duration;
use strict_ec2::{Fault, NewSnapshots, Rules, SnapshotState, Throttle};

use crate::Ec2;

#[tokio::test(flavor = "multi_thread")]
async fn pages_are_short_come_after_empty_ones_and_miss_nothing() {
    let ec2 = Ec2::with(Rules { page: Some(3), empty_pages: true, ..Rules::default() }).await;
    let volume = ec2.volume("gp3").await;
    for _ in 0..7 {
        ec2.snapshot(&volume).await;
    }
    let (found, pages) = ec2.list("").await;
    assert_eq!((found.len(), pages), (7, vec![0, 3, 0, 3, 0, 1]));
    assert_eq!(ec2.list("&MaxResults=5").await.1, [0, 3, 0, 3, 0, 1]);
    ec2.strict.set_rules(Rules::default());
    assert_eq!(ec2.list("&MaxResults=5").await.1, [5, 2]);
    assert_eq!(ec2.word("Action=DescribeSnapshots&MaxResults=4", &[]).await, "InvalidParameterValue");
    let both = "Action=DescribeSnapshots&MaxResults=5&SnapshotId.1=snap-1";
    assert_eq!(ec2.word(both, &[]).await, "InvalidParameterCombination");
    assert_eq!(ec2.word("Action=DescribeSnapshots&NextToken=x", &[]).await, "InvalidNextToken");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_is_in_the_state_that_it_is_said_to_be_in() {
    let ec2 = Ec2::with(Rules { new_snapshots: NewSnapshots::PendingUntilTold, ..Rules::default() }).await;
    let volume = ec2.volume("gp3").await;
    let (first, second) = (ec2.snapshot(&volume).await, ec2.snapshot(&volume).await);
    ec2.strict.set_state(&first, SnapshotState::Error);
    let states = ec2.list("").await.0;
    assert_eq!(states, [(first.clone(), "error".into()), (second.clone(), "pending".into())]);
    assert_eq!(ec2.list("&Filter.1.Name=status&Filter.1.Value.1=pending").await.0.len(), 1);
    assert!(ec2.list("&Filter.1.Name=status&Filter.1.Value.1=completed").await.0.is_empty());

    let soon = NewSnapshots::PendingFor(Duration::from_millis(300));
    ec2.strict.set_rules(Rules { new_snapshots: soon, ..Rules::default() });
    let third = ec2.snapshot(&volume).await;
    assert!(ec2.list("").await.0.contains(&(third.clone(), "pending".into())));
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert!(ec2.list("").await.0.contains(&(third, "completed".into())));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_volume_waits_between_two_snapshots_and_has_few_that_are_pending() {
    let between = Duration::from_millis(500);
    let ec2 = Ec2::with(Rules { between_snapshots: between, ..Rules::default() }).await;
    let (volume, other) = (ec2.volume("gp3").await, ec2.volume("st1").await);
    assert!(ec2.snapshot(&volume).await.starts_with("snap-"));
    assert_eq!(ec2.snapshot(&volume).await, "SnapshotCreationPerVolumeRateExceeded");
    assert!(ec2.snapshot(&other).await.starts_with("snap-"));
    tokio::time::sleep(between).await;
    assert!(ec2.snapshot(&volume).await.starts_with("snap-"));

    let pending = NewSnapshots::PendingUntilTold;
    ec2.strict.set_rules(Rules { limit_pending: true, new_snapshots: pending, ..Rules::default() });
    let made = ec2.snapshot(&other).await;
    assert_eq!(ec2.snapshot(&other).await, "ConcurrentSnapshotLimitExceeded");
    assert_eq!(ec2.delete(&made).await, "DeleteSnapshotResponse");
    assert_eq!(ec2.snapshot(&other).await, "ConcurrentSnapshotLimitExceeded", "a deleted one frees no slot");
    for _ in 0..5 {
        assert!(ec2.snapshot(&volume).await.starts_with("snap-"));
    }
    assert_eq!(ec2.snapshot(&volume).await, "ConcurrentSnapshotLimitExceeded");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_snapshot_is_not_found_at_once_and_one_in_use_is_not_deleted() {
    let ec2 = Ec2::with(Rules { found_after: Duration::from_millis(400), ..Rules::default() }).await;
    let snapshot = ec2.snapshot(&ec2.volume("gp3").await).await;
    let tag = format!("Action=CreateTags&ResourceId.1={snapshot}&Tag.1.Key=k&Tag.1.Value=v");
    assert_eq!((ec2.list("").await.0.len(), ec2.word(&tag, &[]).await.as_str()), (0, "InvalidSnapshot.NotFound"));
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!((ec2.list("").await.0.len(), ec2.word(&tag, &[]).await.as_str()), (1, "CreateTagsResponse"));

    let dry = format!("Action=DeleteSnapshot&SnapshotId={snapshot}&DryRun=true");
    assert_eq!(ec2.word(&dry, &[]).await, "DryRunOperation");
    ec2.strict.use_in_ami(&snapshot, "ami-1");
    assert_eq!(ec2.delete(&snapshot).await, "InvalidSnapshot.InUse");
    assert_eq!(ec2.list("").await.0.len(), 1);
    let locked = ec2.snapshot(&ec2.volume("gp3").await).await;
    ec2.strict.lock(&locked);
    assert_eq!(ec2.delete(&locked).await, "OperationNotPermitted");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_is_empty_refuses_and_says_so() {
    let slow = Throttle { times: 0.001, burst: Some(3) };
    let ec2 = Ec2::with(Rules { throttle: Some(slow), ..Rules::default() }).await;
    let mut words = Vec::new();
    for _ in 0..5 {
        words.push(ec2.word("Action=DescribeVolumes&MaxResults=5", &[]).await);
    }
    assert_eq!(words.iter().filter(|word| *word == "RequestLimitExceeded").count(), 2, "{words:?}");
    let calls = ec2.strict.calls();
    assert_eq!(
        calls.last().map(|call| (call.answer.as_str(), call.region.as_str())),
        Some(("RequestLimitExceeded", "us-east-1"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_has_its_effect_or_none() {
    let refused = Fault::Refused { status: 400, code: "Mine".into(), message: "no".into() };
    let faults = [
        (Fault::LostAnswer, "cut", 1),
        (Fault::ErrorAfterEffect, "InternalError", 1),
        (Fault::ServerError(500), "InternalError", 0),
        (Fault::ServerError(503), "Unavailable", 0),
        (Fault::Hang(Duration::from_millis(50)), "cut", 0),
        (Fault::Reset, "cut", 0),
        (Fault::Denied, "UnauthorizedOperation", 0),
        (Fault::Throttled, "RequestLimitExceeded", 0),
        (refused, "Mine", 0),
        (Fault::Malformed, "Nonsense", 1),
    ];
    let ec2 = Ec2::with(Rules::default()).await;
    let volume = ec2.volume("gp3").await;
    for (fault, word, effect) in faults {
        let before = ec2.list("").await.0.len();
        ec2.strict.inject(fault.clone(), |call| call.action == "CreateSnapshot");
        let call = format!("Action=CreateSnapshot&VolumeId={volume}");
        assert_eq!(ec2.word(&call, &["nothing"]).await, word, "{fault:?}");
        ec2.strict.clear_faults();
        assert_eq!(ec2.list("").await.0.len() - before, effect, "{fault:?}");
    }
    assert!(ec2.snapshot(&volume).await.starts_with("snap-"));
    assert_eq!(ec2.strict.count("CreateSnapshot"), 11);
}
