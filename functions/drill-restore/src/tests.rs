use super::*;
use aws_sdk_ec2::{
    error::ErrorMetadata,
    operation::create_volume::{CreateVolumeError, CreateVolumeOutput},
    primitives::DateTime,
};
use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
use serde_json::json;

fn input(execution: &str) -> Input {
    let point = json!({
        "snapshotId": "snap-0123456789abcdef0", "volumeId": "vol-1", "night": "2026-11-28", "intervals": "Daily", "gibibytes": 8,
    });
    let input = json!({"region": "eu-west-1", "zone": "eu-west-1a", "execution": execution, "point": point});
    serde_json::from_value(input).unwrap()
}

fn creates() -> Rule {
    mock!(Client::create_volume)
        .match_requests(|request| {
            let [tagged] = request.tag_specifications() else { return false };
            let tags: Vec<_> = tagged.tags().iter().map(|tag| (tag.key().unwrap(), tag.value().unwrap())).collect();
            request.snapshot_id() == Some("snap-0123456789abcdef0")
                && request.availability_zone() == Some("eu-west-1a")
                && request.volume_type() == Some(&VolumeType::Gp3)
                && tagged.resource_type() == Some(&ResourceType::Volume)
                && tags
                    == [
                        ("Backup", "false"),
                        ("DrillExecution", "run"),
                        ("Name", "restore-drill of vol-1"),
                        ("RestoreDrill", "prod"),
                    ]
        })
        .then_output(|| {
            let begun = DateTime::from_secs(1_000);
            CreateVolumeOutput::builder().volume_id("vol-9").create_time(begun).build()
        })
}

async fn run(rule: &Rule, stack: &str, input: Input) -> Result<ProofProgress, String> {
    let ec2 = mock_client!(aws_sdk_ec2, RuleMode::MatchAny, &[rule]);
    handle(&ec2, stack, input).await.map_err(|error| error.to_string())
}

#[tokio::test]
async fn the_volume_has_the_drills_tags_from_the_start() {
    let created = Timestamp::from_second(1_000).unwrap();
    let expected = ProofProgress { volume_id: "vol-9".into(), created, stage: Stage::Creating, wait_seconds: 0 };
    assert_eq!(run(&creates(), "prod", input("run")).await, Ok(expected));
}

#[test]
fn every_attempt_has_the_same_token_and_no_other_execution_or_snapshot_has_it() {
    let token = |execution: &str, snapshot: &str| {
        let point = RestorePoint { snapshot_id: snapshot.into(), ..input("run").point };
        token(execution, &point)
    };
    let (long, snapshot) = ("x".repeat(80), "snap-0123456789abcdef0");
    assert_eq!(token(&long, snapshot), token(&long, snapshot));
    assert!(token(&long, snapshot).len() <= 64 && token("🦀", snapshot).is_ascii());
    assert_ne!(token("one", snapshot), token("other", snapshot));
    assert_ne!(token("one", snapshot), token("one", "snap-1"));
}

#[tokio::test]
async fn a_refusal_keeps_ec2s_words() {
    let refuses = mock!(Client::create_volume).then_error(|| {
        CreateVolumeError::generic(ErrorMetadata::builder().code("InvalidSnapshot.NotFound").message("gone").build())
    });
    let error = run(&refuses, "prod", input("run")).await.unwrap_err();
    assert_eq!(error, "Refused: CreateVolume: InvalidSnapshot.NotFound: gone");
}

#[tokio::test]
async fn creates_nothing_without_a_stack() {
    let create = creates();
    assert!(run(&create, "", input("run")).await.unwrap_err().starts_with("BadInput: BackupStack "));
    assert_eq!(create.num_calls(), 0);
}
