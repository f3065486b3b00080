use super::*;
use aws_sdk_ec2::{
    error::ErrorMetadata,
    operation::{
        attach_volume::AttachVolumeOutput,
        describe_volumes::{DescribeVolumesError, DescribeVolumesOutput},
    },
    types::{VolumeAttachment, VolumeAttachmentState},
};
use aws_sdk_ssm::{
    operation::{get_command_invocation::GetCommandInvocationOutput, send_command::SendCommandOutput},
    types::{Command, CommandInvocationStatus},
};
use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
use serde_json::{Value, json};

const BEGUN: &str = "2026-11-29T12:00:00Z";

fn input(more: Value) -> Progress {
    let point = json!({"snapshotId": "snap-1", "volumeId": "vol-1", "night": "2026-12-31", "intervals": "Daily", "gibibytes": 8});
    let mut input = json!({
        "region": "eu-west-1", "execution": "run", "item": {"point": point}, "place": 1,
        "restored": {"volumeId": "vol-9", "begun": BEGUN},
    });
    input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    serde_json::from_value(input).unwrap()
}

fn volume(state: VolumeState, size: i32, attached: Option<VolumeAttachmentState>) -> Rule {
    let attached = attached.map(|state| VolumeAttachment::builder().instance_id("i-1").state(state).build());
    let volume = Volume::builder().volume_id("vol-9").state(state).size(size);
    let volume = volume.set_attachments(Some(attached.into_iter().collect())).build();
    mock!(Client::describe_volumes)
        .match_requests(|request| request.volume_ids() == ["vol-9"])
        .then_output(move || DescribeVolumesOutput::builder().volumes(volume.clone()).build())
}

async fn look(ec2: &[&Rule], ssm: &[&Rule], seconds: i64, input: Progress) -> Result<Checked, Error> {
    let ec2 = mock_client!(aws_sdk_ec2, RuleMode::MatchAny, ec2);
    let ssm = mock_client!(aws_sdk_ssm, RuleMode::MatchAny, ssm);
    let server = Server { ssm, document: "Check".into() };
    handle(&ec2, &server, BEGUN.parse::<Timestamp>().unwrap() + SignedDuration::from_secs(seconds), input).await
}

#[tokio::test]
async fn waits_for_a_volume_that_is_being_made_ever_longer() {
    for (seconds, wait) in [(0, 5), (49, 5), (120, 12), (3_600, 300)] {
        let checked = look(&[&volume(VolumeState::Creating, 8, None)], &[], seconds, input(json!({}))).await.unwrap();
        assert_eq!((checked.is_over, checked.wait_seconds, checked.seconds), (false, wait, None), "{seconds}");
    }
}

#[tokio::test]
async fn an_available_volume_of_the_right_size_is_proven_and_the_time_is_said() {
    let checked = look(&[&volume(VolumeState::Available, 8, None)], &[], 14, input(json!({}))).await.unwrap();
    let at = "2026-11-29T12:00:14Z".parse().unwrap();
    let proven =
        Checked { is_over: true, seconds: Some(14), depth: Some(Depth::Volume), at: Some(at), ..Checked::default() };
    assert_eq!(checked, proven);
}

#[tokio::test]
async fn what_is_wrong_with_a_volume_is_a_problem_and_over() {
    for (state, size, seconds, problem) in [
        (VolumeState::Error, 8, 10, "VolumeError: EBS could not make vol-9: it is in state error"),
        (VolumeState::Available, 9, 10, "WrongSize: vol-9 has 9 GiB, its snapshot 8 GiB"),
        (VolumeState::Creating, 8, 3_601, "VolumeNotAvailable: vol-9 is not available after 60 minutes"),
        (VolumeState::InUse, 8, 10_801, "CheckNotOver: the check of vol-9 is not over after 3 hours"),
        (VolumeState::Deleting, 8, 10, "VolumeError: EBS could not make vol-9: it is in state deleting"),
    ] {
        let checked = look(&[&volume(state, size, None)], &[], seconds, input(json!({}))).await.unwrap();
        assert_eq!((checked.is_over, checked.problem.as_deref()), (true, Some(problem)));
        assert_eq!((checked.depth, checked.at), (None, None));
    }
}

#[tokio::test]
async fn a_volume_that_is_not_found_may_be_too_new_for_a_minute() {
    let missing = || ErrorMetadata::builder().code("InvalidVolume.NotFound").message("no").build();
    let describe = mock!(Client::describe_volumes).then_error(move || DescribeVolumesError::generic(missing()));
    assert!(!look(&[&describe], &[], 59, input(json!({}))).await.unwrap().is_over);
    let gone = look(&[&describe], &[], 60, input(json!({}))).await.unwrap();
    assert_eq!(gone.problem.as_deref(), Some("VolumeGone: vol-9 is not there any more"));
}

#[tokio::test]
async fn a_server_gets_the_volume_and_then_the_command_and_says_what_it_found() {
    let on = |checked: Value| input(json!({"instance": "i-1", "checked": checked}));
    let attach = mock!(Client::attach_volume)
        .match_requests(|request| {
            (request.volume_id(), request.instance_id(), request.device())
                == (Some("vol-9"), Some("i-1"), Some("/dev/xvdbb"))
        })
        .then_output(|| AttachVolumeOutput::builder().build());
    let available = volume(VolumeState::Available, 8, None);
    let first = look(&[&available, &attach], &[], 14, input(json!({"instance": "i-1"}))).await.unwrap();
    assert_eq!(
        (first.is_over, first.seconds, first.command.as_deref(), attach.num_calls()),
        (false, Some(14), None, 1)
    );

    let first = serde_json::to_value(first).unwrap();
    let attaching = volume(VolumeState::InUse, 8, Some(VolumeAttachmentState::Attaching));
    assert_eq!(look(&[&attaching], &[], 20, on(first.clone())).await.unwrap().command, None);

    let send = mock!(aws_sdk_ssm::Client::send_command)
        .match_requests(|request| {
            let volume = request.parameters().and_then(|all| all.get("VolumeId"));
            (request.document_name(), request.instance_ids()) == (Some("Check"), &["i-1".to_owned()])
                && volume == Some(&vec!["vol-9".to_owned()])
        })
        .then_output(|| SendCommandOutput::builder().command(Command::builder().command_id("c-1").build()).build());
    let attached = volume(VolumeState::InUse, 8, Some(VolumeAttachmentState::Attached));
    let sent = look(&[&attached], &[&send], 25, on(first)).await.unwrap();
    assert_eq!(
        (sent.is_over, sent.command.as_deref(), sent.seconds, send.num_calls()),
        (false, Some("c-1"), Some(14), 1)
    );

    let sent = serde_json::to_value(sent).unwrap();
    let ended = |status: CommandInvocationStatus, stdout: &'static str, stderr: &'static str| {
        mock!(aws_sdk_ssm::Client::get_command_invocation)
            .match_requests(|request| (request.command_id(), request.instance_id()) == (Some("c-1"), Some("i-1")))
            .then_output(move || {
                let said = GetCommandInvocationOutput::builder().status(status.clone()).status_details(status.as_str());
                said.standard_output_content(stdout).standard_error_content(stderr).build()
            })
    };
    let report = "mounted\n{\"fileSystem\": \"xfs\", \"files\": 3, \"dump\": \"d\", \"databases\": 1}\n";
    let good = ended(CommandInvocationStatus::Success, report, "");
    let proven = look(&[&attached], &[&good], 90, on(sent.clone())).await.unwrap();
    assert_eq!((proven.is_over, proven.depth, proven.seconds), (true, Some(Depth::Database), Some(14)));
    let going = ended(CommandInvocationStatus::InProgress, "", "");
    assert!(!look(&[&attached], &[&going], 90, on(sent.clone())).await.unwrap().is_over);
    let bad = ended(CommandInvocationStatus::Failed, "mounted", "a\nxfs_repair found errors\n");
    let unproven = look(&[&attached], &[&bad], 90, on(sent.clone())).await.unwrap();
    assert_eq!(unproven.problem.as_deref(), Some("CheckFailed: xfs_repair found errors"));
    let silent = ended(CommandInvocationStatus::TimedOut, "", "");
    let unproven = look(&[&attached], &[&silent], 90, on(sent)).await.unwrap();
    assert_eq!(unproven.problem.as_deref(), Some("CheckTimedOut: on i-1"));
}
