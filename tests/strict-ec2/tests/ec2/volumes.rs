//! Volumes: client tokens, and states that a local cloud never has.

use std::time::Duration;
use strict_ec2::{Fault, NewVolumes, Rules, SnapshotState, VolumeState};

use crate::{caller::Caller, start};

impl Caller {
    /// Creates a volume with a client token. Returns its ID or EC2's code.
    async fn create(&self, token: &str, parameters: &str) -> String {
        let call = format!("Action=CreateVolume&AvailabilityZone=us-east-1a&Size=8&ClientToken={token}{parameters}");
        self.text(&call, &["volumeId"]).await
    }

    async fn state_of(&self, volume: &str) -> String {
        let call = format!("Action=DescribeVolumes&VolumeId.1={volume}");
        self.text(&call, &["volumeSet", "item", "status"]).await
    }

    /// Counts the volumes in a state.
    async fn count(&self, state: &str) -> usize {
        let call = format!("Action=DescribeVolumes&Filter.1.Name=status&Filter.1.Value.1={state}");
        let (_, answer) = self.call(&call).await.expect("an answer");
        answer.get_child("volumeSet").expect("a set").children.len()
    }

    async fn instance(&self) -> String {
        let run = "Action=RunInstances&ImageId=ami-12345678&MinCount=1&MaxCount=1";
        self.text(run, &["instancesSet", "item", "instanceId"]).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_token_creates_one_volume_even_if_its_answer_is_lost_or_it_is_deleted() {
    let (strict, ec2) = start(Rules::default());
    strict.inject(Fault::LostAnswer, |call| call.action == "CreateVolume" && call.number == 1);
    assert_eq!(ec2.create("a", "").await, "cut");
    let volume = ec2.create("a", "").await;
    assert!(volume.starts_with("vol-"), "{volume}");
    assert_eq!((ec2.create("a", "").await, ec2.count("available").await), (volume.clone(), 1));
    let (first, second) = tokio::join!(ec2.create("b", ""), ec2.create("b", ""));
    assert_eq!((&first, ec2.count("available").await), (&second, 2));

    assert_eq!(ec2.create("a", "&VolumeType=gp3").await, "IdempotentParameterMismatch");
    let delete = format!("Action=DeleteVolume&VolumeId={volume}");
    assert_eq!(ec2.text(&delete, &[]).await, "DeleteVolumeResponse");
    assert_eq!(
        (ec2.create("a", "").await, ec2.count("available").await),
        (volume.clone(), 1),
        "the volume stays deleted"
    );
    assert_eq!(ec2.state_of(&volume).await, "InvalidVolume.NotFound");
    assert_eq!((ec2.create("", "").await == ec2.create("", "").await, ec2.count("available").await), (false, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_volume_has_the_state_that_the_test_sets_and_is_attached_only_if_it_and_the_device_are_available() {
    let (strict, ec2) = start(Rules::default().new_volumes(NewVolumes::StayCreating));
    let (volume, failed, instance) = (ec2.create("a", "").await, ec2.create("b", "").await, ec2.instance().await);
    assert_eq!((ec2.state_of(&volume).await, ec2.count("creating").await), ("creating".into(), 2));
    let created = ec2.text("Action=CreateVolume&AvailabilityZone=us-east-1a&Size=8&ClientToken=a", &["status"]).await;
    assert_eq!(created, "creating");
    strict.set_volume_state(&failed, VolumeState::Error);
    assert_eq!((ec2.state_of(&failed).await, ec2.count("error").await), ("error".into(), 1));
    let attach = |volume| format!("Action=AttachVolume&VolumeId={volume}&InstanceId={instance}&Device=/dev/sdf");
    for unavailable in [&volume, &failed] {
        assert_eq!(ec2.text(&attach(unavailable), &["status"]).await, "IncorrectState", "{unavailable}");
    }
    strict.set_volume_state(&volume, VolumeState::Available);
    assert_eq!((ec2.state_of(&volume).await, ec2.count("available").await), ("available".into(), 1));
    assert_eq!(ec2.text(&attach(&volume), &["device"]).await, "/dev/sdf");
    assert_eq!(ec2.state_of(&volume).await, "in-use");
    strict.set_volume_state(&failed, VolumeState::Available);
    assert_eq!(ec2.text(&attach(&failed), &["device"]).await, "InvalidParameterValue", "the device is in use");

    let hour = Duration::from_secs(3_600);
    strict.set_rules(Rules::default().new_volumes(NewVolumes::CreatingFor(hour)));
    let third = ec2.create("c", "").await;
    assert_eq!(ec2.state_of(&third).await, "creating");
    strict.advance(hour);
    assert_eq!(ec2.state_of(&third).await, "available");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_volume_is_only_created_from_a_completed_snapshot() {
    let (strict, ec2) = start(Rules::default());
    let snapshot = ec2.snapshot(&ec2.volume("gp3").await).await;
    let of = format!("&SnapshotId={snapshot}");
    for state in [SnapshotState::Pending, SnapshotState::Error] {
        strict.set_state(&snapshot, state);
        assert_eq!(ec2.create(state.as_str(), &of).await, "IncorrectState");
    }
    strict.set_state(&snapshot, SnapshotState::Completed);
    assert!(ec2.create("pending", &of).await.starts_with("vol-"), "a refused call does not use its token");
}
