//! Volumes: the client token that makes one only once, and the states that a local cloud never shows.

use std::time::Duration;
use strict_ec2::{Fault, NewVolumes, Rules, SnapshotState, VolumeState};

use crate::Ec2;

impl Ec2 {
    /// The id of the volume that a token makes, or EC2's code.
    async fn make(&self, token: &str, more: &str) -> String {
        let call = format!("Action=CreateVolume&AvailabilityZone=us-east-1a&Size=8&ClientToken={token}{more}");
        self.word(&call, &["volumeId"]).await
    }

    async fn state_of(&self, volume: &str) -> String {
        let call = format!("Action=DescribeVolumes&VolumeId.1={volume}");
        self.word(&call, &["volumeSet", "item", "status"]).await
    }

    /// How many volumes there are in a state.
    async fn count(&self, state: &str) -> usize {
        let call = format!("Action=DescribeVolumes&Filter.1.Name=status&Filter.1.Value.1={state}");
        let (_, answer) = self.call(&call).await.expect("an answer");
        answer.get_child("volumeSet").expect("a set").children.len()
    }

    async fn server(&self) -> String {
        let run = "Action=RunInstances&ImageId=ami-12345678&MinCount=1&MaxCount=1";
        self.word(run, &["instancesSet", "item", "instanceId"]).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_token_makes_one_volume_whatever_becomes_of_the_answer_or_of_the_volume() {
    let ec2 = Ec2::with(Rules::default()).await;
    ec2.strict.inject(Fault::LostAnswer, |call| call.action == "CreateVolume" && call.number == 1);
    assert_eq!(ec2.make("a", "").await, "cut");
    let volume = ec2.make("a", "").await;
    assert!(volume.starts_with("vol-"), "{volume}");
    assert_eq!((ec2.make("a", "").await, ec2.count("available").await), (volume.clone(), 1));
    let (first, second) = tokio::join!(ec2.make("b", ""), ec2.make("b", ""));
    assert_eq!((&first, ec2.count("available").await), (&second, 2));

    assert_eq!(ec2.make("a", "&VolumeType=gp3").await, "IdempotentParameterMismatch");
    let delete = format!("Action=DeleteVolume&VolumeId={volume}");
    assert_eq!(ec2.word(&delete, &[]).await, "DeleteVolumeResponse");
    assert_eq!((ec2.make("a", "").await, ec2.count("available").await), (volume.clone(), 1), "it stays gone");
    assert_eq!(ec2.state_of(&volume).await, "InvalidVolume.NotFound");
    assert_eq!((ec2.make("", "").await == ec2.make("", "").await, ec2.count("available").await), (false, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_volume_is_in_the_state_that_it_is_said_to_be_in_and_is_attached_only_when_it_is_there() {
    let ec2 = Ec2::with(Rules { new_volumes: NewVolumes::CreatingUntilTold, ..Rules::default() }).await;
    let (volume, failed, server) = (ec2.make("a", "").await, ec2.make("b", "").await, ec2.server().await);
    assert_eq!((ec2.state_of(&volume).await, ec2.count("creating").await), ("creating".into(), 2));
    let created = ec2.word("Action=CreateVolume&AvailabilityZone=us-east-1a&Size=8&ClientToken=a", &["status"]).await;
    assert_eq!(created, "creating");
    ec2.strict.set_volume_state(&failed, VolumeState::Error);
    assert_eq!((ec2.state_of(&failed).await, ec2.count("error").await), ("error".into(), 1));
    let attach = |volume| format!("Action=AttachVolume&VolumeId={volume}&InstanceId={server}&Device=/dev/sdf");
    for unfit in [&volume, &failed] {
        assert_eq!(ec2.word(&attach(unfit), &["status"]).await, "IncorrectState", "{unfit}");
    }
    ec2.strict.set_volume_state(&volume, VolumeState::Available);
    assert_eq!((ec2.state_of(&volume).await, ec2.count("available").await), ("available".into(), 1));
    assert_eq!(ec2.word(&attach(&volume), &["device"]).await, "/dev/sdf");
    assert_eq!(ec2.state_of(&volume).await, "in-use");

    let soon = NewVolumes::CreatingFor(Duration::from_millis(300));
    ec2.strict.set_rules(Rules { new_volumes: soon, ..Rules::default() });
    let third = ec2.make("c", "").await;
    assert_eq!(ec2.state_of(&third).await, "creating");
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert_eq!(ec2.state_of(&third).await, "available");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_completed_snapshot_makes_a_volume() {
    let ec2 = Ec2::with(Rules::default()).await;
    let snapshot = ec2.snapshot(&ec2.volume("gp3").await).await;
    let of = format!("&SnapshotId={snapshot}");
    for state in [SnapshotState::Pending, SnapshotState::Error] {
        ec2.strict.set_state(&snapshot, state);
        assert_eq!(ec2.make(state.as_str(), &of).await, "IncorrectState");
    }
    ec2.strict.set_state(&snapshot, SnapshotState::Completed);
    assert!(ec2.make("pending", &of).await.starts_with("vol-"), "a refusal uses no token up");
}
