use super::*;
use aws_sdk_ec2::{
    operation::{
        describe_availability_zones::DescribeAvailabilityZonesOutput, describe_instances::DescribeInstancesOutput,
        describe_snapshots::DescribeSnapshotsOutput,
    },
    primitives::DateTime,
    types::{
        AvailabilityZone, AvailabilityZoneState, Instance, InstanceState, InstanceStateName, Placement, Reservation,
        StorageTier, Tag,
    },
};
use aws_sdk_sfn::{
    operation::list_executions::ListExecutionsOutput,
    types::{ExecutionListItem, ExecutionStatus},
};
use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
use ledger::bucket::{Objects, bucket};
use serde_json::{Value, json};

const ARN: &str = "arn:aws:states:eu-west-1:123456789012:execution:Drill:";

fn settings() -> Settings {
    let text = |text: &str| text.to_owned();
    Settings {
        backup_stack: text("prod"),
        time_zone: text("Europe/Berlin"),
        zones: text(""),
        instance: text(""),
        volumes: text("2"),
        gibibytes: text("100"),
        weeks: text("2"),
        owner: Owner::default(),
        tags_at_creation: text(""),
        regions: text("eu-west-1,us-east-1"),
        home: text("eu-west-1"),
        any_night: false,
    }
}

fn input(input: Value) -> Input {
    let execution =
        json!({"Id": format!("{ARN}run"), "Name": "run", "Input": input, "StartTime": "2026-11-28T23:30:00.000Z"});
    serde_json::from_value(json!({"region": "eu-west-1", "execution": execution})).unwrap()
}

fn snapshot(id: &str, volume: &str, night: &str, gibibytes: i32) -> Snapshot {
    let tags = [
        ("BackupStack", "prod"),
        ("Night", night),
        ("Interval", "Daily"),
        ("Intervals", "Daily"),
        ("SnapshotOf", volume),
    ];
    let tags = tags.iter().map(|(key, value)| Tag::builder().key(*key).value(*value).build()).collect();
    let one = Snapshot::builder().snapshot_id(id).volume_id(volume).volume_size(gibibytes);
    let started =
        DateTime::from_secs(format!("{night}T04:30:00Z").parse::<Timestamp>().unwrap_or_default().as_second());
    one.state(SnapshotState::Completed).set_tags(Some(tags)).start_time(started).build()
}

fn zone(name: &str, kind: &str, state: AvailabilityZoneState) -> AvailabilityZone {
    AvailabilityZone::builder().zone_name(name).zone_type(kind).state(state).build()
}

/// Returns the snapshots of four volumes with restore points, one of which is too large. One snapshot is pending, one unreadable.
fn snapshots_listed() -> Vec<Snapshot> {
    let mut pending = snapshot("snap-p", "vol-p", "2026-11-28", 8);
    pending.state = Some(SnapshotState::Pending);
    let mut newer = snapshot("snap-1p", "vol-1", "2026-11-29", 8);
    newer.state = Some(SnapshotState::Error);
    let mut archived = snapshot("snap-1a", "vol-1", "2026-11-29", 8);
    archived.storage_tier = Some(StorageTier::Archive);
    vec![
        archived,
        snapshot("snap-3", "vol-3", "2026-11-28", 8),
        snapshot("snap-1old", "vol-1", "2026-11-27", 8),
        snapshot("snap-1", "vol-1", "2026-11-28", 8),
        snapshot("snap-2", "vol-2", "2026-11-28", 101),
        snapshot("snap-4", "vol-4", "2026-11-28", 8),
        snapshot("snap-odd", "vol-5", "28 November", 8),
        pending,
        newer,
    ]
}

fn ec2() -> Vec<Rule> {
    let snapshots = mock!(Client::describe_snapshots)
        .then_output(|| DescribeSnapshotsOutput::builder().set_snapshots(Some(snapshots_listed())).build());
    let zones = mock!(Client::describe_availability_zones).then_output(|| {
        use AvailabilityZoneState::{Available, Impaired};
        let whole = "availability-zone";
        let zones = [
            zone("eu-west-1-lhr-1a", "local-zone", Available),
            zone("eu-west-1c", whole, Available),
            zone("eu-west-1b", whole, Available),
            zone("eu-west-1a", whole, Impaired),
        ];
        DescribeAvailabilityZonesOutput::builder().set_availability_zones(Some(zones.to_vec())).build()
    });
    vec![snapshots, zones]
}

fn instance(state: Option<InstanceStateName>) -> Rule {
    mock!(Client::describe_instances).match_requests(|request| request.filters()[0].values() == ["i-1"]).then_output(
        move || {
            let of = |state: InstanceStateName| {
                let state = InstanceState::builder().name(state).build();
                let placement = Placement::builder().availability_zone("eu-west-1c").build();
                let one = Instance::builder().instance_id("i-1").state(state).placement(placement).build();
                Reservation::builder().instances(one).build()
            };
            DescribeInstancesOutput::builder()
                .set_reservations(Some(state.clone().map(of).into_iter().collect()))
                .build()
        },
    )
}

/// Mocks running executions, each with its name and the milliseconds from this drill's start to its own.
fn running(others: &'static [(&'static str, i64)]) -> Rule {
    mock!(aws_sdk_sfn::Client::list_executions)
        .match_requests(|request| {
            request.state_machine_arn() == Some("arn:aws:states:eu-west-1:123456789012:stateMachine:Drill")
                && request.status_filter() == Some(&ExecutionStatus::Running)
        })
        .then_output(|| {
            let start = "2026-11-28T23:30:00Z".parse::<jiff::Timestamp>().unwrap().as_millisecond();
            let one = |(name, after): &(&str, i64)| {
                let date = aws_sdk_sfn::primitives::DateTime::from_millis(start + after);
                let one = ExecutionListItem::builder().execution_arn(format!("{ARN}{name}")).state_machine_arn("s");
                one.name(*name).status(ExecutionStatus::Running).start_date(date).build().unwrap()
            };
            ListExecutionsOutput::builder().set_executions(Some(others.iter().map(one).collect())).build().unwrap()
        })
}

/// Creates a ledger with these proofs.
fn ground(proofs: &[(&str, &str)]) -> (Ledger, Objects) {
    let (ledger, objects) = bucket();
    if !proofs.is_empty() {
        let line = |(volume, tried): &(&str, &str)| format!("{}\n", json!({"volumeId": volume, "tried": tried}));
        let proofs: String = proofs.iter().map(line).collect();
        objects.lock().unwrap().insert("proofs/eu-west-1.jsonl".to_owned(), proofs.into_bytes());
    }
    (ledger, objects)
}

async fn run(ec2: &[Rule], ledger: &Ledger, settings: &Settings, given: Value) -> Result<DrillChoice, String> {
    run_beside(&running(&[("run", 0)]), ec2, ledger, settings, given).await
}

async fn run_beside(
    running: &Rule,
    ec2: &[Rule],
    ledger: &Ledger,
    settings: &Settings,
    given: Value,
) -> Result<DrillChoice, String> {
    let ec2 = mock_client!(aws_sdk_ec2, RuleMode::MatchAny, &ec2.iter().collect::<Vec<_>>());
    let sfn = mock_client!(aws_sdk_sfn, RuleMode::MatchAny, &[running]);
    handle(&ec2, &sfn, ledger, settings, input(given)).await.map_err(|error| error.to_string())
}

/// Returns the ids of the snapshots in a list.
fn listed(objects: &Objects, list: &str) -> Vec<String> {
    let objects = objects.lock().unwrap();
    let lines = String::from_utf8(objects[&format!("drills/2026-11-29/run/eu-west-1/{list}.jsonl")].clone()).unwrap();
    let id = |line: &str| serde_json::from_str::<Value>(line).unwrap()["snapshotId"].as_str().unwrap().to_owned();
    lines.lines().map(id).collect()
}

#[tokio::test]
async fn takes_the_volumes_that_were_tried_longest_ago_and_those_never_tried_first() {
    // vol-2 was never tried, and vol-1 longest ago. The proof of a volume without a restore point is ignored.
    let (ledger, objects) = ground(&[
        ("vol-0", "2026-01-01T00:00:00Z"),
        ("vol-1", "2026-11-01T00:00:00Z"),
        ("vol-3", "2026-11-22T00:00:00Z"),
        ("vol-4", "2026-11-15T00:00:00Z"),
    ]);
    let chosen = run(&ec2(), &ledger, &settings(), json!({})).await.unwrap();
    assert_eq!((chosen.volumes, chosen.taken, chosen.at_once, chosen.execution.as_str()), (4, 2, 2, "run"));
    assert_eq!(
        (chosen.date.to_string().as_str(), chosen.zone.as_str(), chosen.instance.as_str()),
        ("2026-11-29", "eu-west-1b", "")
    );
    assert_eq!(listed(&objects, "points"), ["snap-1"]);
    let unproven = objects.lock().unwrap()["drills/2026-11-29/run/eu-west-1/unproven.jsonl"].clone();
    let unproven: Value = serde_json::from_slice(&unproven).unwrap();
    assert_eq!(unproven["volumeId"], "vol-2");
    let message = "the volume has 101 GiB, but the parameter DrillGiB allows 100";
    let reason = json!({"code": "TooLarge", "message": message});
    assert_eq!((&unproven["snapshotId"], &unproven["reason"]), (&json!("snap-2"), &reason));
}

#[tokio::test]
async fn takes_all_when_asked_and_never_a_snapshot_that_is_not_completed() {
    let (ledger, objects) = ground(&[]);
    let chosen = run(&ec2(), &ledger, &settings(), json!({"all": true})).await.unwrap();
    assert_eq!((chosen.volumes, chosen.taken, chosen.points.count, chosen.unproven.count), (4, 4, 3, 1));
    assert_eq!(listed(&objects, "points"), ["snap-1", "snap-3", "snap-4"]);
    assert_eq!(listed(&objects, "unproven"), ["snap-2"]);
}

#[tokio::test]
async fn a_zone_may_be_named_and_must_exist_and_be_available() {
    let zones = |zones: &str| Settings { zones: zones.into(), ..settings() };
    for (named, expected) in [
        ("us-east-1a,eu-west-1c", Ok("eu-west-1c")),
        ("us-east-1a", Ok("eu-west-1b")),
        ("eu-west-1x", Err("BadInput: DrillZones eu-west-1x is not a zone of this account")),
        ("eu-west-1a", Err("Refused: DrillZones eu-west-1a is not available now; choose another zone")),
        ("us-east1-a", Err("BadInput: DrillZones us-east1-a is not a zone of eu-west-1,us-east-1")),
        (
            "eu-west-1b,eu-west-1c",
            Err(
                "BadInput: DrillZones eu-west-1c is a second zone of eu-west-1, after eu-west-1b; name one zone for each Region",
            ),
        ),
    ] {
        let (ledger, _) = ground(&[]);
        let chosen = run(&ec2(), &ledger, &zones(named), json!({})).await;
        assert_eq!(chosen.map(|chosen| chosen.zone), expected.map(str::to_owned).map_err(str::to_owned), "{named}");
    }
}

#[tokio::test]
async fn an_instance_gives_its_zone_and_must_run() {
    let with = |home: &str| Settings { instance: "i-1".into(), home: home.into(), ..settings() };
    let there = |state| [ec2(), vec![instance(state)]].into_iter().flatten().collect::<Vec<_>>();
    let (ledger, _) = ground(&[]);
    let chosen = run(&there(Some(InstanceStateName::Running)), &ledger, &with("eu-west-1"), json!({})).await.unwrap();
    assert_eq!((chosen.zone.as_str(), chosen.instance.as_str()), ("eu-west-1c", "i-1"));
    let stopped =
        run(&there(Some(InstanceStateName::Stopped)), &ledger, &with("eu-west-1"), json!({})).await.unwrap_err();
    let expected = "Refused: DrillInstance i-1 is stopped; start it, choose another instance, or clear the parameter";
    assert_eq!(stopped, expected);
    let none = run(&there(None), &ledger, &with("eu-west-1"), json!({})).await.unwrap_err();
    assert!(none.starts_with("BadInput: DrillInstance i-1 does not exist"), "{none}");
    let elsewhere = run(&ec2(), &ledger, &with("us-east-1"), json!({})).await.unwrap();
    assert_eq!((elsewhere.zone.as_str(), elsewhere.instance.as_str()), ("eu-west-1b", ""));
}

#[tokio::test]
async fn of_two_drills_the_one_that_started_first_goes_on() {
    for (others, goes_on) in [
        (&[("run", 0), ("later", 1), ("same", 0)][..], true),
        (&[("earlier", -1)], false),
        (&[("a-lesser-name", 0)], false),
    ] {
        let (ledger, _) = ground(&[]);
        let chosen = run_beside(&running(others), &ec2(), &ledger, &settings(), json!({})).await;
        assert_eq!(chosen.is_ok(), goes_on, "{others:?}");
        if let Err(error) = chosen {
            let said = format!("BadInput: another drill is running, {}; wait for it or stop it", others[0].0);
            assert_eq!(error, said);
        }
    }
}

#[tokio::test]
async fn bad_input_is_named_before_any_call_is_made() {
    for (given, change, named) in [
        (json!({"dryRun": true}), settings(), "BadInput: dryRun true is not a known key"),
        (json!({"time": "2026-12-31T04:30:00Z"}), settings(), "BadInput: time 2026-12-31T04:30:00Z is in the future"),
        (json!({}), Settings { time_zone: "Mars".into(), ..settings() }, "BadInput: TimeZone "),
        (json!({}), Settings { backup_stack: String::new(), ..settings() }, "BadInput: BackupStack "),
        (json!({}), Settings { volumes: "0".into(), ..settings() }, "BadInput: DrillVolumes "),
        (json!({}), Settings { weeks: "x".into(), ..settings() }, "BadInput: DrillWeeks "),
    ] {
        let error = run(&[], &ground(&[]).0, &change, given).await.unwrap_err();
        assert!(error.starts_with(named), "{error}");
    }
}
