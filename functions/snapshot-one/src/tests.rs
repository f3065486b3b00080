use super::*;
use aws_sdk_ec2::{
    error::ErrorMetadata,
    operation::{
        create_snapshot::{CreateSnapshotError, CreateSnapshotOutput},
        describe_snapshots::{DescribeSnapshotsError, DescribeSnapshotsOutput},
    },
    types::{Filter, Snapshot, SnapshotState},
};
use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
use serde_json::json;

fn input() -> Input {
    serde_json::from_value(json!({
        "region": "eu-west-1",
        "night": "2026-12-31",
        "turn": {"index": 0, "since": "2026-01-01T04:30:00Z"},
        "volume": {"volumeId": "vol-1", "instances": ["i-1"], "tags": {"Description": "the database", "Name": "db"},
            "plan": "gold", "intervals": "Daily+Annual"},
    }))
    .unwrap()
}

fn filter(name: &str, value: &str) -> Filter {
    Filter::builder().name(name).values(value).build()
}

fn finds(state: Option<SnapshotState>) -> Rule {
    mock!(Client::describe_snapshots)
        .match_requests(|request| {
            let looked =
                [filter("tag:BackupStack", "prod"), filter("volume-id", "vol-1"), filter("tag:Night", "2026-12-31")];
            request.owner_ids() == ["self"] && request.filters() == looked
        })
        .then_output(move || {
            let found = state.clone().map(|state| Snapshot::builder().snapshot_id("snap-old").state(state).build());
            DescribeSnapshotsOutput::builder().set_snapshots(Some(found.into_iter().collect())).build()
        })
}

fn creates() -> Rule {
    mock!(Client::create_snapshot)
        .match_requests(|request| {
            let [tagged] = request.tag_specifications() else { return false };
            let tags: Vec<_> = tagged.tags().iter().map(|tag| (tag.key().unwrap(), tag.value().unwrap())).collect();
            request.volume_id() == Some("vol-1")
                && request.description() == Some("the database")
                && tagged.resource_type() == Some(&ResourceType::Snapshot)
                && tags
                    == [
                        ("BackupStack", "prod"),
                        ("Interval", "Annual"),
                        ("Intervals", "Daily+Annual"),
                        ("Night", "2026-12-31"),
                        ("Plan", "gold"),
                        ("SnapshotOf", "vol-1"),
                    ]
        })
        .then_output(|| CreateSnapshotOutput::builder().snapshot_id("snap-new").build())
}

fn refuses(code: &'static str) -> Rule {
    mock!(Client::create_snapshot).then_error(move || {
        CreateSnapshotError::generic(ErrorMetadata::builder().code(code).message("EC2's own words").build())
    })
}

async fn run(rules: &[&Rule]) -> Result<Output, Error> {
    let ec2 = mock_client!(aws_sdk_ec2, RuleMode::MatchAny, rules);
    handle(&ec2, &settings("prod", "5"), input()).await
}

fn settings(stack: &str, per_second: &str) -> Settings {
    Settings { backup_stack: stack.into(), snapshots_per_second: per_second.into(), ..Settings::default() }
}

#[tokio::test]
async fn makes_a_snapshot_that_bears_its_identity_from_the_start() {
    let (look, create) = (finds(None), creates());
    let output = run(&[&look, &create]).await.unwrap();
    assert_eq!(output.snapshot_id, "snap-new");
    assert_eq!((look.num_calls(), create.num_calls()), (1, 1));
}

#[tokio::test]
async fn creates_nothing_if_it_cannot_look() {
    let look = mock!(Client::describe_snapshots).then_error(|| {
        DescribeSnapshotsError::generic(ErrorMetadata::builder().code("UnauthorizedOperation").message("no").build())
    });
    let create = creates();
    let error = run(&[&look, &create]).await.unwrap_err();
    assert_eq!(error.to_string(), "Refused: DescribeSnapshots: UnauthorizedOperation: no");
    assert_eq!(create.num_calls(), 0);
}

#[tokio::test]
async fn makes_no_second_snapshot_when_an_earlier_attempt_made_one() {
    for state in [SnapshotState::Pending, SnapshotState::Completed] {
        let (look, create) = (finds(Some(state)), creates());
        assert_eq!(run(&[&look, &create]).await.unwrap().snapshot_id, "snap-old");
        assert_eq!(create.num_calls(), 0);
    }
}

#[tokio::test]
async fn makes_another_when_ebs_failed_the_first() {
    let (look, create) = (finds(Some(SnapshotState::Error)), creates());
    assert_eq!(run(&[&look, &create]).await.unwrap().snapshot_id, "snap-new");
}

#[tokio::test]
async fn tries_to_create_once_and_gives_the_error_its_name() {
    for (code, expected) in [
        (
            "SnapshotCreationPerVolumeRateExceeded",
            "SnapshotTooSoon: CreateSnapshot: SnapshotCreationPerVolumeRateExceeded",
        ),
        ("RequestLimitExceeded", "Throttled: CreateSnapshot: RequestLimitExceeded"),
        ("InvalidVolume.NotFound", "Refused: CreateSnapshot: InvalidVolume.NotFound"),
    ] {
        let (look, create) = (finds(None), refuses(code));
        let error = run(&[&look, &create]).await.unwrap_err();
        assert_eq!(error.to_string(), format!("{expected}: EC2's own words"));
        assert_eq!(create.num_calls(), 1);
    }
}

#[tokio::test]
async fn makes_nothing_without_a_stack_to_make_it_for() {
    let ec2 = mock_client!(aws_sdk_ec2, RuleMode::MatchAny, &[] as &[&Rule]);
    let error = handle(&ec2, &settings("", "5"), input()).await.unwrap_err();
    assert_eq!(error.to_string(), "BadInput: BackupStack \"\" must be the name of the deployed stack");
    assert!(handle(&ec2, &settings("prod", "fast"), input()).await.is_err());
}

#[tokio::test]
async fn the_tags_that_an_account_demands_are_in_the_call_that_creates() {
    let create = mock!(Client::create_snapshot)
        .match_requests(|request| {
            let tags = request.tag_specifications().iter().flat_map(|one| one.tags());
            let tags: Vec<_> = tags.map(|tag| (tag.key().unwrap(), tag.value().unwrap())).collect();
            [("Client", "acme"), ("CostCenter", "42")].iter().all(|tag| tags.contains(tag)) && tags.len() == 8
        })
        .then_output(|| CreateSnapshotOutput::builder().snapshot_id("snap-new").build());
    let ec2 = mock_client!(aws_sdk_ec2, RuleMode::MatchAny, &[&finds(None), &create]);
    let mut input = input();
    input.volume.tags.insert("CostCenter".into(), "42".into());
    let owner = Owner { client: "acme".into(), project: String::new() };
    let settings = Settings { owner, tags_at_creation: "CostCenter,Absent".into(), ..settings("prod", "5") };
    assert_eq!(handle(&ec2, &settings, input).await.unwrap().snapshot_id, "snap-new");
}
