use super::*;
use aws_sdk_ec2::{
    error::ErrorMetadata,
    operation::{
        attach_volume::{AttachVolumeError, AttachVolumeOutput},
        describe_volumes::DescribeVolumesOutput,
    },
    types::{Volume, VolumeAttachment, VolumeAttachmentState, VolumeState},
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

fn input(instance: &str, stage: Stage) -> Input {
    let point = json!({"snapshotId": "snap-1", "volumeId": "vol-1", "night": "2026-11-28", "intervals": "Daily", "gibibytes": 8});
    let progress = json!({"volumeId": "vol-9", "created": Timestamp::UNIX_EPOCH, "stage": stage, "waitSeconds": 5});
    let given = json!({"region": "eu-west-1", "zone": "eu-west-1a", "instance": instance, "execution": "run", "point": point, "progress": progress});
    serde_json::from_value(given).unwrap()
}

fn volume(state: VolumeState, size: i32, attachment: Option<(&str, VolumeAttachmentState)>) -> Rule {
    let attachment = attachment.map(|(id, state)| VolumeAttachment::builder().instance_id(id).state(state).build());
    let attachments = Some(attachment.into_iter().collect());
    let volume = Volume::builder().volume_id("vol-9").state(state).size(size).set_attachments(attachments).build();
    mock!(Client::describe_volumes)
        .match_requests(|request| {
            request.filters()[0].name() == Some("volume-id") && request.filters()[0].values() == ["vol-9"]
        })
        .then_output(move || DescribeVolumesOutput::builder().volumes(volume.clone()).build())
}

fn no_volume() -> Rule {
    mock!(Client::describe_volumes).then_output(|| DescribeVolumesOutput::builder().build())
}

async fn run(ec2: &[&Rule], ssm: &[&Rule], seconds: i64, input: Input) -> Result<ProofProgress, String> {
    let clients = Clients {
        ec2: mock_client!(aws_sdk_ec2, RuleMode::MatchAny, ec2),
        ssm: mock_client!(aws_sdk_ssm, RuleMode::MatchAny, ssm),
    };
    let settings = Settings { backup_stack: "prod".into(), document: "prod-check".into() };
    let looked = handle(&clients, &settings, at(seconds), input).await;
    looked.map_err(|error| error.to_string())
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap()
}

#[tokio::test]
async fn without_an_instance_an_available_volume_of_the_right_size_is_the_proof() {
    let looked = run(&[&volume(VolumeState::Available, 8, None)], &[], 42, input("", Stage::Creating)).await.unwrap();
    assert_eq!(looked.stage, Stage::Proven { seconds: 42, depth: Depth::Volume, at: at(42) });
    let again = run(&[], &[], 50, input("", looked.stage.clone())).await.unwrap();
    assert_eq!(again.stage, looked.stage);
}

#[tokio::test]
async fn a_volume_with_a_marketplace_code_is_proven_without_the_instance_that_may_not_have_it() {
    let message =
        "Cannot attach volume 'vol-9' with Marketplace codes as the instance 'i-1' is not in the 'stopped' state.";
    let refuse = move || {
        let code = ErrorMetadata::builder().code("IncorrectInstanceState").message(message);
        AttachVolumeError::generic(code.build())
    };
    let attach = mock!(Client::attach_volume).then_error(refuse);
    let rules = [&volume(VolumeState::Available, 8, None), &attached(&[]), &attach];
    let looked = run(&rules, &[], 42, input("i-1", Stage::Creating)).await.unwrap();
    assert_eq!(looked.stage, Stage::Proven { seconds: 42, depth: Depth::Volume, at: at(42) });
}

#[tokio::test]
async fn waits_for_a_tenth_of_the_time_passed_and_an_hour_at_most() {
    let creating = volume(VolumeState::Creating, 8, None);
    for (seconds, waits) in [(0, 5), (600, 60), (3_599, 300)] {
        let looked = run(&[&creating], &[], seconds, input("", Stage::Creating)).await.unwrap();
        assert_eq!((looked.stage, looked.wait_seconds), (Stage::Creating, waits));
    }
    let late = run(&[&creating], &[], 3_600, input("", Stage::Creating)).await.unwrap_err();
    assert_eq!(late, "Refused: NotAvailable: the volume is not available after 60 minutes");
}

#[tokio::test]
async fn a_volume_in_error_gone_or_of_another_size_is_not_proven() {
    for (rule, seconds, error) in [
        (volume(VolumeState::Error, 8, None), 10, "Refused: VolumeError: EBS reports vol-9 as error"),
        (volume(VolumeState::Deleting, 8, None), 10, "Refused: VolumeGone: vol-9 was deleted before it was checked"),
        (no_volume(), 60, "Refused: VolumeGone: vol-9 was deleted before it was checked"),
        (
            volume(VolumeState::Available, 9, None),
            10,
            "Refused: WrongSize: vol-9 has 9 GiB, but the volume of its snapshot had 8",
        ),
    ] {
        assert_eq!(run(&[&rule], &[], seconds, input("", Stage::Creating)).await.unwrap_err(), error);
    }
    let unlisted = run(&[&no_volume()], &[], 59, input("", Stage::Creating)).await.unwrap();
    assert_eq!(unlisted.stage, Stage::Creating, "it is not listed yet");
}

/// Mocks volumes that are attached to the instance under these device names.
fn attached(devices: &[&str]) -> Rule {
    let device = |device: &&str| VolumeAttachment::builder().instance_id("i-1").device(*device).build();
    let volumes: Vec<_> = devices.iter().map(|one| Volume::builder().attachments(device(one)).build()).collect();
    mock!(Client::describe_volumes)
        .match_requests(|request| request.filters()[0].name() == Some("attachment.instance-id"))
        .then_output(move || DescribeVolumesOutput::builder().set_volumes(Some(volumes.clone())).build())
}

#[tokio::test]
async fn attaches_the_volume_then_sends_the_command_once_it_is_attached() {
    let attach = mock!(Client::attach_volume)
        .match_requests(|request| request.instance_id() == Some("i-1") && request.device() == Some("/dev/sdt"))
        .then_output(|| AttachVolumeOutput::builder().build());
    let (available, taken) =
        (volume(VolumeState::Available, 8, None), attached(&["/dev/xvda", "/dev/xvdq", "/dev/sds", "/dev/sdr"]));
    let first = run(&[&available, &taken, &attach], &[], 42, input("i-1", Stage::Creating)).await.unwrap();
    assert_eq!((&first.stage, attach.num_calls()), (&Stage::Available { seconds: 42 }, 1));

    let attaching = volume(VolumeState::InUse, 8, Some(("i-1", VolumeAttachmentState::Attaching)));
    let second = run(&[&attaching], &[], 50, input("i-1", first.stage)).await.unwrap();
    assert_eq!(second.stage, Stage::Available { seconds: 42 });

    let send = mock!(aws_sdk_ssm::Client::send_command)
        .match_requests(|request| {
            let volume = request.parameters().and_then(|all| all.get("VolumeId"));
            request.document_name() == Some("prod-check")
                && request.instance_ids() == ["i-1"]
                && volume == Some(&vec!["vol-9".to_owned()])
        })
        .then_output(|| SendCommandOutput::builder().command(Command::builder().command_id("c-1").build()).build());
    let attached = volume(VolumeState::InUse, 8, Some(("i-1", VolumeAttachmentState::Attached)));
    let third = run(&[&attached], &[&send], 60, input("i-1", second.stage)).await.unwrap();
    assert_eq!(third.stage, Stage::Checking { seconds: 42, command: "c-1".into() });
}

#[tokio::test]
async fn a_device_that_another_child_has_just_taken_is_tried_again_and_so_is_an_instance_without_a_free_one() {
    let available = volume(VolumeState::Available, 8, None);
    for (code, expected) in [
        ("InvalidParameterValue", Err("Transient: AttachVolume: InvalidParameterValue: /dev/sdq is already in use")),
        ("VolumeInUse", Ok(Stage::Available { seconds: 42 })),
        ("AttachmentLimitExceeded", Err("Refused: AttachVolume: AttachmentLimitExceeded: /dev/sdq is already in use")),
    ] {
        let metadata = move || ErrorMetadata::builder().code(code).message("/dev/sdq is already in use").build();
        let refused = mock!(Client::attach_volume).then_error(move || AttachVolumeError::generic(metadata()));
        let looked = run(&[&available, &attached(&[]), &refused], &[], 42, input("i-1", Stage::Creating)).await;
        assert_eq!(looked.map(|progress| progress.stage), expected.map_err(str::to_owned), "{code}");
    }
    let all: Vec<_> = ('q'..='z').map(|letter| format!("/dev/sd{letter}")).collect();
    let all = attached(&all.iter().map(String::as_str).collect::<Vec<_>>());
    let waits = run(&[&available, &all], &[], 42, input("i-1", Stage::Creating)).await.unwrap();
    assert_eq!(waits.stage, Stage::Available { seconds: 42 });
}

#[tokio::test]
async fn a_volume_that_somebody_attached_elsewhere_is_not_proven() {
    let taken = volume(VolumeState::InUse, 8, Some(("i-2", VolumeAttachmentState::Attached)));
    let error = run(&[&taken], &[], 60, input("i-1", Stage::Creating)).await.unwrap_err();
    assert!(error.starts_with("Refused: VolumeTaken: "), "{error}");
}

/// Runs the function on a command that was sent, and returns the stage.
async fn command(
    status: CommandInvocationStatus,
    code: i32,
    output: Value,
    error: &str,
    seconds: i64,
) -> Result<Stage, String> {
    let (output, error) = (format!("mounted\n{output}\n"), error.to_owned());
    let get = mock!(aws_sdk_ssm::Client::get_command_invocation)
        .match_requests(|request| request.command_id() == Some("c-1") && request.instance_id() == Some("i-1"))
        .then_output(move || {
            let answer = GetCommandInvocationOutput::builder().status(status.clone()).response_code(code);
            answer.standard_output_content(&output).standard_error_content(&error).build()
        });
    run(&[], &[&get], seconds, input("i-1", checking())).await.map(|progress| progress.stage)
}

fn checking() -> Stage {
    Stage::Checking { seconds: 42, command: "c-1".into() }
}

#[tokio::test]
async fn the_last_line_of_the_script_decides_how_far_the_volume_is_proven() {
    use CommandInvocationStatus::{Delayed, Failed, InProgress, Pending, Success, TimedOut};
    let files = json!({"fileSystem": "xfs", "files": 123, "dump": null, "databases": null});
    let dump = json!({"fileSystem": "xfs", "files": 123, "dump": "/backup/a.sql", "databases": 2});
    let none = json!({"fileSystem": null, "files": null, "dump": null, "databases": null});
    for (found, depth) in [(&files, Depth::Files), (&dump, Depth::Database), (&none, Depth::Volume)] {
        let proven = Stage::Proven { seconds: 42, depth, at: at(90) };
        assert_eq!(command(Success, 0, found.clone(), "", 90).await, Ok(proven));
    }
    for status in [Pending, InProgress, Delayed] {
        assert_eq!(command(status, -1, json!(""), "", 90).await, Ok(checking()));
    }
    let failed = command(Failed, 1, files, "mounting\nxfs_repair: bad superblock\n", 90).await.unwrap_err();
    assert_eq!(failed, "Refused: CheckFailed: xfs_repair: bad superblock");
    let other = command(Success, 0, json!("done"), "", 90).await.unwrap_err();
    assert!(other.starts_with("Refused: CheckFailed: the last line of the check's output is not"), "{other}");
    let timed_out = command(TimedOut, -1, json!(""), "", 90).await.unwrap_err();
    assert_eq!(timed_out, "Refused: CheckNotRun: Systems Manager reports the check as TimedOut");
    let late = command(InProgress, -1, json!(""), "", 3 * 3_600).await.unwrap_err();
    assert_eq!(late, "Refused: NotChecked: the check is not complete after 3 hours");
}

#[tokio::test]
async fn a_command_that_is_not_known_yet_is_waited_for() {
    let unknown = mock!(aws_sdk_ssm::Client::get_command_invocation).then_error(|| {
        let metadata = aws_sdk_ssm::error::ErrorMetadata::builder().code("InvocationDoesNotExist").build();
        GetCommandInvocationError::generic(metadata)
    });
    assert_eq!(run(&[], &[&unknown], 90, input("i-1", checking())).await.unwrap().stage, checking());
}
