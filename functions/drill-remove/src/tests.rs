use super::*;
use aws_sdk_ec2::{
    error::ErrorMetadata,
    operation::{
        delete_volume::{DeleteVolumeError, DeleteVolumeOutput},
        describe_volumes::DescribeVolumesOutput,
        detach_volume::DetachVolumeOutput,
    },
    types::{Tag, VolumeAttachment},
};
use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
use serde_json::{Value, json};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap()
}

fn input(changes: Value) -> Progress {
    let point = json!({"snapshotId": "snap-1", "volumeId": "vol-1", "night": "2026-11-28", "intervals": "Daily", "gibibytes": 8});
    let mut input = json!({"region": "eu-west-1", "execution": "run", "item": {"point": point}});
    for (key, value) in changes.as_object().unwrap() {
        input[key] = value.clone();
    }
    serde_json::from_value(input).unwrap()
}

/// An item whose volume was made at 0 and is being removed since `since`.
fn restored(since: i64) -> Progress {
    let removed = json!({"isGone": false, "waitSeconds": 5, "since": at(since)});
    input(json!({"restored": {"volumeId": "vol-9", "begun": at(0)}, "removed": removed}))
}

fn volume(state: VolumeState, stack: &str) -> Volume {
    let tag = Tag::builder().key("RestoreDrill").value(stack).build();
    Volume::builder().volume_id("vol-9").state(state).tags(tag).build()
}

fn attached(state: VolumeAttachmentState) -> Volume {
    let attachment = VolumeAttachment::builder().instance_id("i-1").state(state).build();
    let mut volume = volume(VolumeState::InUse, "prod");
    volume.attachments = Some(vec![attachment]);
    volume
}

fn lists(filters: &'static [&'static str], found: Option<Volume>) -> Rule {
    mock!(Client::describe_volumes)
        .match_requests(move |request| {
            let given: Vec<_> = request
                .filters()
                .iter()
                .map(|filter| format!("{}={}", filter.name().unwrap(), filter.values()[0]))
                .collect();
            given == filters
        })
        .then_output(move || {
            DescribeVolumesOutput::builder().set_volumes(Some(found.clone().into_iter().collect())).build()
        })
}

fn deletes() -> Rule {
    mock!(Client::delete_volume)
        .match_requests(|request| request.volume_id() == Some("vol-9"))
        .then_output(|| DeleteVolumeOutput::builder().build())
}

async fn run(rules: &[&Rule], now: i64, input: Progress) -> Result<Removed, String> {
    let ec2 = mock_client!(aws_sdk_ec2, RuleMode::MatchAny, rules);
    handle(&ec2, "prod", at(now), input).await.map_err(|error| error.to_string())
}

const BY_ID: &[&str] = &["volume-id=vol-9"];

#[tokio::test]
async fn deletes_the_volume_and_says_so_when_it_is_gone() {
    let delete = deletes();
    let found = lists(BY_ID, Some(volume(VolumeState::Available, "prod")));
    let first = run(&[&found, &delete], 100, restored(100)).await.unwrap();
    assert_eq!((first, delete.num_calls()), (Removed { is_gone: false, wait_seconds: 5, since: at(100) }, 1));
    assert!(run(&[&lists(BY_ID, None)], 105, restored(100)).await.unwrap().is_gone);
}

#[tokio::test]
async fn touches_no_volume_without_the_tag_of_this_stack() {
    let mut bare = volume(VolumeState::InUse, "prod");
    bare.tags = None;
    for other in [volume(VolumeState::Available, "other"), bare] {
        let delete = deletes();
        let error = run(&[&lists(BY_ID, Some(other)), &delete], 100, restored(100)).await.unwrap_err();
        assert!(error.starts_with("Refused: NotRemoved: vol-9 does not bear the tag RestoreDrill=prod"), "{error}");
        assert_eq!(delete.num_calls(), 0);
    }
}

#[tokio::test]
async fn detaches_one_that_is_attached_once() {
    for (state, calls) in [(VolumeAttachmentState::Attached, 1), (VolumeAttachmentState::Detaching, 0)] {
        let detach = mock!(Client::detach_volume)
            .match_requests(|request| request.instance_id() == Some("i-1") && request.force().is_none())
            .then_output(|| DetachVolumeOutput::builder().build());
        let removed = run(&[&lists(BY_ID, Some(attached(state))), &detach], 200, restored(100)).await.unwrap();
        assert_eq!((removed.is_gone, removed.wait_seconds, detach.num_calls()), (false, 10, calls));
    }
}

#[tokio::test]
async fn finds_what_a_lost_answer_made_by_its_tags_and_waits_until_it_can_be_listed() {
    let by_tags = &["tag:RestoreDrill=prod", "tag:DrillExecution=run", "snapshot-id=snap-1"];
    let failed = |error: &str, since: i64| {
        let removed = json!({"isGone": false, "waitSeconds": 5, "since": at(since)});
        input(json!({"failure": {"DrillRestore": {"Error": error, "Cause": ""}}, "removed": removed}))
    };
    let delete = deletes();
    let found = lists(by_tags, Some(volume(VolumeState::Available, "prod")));
    assert!(!run(&[&found, &delete], 100, failed("Transient", 100)).await.unwrap().is_gone);
    assert_eq!(delete.num_calls(), 1);
    assert!(!run(&[&lists(by_tags, None)], 100, failed("Transient", 100)).await.unwrap().is_gone);
    assert!(run(&[&lists(by_tags, None)], 160, failed("Transient", 100)).await.unwrap().is_gone);
    // EC2 said no: there is nothing to wait for.
    assert!(run(&[&lists(by_tags, None)], 100, failed("Refused", 100)).await.unwrap().is_gone);
}

#[tokio::test]
async fn a_volume_that_was_just_made_and_is_not_listed_yet_is_not_gone() {
    assert!(!run(&[&lists(BY_ID, None)], 30, restored(30)).await.unwrap().is_gone);
}

#[tokio::test]
async fn a_leftover_that_is_gone_is_done() {
    let leftover = input(json!({"item": {"leftover": {"volumeId": "vol-9"}}}));
    assert!(run(&[&lists(BY_ID, None)], 0, leftover).await.unwrap().is_gone);
}

#[tokio::test]
async fn what_ec2_answers_to_a_deletion_decides() {
    for (code, is_gone) in [("InvalidVolume.NotFound", true), ("VolumeInUse", false), ("IncorrectState", false)] {
        let metadata = move || ErrorMetadata::builder().code(code).message("no").build();
        let delete = mock!(Client::delete_volume).then_error(move || DeleteVolumeError::generic(metadata()));
        let found = lists(BY_ID, Some(volume(VolumeState::Available, "prod")));
        assert_eq!(run(&[&found, &delete], 100, restored(100)).await.unwrap().is_gone, is_gone, "{code}");
    }
}

#[tokio::test]
async fn after_a_quarter_of_an_hour_it_says_what_a_person_must_do() {
    let stuck = lists(BY_ID, Some(attached(VolumeAttachmentState::Busy)));
    assert!(!run(&[&stuck], 999, restored(100)).await.unwrap().is_gone);
    let error = run(&[&stuck], 1_000, restored(100)).await.unwrap_err();
    let said = "Refused: NotRemoved: vol-9 is in-use on i-1 after 15 minutes; detach it if it is in use, then delete it: it bears the tag RestoreDrill=prod";
    assert_eq!(error, said);
}
