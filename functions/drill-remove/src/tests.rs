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

fn input(changes: Value) -> Input {
    let point = json!({"snapshotId": "snap-1", "volumeId": "vol-1", "night": "2026-11-28", "intervals": "Daily", "gibibytes": 8});
    let mut input = json!({"region": "eu-west-1", "execution": "run", "point": point});
    for (key, value) in changes.as_object().unwrap() {
        input[key] = value.clone();
    }
    serde_json::from_value(input).unwrap()
}

/// Returns the last output, in which the volume still exists.
fn removal(since: i64) -> Value {
    json!({"isGone": false, "waitSeconds": 5, "since": at(since), "deleted": [], "left": ["vol-9"]})
}

/// Returns the input of a child. Its volume was created at 0, and its removal started at `since`.
fn created(since: i64) -> Input {
    let progress = json!({"volumeId": "vol-9", "created": at(0), "stage": {"name": "creating"}, "waitSeconds": 5});
    input(json!({"progress": progress, "removal": removal(since)}))
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

async fn run(rules: &[&Rule], now: i64, input: Input) -> Result<Removal, String> {
    let ec2 = mock_client!(aws_sdk_ec2, RuleMode::MatchAny, rules);
    handle(&ec2, "prod", at(now), input).await.map_err(|error| error.to_string())
}

const BY_ID: &[&str] = &["volume-id=vol-9"];

#[tokio::test]
async fn deletes_the_volume_and_looks_until_it_is_gone() {
    let delete = deletes();
    let found = lists(BY_ID, Some(volume(VolumeState::Available, "prod")));
    let first = run(&[&found, &delete], 100, Input { removal: None, ..created(100) }).await.unwrap();
    let left = BTreeSet::from(["vol-9".to_owned()]);
    let expected = Removal { is_gone: false, wait_seconds: 5, since: at(100), deleted: BTreeSet::new(), left };
    assert_eq!((&first, delete.num_calls()), (&expected, 1));
    let second = run(&[&lists(BY_ID, None)], 105, Input { removal: Some(first), ..created(100) }).await.unwrap();
    assert_eq!((second.is_gone, second.deleted, second.left), (true, expected.left, BTreeSet::new()));
}

#[tokio::test]
async fn touches_no_volume_without_the_tag_of_this_stack() {
    let mut bare = volume(VolumeState::InUse, "prod");
    bare.tags = None;
    for other in [volume(VolumeState::Available, "other"), bare] {
        let delete = deletes();
        let error = run(&[&lists(BY_ID, Some(other)), &delete], 100, created(100)).await.unwrap_err();
        assert!(error.starts_with("Refused: NotRemoved: vol-9 has no tag RestoreDrill=prod"), "{error}");
        assert_eq!(delete.num_calls(), 0);
    }
}

#[tokio::test]
async fn detaches_one_that_is_attached_once() {
    for (state, calls) in [(VolumeAttachmentState::Attached, 1), (VolumeAttachmentState::Detaching, 0)] {
        let detach = mock!(Client::detach_volume)
            .match_requests(|request| request.instance_id() == Some("i-1") && request.force().is_none())
            .then_output(|| DetachVolumeOutput::builder().build());
        let removed = run(&[&lists(BY_ID, Some(attached(state))), &detach], 200, created(100)).await.unwrap();
        assert_eq!((removed.is_gone, removed.wait_seconds, detach.num_calls()), (false, 10, calls));
    }
}

#[tokio::test]
async fn finds_what_a_lost_answer_made_by_its_tags_and_waits_until_it_can_be_listed() {
    let by_tags = &["tag:RestoreDrill=prod", "tag:DrillExecution=run", "snapshot-id=snap-1"];
    let failed = |error: &str, since: i64| {
        let removal = json!({"isGone": false, "waitSeconds": 5, "since": at(since), "deleted": [], "left": []});
        input(json!({"failure": {"Error": error, "Cause": ""}, "removal": removal}))
    };
    let delete = deletes();
    let found = lists(by_tags, Some(volume(VolumeState::Available, "prod")));
    assert!(!run(&[&found, &delete], 100, failed("Transient", 100)).await.unwrap().is_gone);
    assert_eq!(delete.num_calls(), 1);
    assert!(!run(&[&lists(by_tags, None)], 100, failed("Transient", 100)).await.unwrap().is_gone);
    assert!(run(&[&lists(by_tags, None)], 160, failed("Transient", 100)).await.unwrap().is_gone);
    // EC2 refused the call, so there is nothing to wait for.
    assert!(run(&[&lists(by_tags, None)], 100, failed("Refused", 100)).await.unwrap().is_gone);
}

#[tokio::test]
async fn a_volume_that_was_just_made_and_is_not_listed_yet_is_not_gone() {
    let just_created = Input { removal: None, ..created(0) };
    assert!(!run(&[&lists(BY_ID, None)], 30, just_created.clone()).await.unwrap().is_gone);
    assert!(run(&[&lists(BY_ID, None)], 60, just_created).await.unwrap().is_gone);
}

fn of_execution(id: &str, execution: &str) -> Volume {
    let tag = |key: &str, value: &str| Tag::builder().key(key).value(value).build();
    let tags = [tag("RestoreDrill", "prod"), tag("DrillExecution", execution)];
    Volume::builder().volume_id(id).state(VolumeState::Available).set_tags(Some(tags.into())).build()
}

#[tokio::test]
async fn deletes_all_that_earlier_drills_left_behind_and_nothing_of_its_own() {
    let region = || -> Input { serde_json::from_value(json!({"region": "eu-west-1", "execution": "run"})).unwrap() };
    let volumes = ["earlier", "run", "another"].map(|execution| of_execution(&format!("vol-{execution}"), execution));
    let listed = mock!(Client::describe_volumes)
        .match_requests(|request| request.filters().len() == 1 && request.filters()[0].values() == ["prod"])
        .then_output(move || DescribeVolumesOutput::builder().set_volumes(Some(volumes.to_vec())).build());
    let delete = mock!(Client::delete_volume)
        .match_requests(|request| request.volume_id() != Some("vol-run"))
        .then_output(|| DeleteVolumeOutput::builder().build());
    let first = run(&[&listed, &delete], 0, region()).await.unwrap();
    let both = BTreeSet::from(["vol-another".to_owned(), "vol-earlier".to_owned()]);
    assert_eq!((first.is_gone, &first.left, delete.num_calls()), (false, &both, 2));
    let none = mock!(Client::describe_volumes).then_output(|| DescribeVolumesOutput::builder().build());
    let second = run(&[&none], 5, Input { removal: Some(first), ..region() }).await.unwrap();
    assert_eq!((second.is_gone, second.deleted), (true, both));
    assert!(run(&[&none], 0, region()).await.unwrap().is_gone, "none was left behind");
}

#[tokio::test]
async fn a_volume_that_cannot_be_deleted_does_not_stop_the_others() {
    let volumes = ["earlier", "another"].map(|execution| of_execution(&format!("vol-{execution}"), execution));
    let listed = mock!(Client::describe_volumes)
        .then_output(move || DescribeVolumesOutput::builder().set_volumes(Some(volumes.to_vec())).build());
    let denied = mock!(Client::delete_volume).match_requests(|request| request.volume_id() == Some("vol-earlier"));
    let metadata = || ErrorMetadata::builder().code("UnauthorizedOperation").message("no").build();
    let denied = denied.then_error(move || DeleteVolumeError::generic(metadata()));
    let delete = mock!(Client::delete_volume).then_output(|| DeleteVolumeOutput::builder().build());
    let region = serde_json::from_value(json!({"region": "eu-west-1", "execution": "run"})).unwrap();
    let error = run(&[&listed, &denied, &delete], 0, region).await.unwrap_err();
    assert_eq!(error, "Refused: vol-earlier: DeleteVolume: UnauthorizedOperation: no");
    assert_eq!(delete.num_calls(), 1);
}

#[tokio::test]
async fn what_ec2_answers_to_a_deletion_decides() {
    for (code, is_gone) in [("InvalidVolume.NotFound", true), ("VolumeInUse", false), ("IncorrectState", false)] {
        let metadata = move || ErrorMetadata::builder().code(code).message("no").build();
        let delete = mock!(Client::delete_volume).then_error(move || DeleteVolumeError::generic(metadata()));
        let found = lists(BY_ID, Some(volume(VolumeState::Available, "prod")));
        assert_eq!(run(&[&found, &delete], 100, created(100)).await.unwrap().is_gone, is_gone, "{code}");
    }
}

#[tokio::test]
async fn after_a_quarter_of_an_hour_a_person_must_act() {
    let stuck = lists(BY_ID, Some(attached(VolumeAttachmentState::Busy)));
    assert!(!run(&[&stuck], 999, created(100)).await.unwrap().is_gone);
    let error = run(&[&stuck], 1_000, created(100)).await.unwrap_err();
    let said = "Refused: NotRemoved: vol-9 is in-use on i-1 after 15 minutes; detach and delete it by hand (its tag is RestoreDrill=prod)";
    assert_eq!(error, said);
}
