use super::*;
use aws_sdk_ec2::{
    error::ErrorMetadata,
    operation::create_volume::{CreateVolumeError, CreateVolumeOutput},
    primitives::DateTime,
};
use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
use serde_json::json;

fn input(item: serde_json::Value) -> Progress {
    serde_json::from_value(json!({"region": "eu-west-1", "zone": "eu-west-1b", "execution": "run", "item": item}))
        .unwrap()
}

fn point() -> Progress {
    let point = json!({"snapshotId": "snap-1", "volumeId": "vol-1", "night": "2026-12-31", "intervals": "Daily", "gibibytes": 8});
    input(json!({"point": point}))
}

fn creates() -> Rule {
    mock!(Client::create_volume)
        .match_requests(|request| {
            let [tagged] = request.tag_specifications() else { return false };
            let tags: Vec<_> = tagged.tags().iter().map(|tag| (tag.key().unwrap(), tag.value().unwrap())).collect();
            let expected = [
                ("Backup", "false"),
                ("DrillExecution", "run"),
                ("Name", "restore-drill of vol-1"),
                ("RestoreDrill", "prod"),
            ];
            request.snapshot_id() == Some("snap-1")
                && request.availability_zone() == Some("eu-west-1b")
                && request.client_token() == Some(&client_token("run", "snap-1"))
                && tagged.resource_type() == Some(&ResourceType::Volume)
                && tags == expected
        })
        .then_output(|| {
            CreateVolumeOutput::builder().volume_id("vol-9").create_time(DateTime::from_secs(1_800_000_000)).build()
        })
}

#[tokio::test]
async fn makes_a_volume_that_bears_whose_it_is_from_the_start() {
    let create = creates();
    let ec2 = mock_client!(aws_sdk_ec2, RuleMode::MatchAny, &[&create]);
    let restored = handle(&ec2, "prod", point()).await.unwrap();
    assert_eq!((restored.volume_id.as_str(), restored.begun.as_second()), ("vol-9", 1_800_000_000));
    assert_eq!(create.num_calls(), 1);
}

#[test]
fn a_token_is_of_the_execution_and_the_snapshot_and_fits() {
    let token = client_token(&"x".repeat(80), "snap-0123456789abcdef0");
    assert!(token.len() <= 64 && token.is_ascii());
    assert_eq!(token, client_token(&"x".repeat(80), "snap-0123456789abcdef0"));
    assert_ne!(token, client_token("another", "snap-0123456789abcdef0"));
    assert_ne!(token, client_token(&"x".repeat(80), "snap-1"));
}

#[tokio::test]
async fn what_ec2_refuses_is_refused_in_its_words() {
    let gone = || ErrorMetadata::builder().code("InvalidSnapshot.NotFound").message("no such snapshot").build();
    let create = mock!(Client::create_volume).then_error(move || CreateVolumeError::generic(gone()));
    let ec2 = mock_client!(aws_sdk_ec2, RuleMode::MatchAny, &[&create]);
    let error = handle(&ec2, "prod", point()).await.unwrap_err();
    assert_eq!(error.to_string(), "Refused: CreateVolume: InvalidSnapshot.NotFound: no such snapshot");
}

#[tokio::test]
async fn nothing_is_made_of_a_leftover_or_without_a_stack() {
    let ec2 = mock_client!(aws_sdk_ec2, RuleMode::MatchAny, &[] as &[&Rule]);
    let leftover = input(json!({"leftover": {"volumeId": "vol-9"}}));
    assert!(handle(&ec2, "prod", leftover).await.unwrap_err().to_string().starts_with("BadInput: item: vol-9"));
    assert!(handle(&ec2, "", point()).await.unwrap_err().to_string().starts_with("BadInput: BackupStack"));
}
