use super::*;
use aws_sdk_ec2::{
    error::ErrorMetadata,
    operation::{
        delete_volume::{DeleteVolumeError, DeleteVolumeOutput},
        describe_volumes::DescribeVolumesOutput,
        detach_volume::DetachVolumeOutput,
    },
    types::VolumeAttachment,
};
use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
use serde_json::{Value, json};

const BEGUN: &str = "2026-11-29T12:00:00Z";

fn input(more: Value) -> Progress {
    let point = json!({"snapshotId": "snap-1", "volumeId": "vol-1", "night": "2026-12-31", "intervals": "Daily", "gibibytes": 8});
    let mut input = json!({"region": "eu-west-1", "execution": "run", "item": {"point": point}});
    input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    serde_json::from_value(input).unwrap()
}

fn restored() -> Value {
    json!({"restored": {"volumeId": "vol-9", "begun": BEGUN}})
}

/// What is listed, to who asks with these filters beside that of the stack.
fn lists(asked: &'static [(&'static str, &'static str)], volumes: Vec<Volume>) -> Rule {
    mock!(Client::describe_volumes)
        .match_requests(move |request| {
            let filters: Vec<_> =
                request.filters().iter().map(|one| (one.name().unwrap(), one.values()[0].as_str())).collect();
            filters[0] == ("tag:RestoreDrill", "prod") && filters[1..] == *asked
        })
        .then_output(move || DescribeVolumesOutput::builder().set_volumes(Some(volumes.clone())).build())
}

fn volume(state: VolumeState, attached: Option<VolumeAttachmentState>) -> Volume {
    let attached = attached.map(|state| VolumeAttachment::builder().instance_id("i-1").state(state).build());
    Volume::builder().volume_id("vol-9").state(state).set_attachments(Some(attached.into_iter().collect())).build()
}

fn deletes() -> Rule {
    mock!(Client::delete_volume)
        .match_requests(|request| request.volume_id() == Some("vol-9"))
        .then_output(|| DeleteVolumeOutput::builder().build())
}

fn refuses(code: &'static str) -> Rule {
    let said = move || ErrorMetadata::builder().code(code).message("no").build();
    mock!(Client::delete_volume).then_error(move || DeleteVolumeError::generic(said()))
}

async fn run(rules: &[&Rule], minutes: i64, input: Progress) -> Result<Removed, Error> {
    let ec2 = mock_client!(aws_sdk_ec2, RuleMode::MatchAny, rules);
    let now = BEGUN.parse::<Timestamp>().unwrap() + SignedDuration::from_mins(minutes);
    handle(&ec2, "prod", now, input).await
}

#[tokio::test]
async fn deletes_the_volume_of_an_item_by_its_id_and_a_leftover_by_its_own() {
    let leftover = json!({"item": {"leftover": {"volumeId": "vol-9"}}});
    for more in [restored(), leftover] {
        let (list, delete) = (lists(&[("volume-id", "vol-9")], vec![volume(VolumeState::Available, None)]), deletes());
        assert!(run(&[&list, &delete], 5, input(more)).await.unwrap().is_gone);
        assert_eq!(delete.num_calls(), 1);
    }
}

#[tokio::test]
async fn where_no_volume_is_known_it_deletes_what_this_drill_made_of_the_snapshot() {
    let asked = &[("tag:DrillExecution", "run"), ("snapshot-id", "snap-1")];
    let (list, delete) = (lists(asked, vec![volume(VolumeState::Available, None)]), deletes());
    assert!(run(&[&list, &delete], 5, input(json!({}))).await.unwrap().is_gone);
    assert_eq!(delete.num_calls(), 1);
    assert!(run(&[&lists(asked, vec![])], 5, input(json!({}))).await.unwrap().is_gone, "none was made");
}

#[tokio::test]
async fn a_volume_without_the_tag_is_not_found_and_so_not_deleted() {
    let list = lists(&[("volume-id", "vol-9")], vec![]);
    assert!(run(&[&list], 5, input(restored())).await.unwrap().is_gone);
    assert!(!run(&[&list], 0, input(restored())).await.unwrap().is_gone, "EC2 may not find it yet");
    let ec2 = mock_client!(aws_sdk_ec2, RuleMode::MatchAny, &[] as &[&Rule]);
    assert!(handle(&ec2, "", Timestamp::UNIX_EPOCH, input(restored())).await.is_err(), "no stack, no volume");
}

#[tokio::test]
async fn detaches_first_and_waits() {
    let detach = mock!(Client::detach_volume)
        .match_requests(|request| request.volume_id() == Some("vol-9") && request.instance_id() == Some("i-1"))
        .then_output(|| DetachVolumeOutput::builder().build());
    let asked = &[("volume-id", "vol-9")];
    for (state, detached) in [(VolumeAttachmentState::Attached, 1), (VolumeAttachmentState::Detaching, 1)] {
        let list = lists(asked, vec![volume(VolumeState::InUse, Some(state))]);
        let removed = run(&[&list, &detach], 5, input(restored())).await.unwrap();
        assert_eq!((removed.is_gone, removed.wait_seconds, detach.num_calls()), (false, WAIT, detached));
    }
}

#[tokio::test]
async fn one_that_is_gone_already_is_gone_and_one_that_is_not_ready_is_waited_for() {
    let list = lists(&[("volume-id", "vol-9")], vec![volume(VolumeState::Creating, None)]);
    for (code, gone) in [("InvalidVolume.NotFound", true), ("IncorrectState", false), ("VolumeInUse", false)] {
        assert_eq!(run(&[&list, &refuses(code)], 5, input(restored())).await.unwrap().is_gone, gone, "{code}");
    }
    let error = run(&[&list, &refuses("UnauthorizedOperation")], 5, input(restored())).await.unwrap_err();
    assert_eq!(error.to_string(), "Refused: DeleteVolume: UnauthorizedOperation: no");
    let deleting = lists(&[("volume-id", "vol-9")], vec![volume(VolumeState::Deleting, None)]);
    assert!(run(&[&deleting], 5, input(restored())).await.unwrap().is_gone);
}

#[tokio::test]
async fn after_a_quarter_of_an_hour_a_person_is_told() {
    let mut more = restored();
    more["removed"] = json!({"isGone": false, "waitSeconds": 10, "since": BEGUN});
    let stuck = volume(VolumeState::InUse, Some(VolumeAttachmentState::Detaching));
    let list = lists(&[("volume-id", "vol-9")], vec![stuck]);
    assert!(!run(&[&list], 15, input(more.clone())).await.unwrap().is_gone);
    let error = run(&[&list], 16, input(more)).await.unwrap_err().to_string();
    assert!(error.starts_with("Refused: VolumeStays: vol-9 is in-use on i-1 after 15 minutes: unmount it"), "{error}");
}
