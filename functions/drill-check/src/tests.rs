use super::*;
use aws_sdk_ec2::{
    operation::{attach_volume::AttachVolumeOutput, describe_volumes::DescribeVolumesOutput},
    types::VolumeAttachment,
};
use aws_sdk_ssm::{
    operation::{
        get_command_invocation::{GetCommandInvocationError, GetCommandInvocationOutput},
        send_command::SendCommandOutput,
    },
    types::{Command, CommandInvocationStatus},
};
use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
use serde_json::{Value, json};

fn input(instance: &str, checked: Option<Checked>) -> Progress {
    let point = json!({"snapshotId": "snap-1", "volumeId": "vol-1", "night": "2026-11-28", "intervals": "Daily", "gibibytes": 8});
    let given = json!({
        "region": "eu-west-1", "zone": "eu-west-1a", "instance": instance, "execution": "run", "place": 3,
        "item": {"point": point}, "restored": {"volumeId": "vol-9", "begun": Timestamp::UNIX_EPOCH},
    });
    Progress { checked, ..serde_json::from_value(given).unwrap() }
}

fn volume(state: VolumeState, size: i32, attachment: Option<(&str, VolumeAttachmentState)>) -> Rule {
    let attachment = attachment.map(|(id, state)| VolumeAttachment::builder().instance_id(id).state(state).build());
    let attachments = Some(attachment.into_iter().collect());
    let volume = Volume::builder().volume_id("vol-9").state(state).size(size).set_attachments(attachments).build();
    mock!(Client::describe_volumes)
        .match_requests(|request| request.filters()[0].values() == ["vol-9"])
        .then_output(move || DescribeVolumesOutput::builder().volumes(volume.clone()).build())
}

fn no_volume() -> Rule {
    mock!(Client::describe_volumes).then_output(|| DescribeVolumesOutput::builder().build())
}

async fn run(ec2: &[&Rule], ssm: &[&Rule], seconds: i64, input: Progress) -> Checked {
    let clients = Clients {
        ec2: mock_client!(aws_sdk_ec2, RuleMode::MatchAny, ec2),
        ssm: mock_client!(aws_sdk_ssm, RuleMode::MatchAny, ssm),
    };
    let settings = Settings { backup_stack: "prod".into(), document: "prod-check".into() };
    handle(&clients, &settings, Timestamp::from_second(seconds).unwrap(), input).await.unwrap()
}

#[tokio::test]
async fn an_available_volume_of_the_right_size_is_the_proof_where_there_is_no_instance() {
    let checked = run(&[&volume(VolumeState::Available, 8, None)], &[], 42, input("", None)).await;
    assert_eq!((checked.is_over, checked.depth, checked.seconds), (true, Some(Depth::Volume), Some(42)));
    assert_eq!((checked.at, checked.problem), (Timestamp::from_second(42).ok(), None));
}

#[tokio::test]
async fn waits_for_a_tenth_of_what_has_passed_and_an_hour_at_most() {
    let creating = volume(VolumeState::Creating, 8, None);
    for (seconds, waits) in [(0, 5), (600, 60), (3_599, 300)] {
        let checked = run(&[&creating], &[], seconds, input("", None)).await;
        assert_eq!((checked.is_over, checked.wait_seconds, checked.seconds), (false, waits, None));
    }
    let late = run(&[&creating], &[], 3_600, input("", None)).await;
    assert!(late.is_over && late.problem.unwrap().starts_with("NotAvailable: "));
}

#[tokio::test]
async fn a_volume_in_error_gone_or_of_another_size_is_a_problem() {
    for (rule, seconds, problem) in [
        (volume(VolumeState::Error, 8, None), 10, "VolumeError: EBS reports vol-9 as error"),
        (volume(VolumeState::Deleting, 8, None), 10, "VolumeGone: vol-9 was deleted before it was checked"),
        (no_volume(), 60, "VolumeGone: vol-9 was deleted before it was checked"),
        (volume(VolumeState::Available, 7, None), 10, "WrongSize: vol-9 has 7 GiB, its snapshot's volume had 8"),
    ] {
        let checked = run(&[&rule], &[], seconds, input("", None)).await;
        assert_eq!((checked.is_over, checked.depth, checked.problem.as_deref()), (true, None, Some(problem)));
    }
    assert!(!run(&[&no_volume()], &[], 59, input("", None)).await.is_over, "it is not listed yet");
}

#[tokio::test]
async fn attaches_it_then_sends_the_command_once_it_is_attached() {
    let attach = mock!(Client::attach_volume)
        .match_requests(|request| request.instance_id() == Some("i-1") && request.device() == Some("/dev/sdt"))
        .then_output(|| AttachVolumeOutput::builder().build());
    let available = volume(VolumeState::Available, 8, None);
    let first = run(&[&available, &attach], &[], 42, input("i-1", None)).await;
    assert_eq!((first.is_over, first.seconds, attach.num_calls()), (false, Some(42), 1));

    let attaching = volume(VolumeState::InUse, 8, Some(("i-1", VolumeAttachmentState::Attaching)));
    let second = run(&[&attaching], &[], 50, input("i-1", Some(first))).await;
    assert_eq!((second.is_over, second.seconds, second.command.as_deref()), (false, Some(42), None));

    let send = mock!(aws_sdk_ssm::Client::send_command)
        .match_requests(|request| {
            let volume = request.parameters().and_then(|all| all.get("VolumeId"));
            request.document_name() == Some("prod-check")
                && request.instance_ids() == ["i-1"]
                && volume == Some(&vec!["vol-9".to_owned()])
        })
        .then_output(|| SendCommandOutput::builder().command(Command::builder().command_id("c-1").build()).build());
    let attached = volume(VolumeState::InUse, 8, Some(("i-1", VolumeAttachmentState::Attached)));
    let third = run(&[&attached], &[&send], 60, input("i-1", Some(second))).await;
    assert_eq!((third.is_over, third.seconds, third.command.as_deref()), (false, Some(42), Some("c-1")));
}

#[tokio::test]
async fn one_that_somebody_attached_elsewhere_is_a_problem() {
    let taken = volume(VolumeState::InUse, 8, Some(("i-2", VolumeAttachmentState::Attached)));
    let checked = run(&[&taken], &[], 60, input("i-1", None)).await;
    assert!(checked.problem.unwrap().starts_with("VolumeTaken: "));
}

/// What comes of a command that was sent.
async fn command(status: CommandInvocationStatus, code: i32, output: Value, error: &str, seconds: i64) -> Checked {
    let (output, error) = (format!("mounted\n{output}\n"), error.to_owned());
    let get = mock!(aws_sdk_ssm::Client::get_command_invocation)
        .match_requests(|request| request.command_id() == Some("c-1") && request.instance_id() == Some("i-1"))
        .then_output(move || {
            let answer = GetCommandInvocationOutput::builder().status(status.clone()).response_code(code);
            answer.standard_output_content(&output).standard_error_content(&error).build()
        });
    let sent = Checked { seconds: Some(42), command: Some("c-1".into()), ..Checked::default() };
    run(&[], &[&get], seconds, input("i-1", Some(sent))).await
}

#[tokio::test]
async fn what_the_script_found_is_how_far_it_is_proven() {
    use CommandInvocationStatus::{Delayed, Failed, InProgress, Pending, Success, TimedOut};
    let files = json!({"fileSystem": "xfs", "files": 123, "dump": null, "databases": null});
    let dump = json!({"fileSystem": "xfs", "files": 123, "dump": "/backup/a.sql", "databases": 2});
    assert_eq!(command(Success, 0, files.clone(), "", 90).await.depth, Some(Depth::Files));
    let proven = command(Success, 0, dump, "", 90).await;
    assert_eq!((proven.depth, proven.seconds, proven.is_over), (Some(Depth::Database), Some(42), true));
    for status in [Pending, InProgress, Delayed] {
        assert!(!command(status, -1, json!(""), "", 90).await.is_over);
    }
    let problem = command(Failed, 1, files.clone(), "mounting\nxfs_repair: bad superblock\n", 90).await.problem;
    assert_eq!(problem.as_deref(), Some("CheckFailed: xfs_repair: bad superblock"));
    assert!(command(Success, 0, json!("done"), "", 90).await.problem.unwrap().starts_with("CheckFailed: its last"));
    let problem = command(TimedOut, -1, json!(""), "", 90).await.problem;
    assert_eq!(problem.as_deref(), Some("CheckNotRun: Systems Manager reports the check as TimedOut"));
    let late = command(InProgress, -1, json!(""), "", 3 * 3_600).await;
    assert!(late.is_over && late.problem.unwrap().starts_with("NotChecked: "));
}

#[tokio::test]
async fn a_command_that_is_not_known_yet_is_waited_for() {
    let unknown = mock!(aws_sdk_ssm::Client::get_command_invocation).then_error(|| {
        let metadata = aws_sdk_ssm::error::ErrorMetadata::builder().code("InvocationDoesNotExist").build();
        GetCommandInvocationError::generic(metadata)
    });
    let sent = Checked { command: Some("c-1".into()), ..Checked::default() };
    assert!(!run(&[], &[&unknown], 90, input("i-1", Some(sent))).await.is_over);
}

#[test]
fn every_place_has_a_device_of_its_own_that_ec2_does_not_recommend() {
    let devices: Vec<_> = (0..10).map(device).collect();
    assert_eq!((devices[0].as_str(), devices[9].as_str()), ("/dev/sdq", "/dev/sdz"));
}
