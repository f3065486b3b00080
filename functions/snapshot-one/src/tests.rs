use super::*;
use aws_sdk_ec2::{
    error::ErrorMetadata,
    operation::{
        create_snapshot::{CreateSnapshotError, CreateSnapshotOutput},
        describe_snapshots::DescribeSnapshotsOutput,
    },
    types::{Filter, Snapshot, SnapshotState},
};
use aws_sdk_s3::operation::put_object::{PutObjectError, PutObjectOutput};
use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
use serde_json::json;

fn input() -> Input {
    serde_json::from_value(json!({
        "region": "eu-west-1",
        "night": "2026-12-31",
        "intervals": "Daily+Annual",
        "turn": {"index": 0, "since": "2026-01-01T04:30:00Z"},
        "volume": {"volumeId": "vol-1", "instances": ["i-1"], "tags": {"Description": "the database", "Name": "db"}},
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
                    ]
        })
        .then_output(|| CreateSnapshotOutput::builder().snapshot_id("snap-new").build())
}

fn refuses(code: &'static str) -> Rule {
    mock!(Client::create_snapshot).then_error(move || {
        CreateSnapshotError::generic(ErrorMetadata::builder().code(code).message("EC2's own words").build())
    })
}

/// A bucket that grants the claim, or says that somebody has it.
fn ledger(is_granted: bool) -> (Ledger, Rule) {
    let claims = mock!(aws_sdk_s3::Client::put_object).match_requests(|request| {
        request.key() == Some("claims/2026-12-31/eu-west-1/vol-1") && request.if_none_match() == Some("*")
    });
    let claims = match is_granted {
        true => claims.then_output(|| PutObjectOutput::builder().build()),
        false => claims.then_error(|| {
            PutObjectError::generic(ErrorMetadata::builder().code("PreconditionFailed").message("taken").build())
        }),
    };
    (Ledger::new(mock_client!(aws_sdk_s3, RuleMode::MatchAny, &[&claims]), "ledger".into()), claims)
}

/// An attempt after which others came, or may have come.
async fn run(rules: &[&Rule]) -> Result<Output, Error> {
    let ec2 = mock_client!(aws_sdk_ec2, RuleMode::MatchAny, rules);
    handle(&ec2, &ledger(false).0, &settings("prod", "5"), input()).await
}

fn settings(stack: &str, per_second: &str) -> Settings {
    Settings { backup_stack: stack.into(), snapshots_per_second: per_second.into() }
}

#[tokio::test]
async fn makes_a_snapshot_that_bears_its_identity_from_the_start() {
    let (look, create) = (finds(None), creates());
    let output = run(&[&look, &create]).await.unwrap();
    assert_eq!(output.snapshot_id, "snap-new");
    assert_eq!((look.num_calls(), create.num_calls()), (1, 1));
}

#[tokio::test]
async fn whoever_claims_the_volumes_night_creates_without_a_look() {
    let (ledger, claims) = ledger(true);
    let create = creates();
    let ec2 = mock_client!(aws_sdk_ec2, RuleMode::MatchAny, &[&create]);
    assert_eq!(handle(&ec2, &ledger, &settings("prod", "5"), input()).await.unwrap().snapshot_id, "snap-new");
    assert_eq!((claims.num_calls(), create.num_calls()), (1, 1));
}

#[tokio::test]
async fn makes_nothing_while_it_is_not_known_whether_somebody_came_before() {
    let claims = mock!(aws_sdk_s3::Client::put_object)
        .then_error(|| PutObjectError::generic(ErrorMetadata::builder().code("AccessDenied").message("no").build()));
    let ledger = Ledger::new(mock_client!(aws_sdk_s3, RuleMode::MatchAny, &[&claims]), "ledger".into());
    let ec2 = mock_client!(aws_sdk_ec2, RuleMode::MatchAny, &[] as &[&Rule]);
    let error = handle(&ec2, &ledger, &settings("prod", "5"), input()).await.unwrap_err();
    let said = "Refused: s3://ledger/claims/2026-12-31/eu-west-1/vol-1: PutObject: AccessDenied: no";
    assert_eq!(error.to_string(), said);
}

#[tokio::test]
async fn a_snapshot_that_discovery_saw_is_found_though_nobody_claimed_it() {
    let (ledger, claims) = ledger(true);
    let look = finds(Some(SnapshotState::Completed));
    let ec2 = mock_client!(aws_sdk_ec2, RuleMode::MatchAny, &[&look]);
    let input = Input { volume: Volume { has_snapshot: true, ..input().volume }, ..input() };
    assert_eq!(handle(&ec2, &ledger, &settings("prod", "5"), input).await.unwrap().snapshot_id, "snap-old");
    assert_eq!(claims.num_calls(), 0);
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
    let (ledger, claims) = ledger(true);
    let error = handle(&ec2, &ledger, &settings("", "5"), input()).await.unwrap_err();
    assert_eq!(error.to_string(), "BadInput: BackupStack: \"\": must be the name of the deployed stack");
    assert!(handle(&ec2, &ledger, &settings("prod", "fast"), input()).await.is_err());
    assert_eq!(claims.num_calls(), 0);
}
