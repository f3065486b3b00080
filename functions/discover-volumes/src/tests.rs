use super::*;
use aws_sdk_ec2::{
    error::ErrorMetadata,
    operation::{
        describe_instances::{DescribeInstancesError, DescribeInstancesOutput},
        describe_regions::DescribeRegionsOutput,
        describe_snapshots::DescribeSnapshotsOutput,
        describe_volumes::DescribeVolumesOutput,
    },
    types::{
        Instance, Region, Reservation, Snapshot, SnapshotState, Tag, Volume as Ec2Volume, VolumeAttachment, VolumeType,
    },
};
use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
use ledger::bucket::bucket;
use serde_json::json;

const SETTINGS: [&str; 3] = ["prod", "Europe/Berlin", ""];

fn settings([backup_stack, time_zone, volume_tag]: [&str; 3]) -> Settings {
    Settings {
        backup_stack: backup_stack.into(),
        time_zone: time_zone.into(),
        volume_tag: volume_tag.into(),
        snapshots_per_second: "5".into(),
        keep: "Daily=7,Quarterly=5,Annual=forever".into(),
        plans: "weekly:Daily=0,Weekly=4".into(),
        weekly_on: "Sunday".into(),
        days_between_runs: "1".into(),
        ..Settings::default()
    }
}

fn input(input: serde_json::Value) -> Input {
    let execution =
        json!({"Id": "arn:execution", "Name": "run", "Input": input, "StartTime": "2026-12-31T23:30:00.000Z"});
    serde_json::from_value(json!({"region": "eu-west-1", "execution": execution})).unwrap()
}

fn tag(key: &str, value: &str) -> Tag {
    Tag::builder().key(key).value(value).build()
}

fn regions(status: Option<&'static str>) -> Rule {
    mock!(Client::describe_regions)
        .match_requests(|request| request.all_regions() == Some(true) && request.filters()[0].values() == ["eu-west-1"])
        .then_output(move || {
            let region = status.map(|status| Region::builder().region_name("eu-west-1").opt_in_status(status).build());
            DescribeRegionsOutput::builder().set_regions(Some(region.into_iter().collect())).build()
        })
}

fn volume(id: &str, tags: &[(&str, &str)]) -> Ec2Volume {
    let attachment = |server: &str| VolumeAttachment::builder().instance_id(server).device("/dev/xvda").build();
    let tags = tags.iter().map(|(key, value)| tag(key, value)).collect();
    Ec2Volume::builder()
        .volume_id(id)
        .volume_type(VolumeType::Gp3)
        .iops(3_000)
        .throughput(125)
        .availability_zone("eu-west-1a")
        .attachments(attachment("i-1"))
        .attachments(attachment("i-2"))
        .set_tags(Some(tags))
        .build()
}

/// Mocks three pages of volumes. The middle page is empty but has a token, as EC2 allows. One volume is on two pages, as if it changed
/// between them.
fn volumes() -> Rule {
    let page = |token: Option<&str>, volumes: Vec<Ec2Volume>| {
        DescribeVolumesOutput::builder().set_next_token(token.map(str::to_owned)).set_volumes(Some(volumes)).build()
    };
    let first = vec![volume("vol-1", &[("Role", "db")]), volume("vol-2", &[("Backup", "false")])];
    mock!(Client::describe_volumes)
        .match_requests(|request| {
            let filter = &request.filters()[0];
            (filter.name(), filter.values()) == (Some("status"), &["in-use".to_owned()])
        })
        .sequence()
        .output(move || page(Some("a"), first.clone()))
        .output(move || page(Some("b"), vec![]))
        .output(move || {
            page(Some(""), vec![volume("vol-1", &[("Role", "db")]), volume("vol-3", &[]), volume("vol-4", &[])])
        })
        .build()
}

/// Mocks the two servers that the volumes are attached to.
fn servers() -> Rule {
    let server = |id: &str, name: &str| Instance::builder().instance_id(id).tags(tag("Name", name)).build();
    let both = Reservation::builder().instances(server("i-1", "db")).instances(server("i-2", "another"));
    let answer = DescribeInstancesOutput::builder().reservations(both.build());
    mock!(Client::describe_instances).then_output(move || answer.clone().build())
}

fn snapshots_of_tonight(night: &'static str) -> Rule {
    mock!(Client::describe_snapshots)
        .match_requests(move |request| {
            let values: Vec<_> = request.filters().iter().flat_map(|filter| filter.values()).collect();
            request.owner_ids() == ["self"] && values == ["prod"]
        })
        .then_output(move || {
            let of = |volume: &str| {
                Snapshot::builder().volume_id(volume).state(SnapshotState::Pending).tags(tag("Night", night))
            };
            let (described, bare) = (of("vol-3").tags(tag("Name", "x")).build(), of("vol-4").build());
            DescribeSnapshotsOutput::builder().snapshots(described).snapshots(bare).build()
        })
}

/// Returns the result, and the volumes of the work list and of the list of protected volumes.
async fn run(ec2: &[&Rule], settings: Settings, input: Input) -> Result<(Discovery, [Vec<SelectedVolume>; 2]), String> {
    let ec2 = mock_client!(aws_sdk_ec2, RuleMode::MatchAny, ec2);
    let (ledger, objects) = bucket();
    let found = handle(&ec2, &ec2, &ledger, &settings, input).await.map_err(|error| error.to_string())?;
    let lists = ["work-list", "protected"].map(|list| {
        let text = objects.lock().unwrap()[&format!("nights/2027-01-01/run/eu-west-1/{list}.jsonl")].clone();
        let text = String::from_utf8(text).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    });
    Ok((found, lists))
}

fn ids(volumes: &[SelectedVolume]) -> Vec<&str> {
    volumes.iter().map(|volume| volume.volume_id.as_str()).collect()
}

#[tokio::test]
async fn lists_what_lacks_tonights_snapshot_or_its_descriptive_tags() {
    let ec2 = [&regions(Some("opt-in-not-required")), &volumes(), &servers(), &snapshots_of_tonight("2027-01-01")];
    let (found, [work, protected]) = run(&ec2, settings(SETTINGS), input(json!({"dryRun": true}))).await.unwrap();
    assert_eq!(found.night.to_string(), "2027-01-01");
    assert_eq!(work[0].intervals, "Daily+Quarterly".parse().ok(), "a new volume missed no annual");
    assert_eq!((found.work_list.count, found.protected.count, found.dry_run), (2, 1, true));
    // vol-4 has a snapshot without descriptive tags.
    assert_eq!((ids(&work), ids(&protected)), (vec!["vol-1", "vol-4"], vec!["vol-3"]));
    assert_eq!((work[0].server.as_deref(), work[1].server.as_deref()), (Some("db"), Some("db")));
    let is = "type=gp3 iops=3000 throughput=125 zone=eu-west-1a device=/dev/xvda instance=i-1";
    assert_eq!(work[0].origin.as_ref().unwrap().to_string(), is);
}

#[tokio::test]
async fn a_missed_annual_is_due_and_a_plan_without_dailies_waits() {
    let of = |volume: &str, night: &str, intervals: &str, state: SnapshotState| {
        let tags =
            [("Night", night), ("Interval", "Annual"), ("Intervals", intervals)].map(|(key, value)| tag(key, value));
        Snapshot::builder().volume_id(volume).state(state).set_tags(Some(tags.to_vec())).build()
    };
    let snapshots = vec![
        of("vol-1", "2026-12-30", "Daily", SnapshotState::Completed),
        of("vol-1", "2026-12-31", "Daily+Annual", SnapshotState::Error),
        of("vol-3", "2026-12-27", "Weekly", SnapshotState::Pending),
        of("vol-4", "2026-12-26", "Weekly", SnapshotState::Completed),
    ];
    let listed = mock!(Client::describe_snapshots)
        .then_output(move || DescribeSnapshotsOutput::builder().set_snapshots(Some(snapshots.clone())).build());
    let volumes = mock!(Client::describe_volumes).then_output(|| {
        let weekly = [("BackupPlan", "weekly")];
        let volumes =
            [volume("vol-1", &[]), volume("vol-3", &weekly), volume("vol-4", &weekly), volume("vol-5", &weekly)];
        DescribeVolumesOutput::builder().set_volumes(Some(volumes.to_vec())).build()
    });
    let ec2 = [&regions(Some("opted-in")), &volumes, &servers(), &listed];
    let (found, [work, _]) = run(&ec2, settings(SETTINGS), input(json!({}))).await.unwrap();
    let due: Vec<_> =
        work.iter().map(|one| format!("{} {} {}", one.volume_id, one.plan, one.intervals.as_ref().unwrap())).collect();
    assert_eq!(due, ["vol-1 default Daily+Quarterly+Annual", "vol-4 weekly Weekly", "vol-5 weekly Weekly"]);
    assert_eq!((found.not_due.count, found.protected.count), (1, 0), "vol-3 has the weekly of 27 December");
}

#[tokio::test]
async fn narrows_to_the_volume_tag() {
    let ec2 = [&regions(Some("opted-in")), &volumes(), &servers(), &snapshots_of_tonight("2027-01-01")];
    let settings = settings(["prod", "Europe/Berlin", "Role=db"]);
    let (_, [work, protected]) = run(&ec2, settings, input(json!({}))).await.unwrap();
    assert_eq!((ids(&work), ids(&protected)), (vec!["vol-1"], vec![]));
}

#[tokio::test]
async fn a_run_does_not_fail_because_of_the_names_of_its_servers() {
    let denied = || ErrorMetadata::builder().code("UnauthorizedOperation").message("no").build();
    let servers = mock!(Client::describe_instances).then_error(move || DescribeInstancesError::generic(denied()));
    let ec2 = [&regions(Some("opted-in")), &volumes(), &servers, &snapshots_of_tonight("2027-01-01")];
    let (found, _) = run(&ec2, settings(SETTINGS), input(json!({}))).await.unwrap();
    assert_eq!((found.work_list.count, servers.num_calls()), (2, 1));
}

#[tokio::test]
async fn bad_input_is_named_before_any_call_is_made() {
    for (given, parameters, named) in [
        (json!({"time": "yesterday"}), SETTINGS, "BadInput: time \"yesterday\" "),
        (json!({"time": "2036-12-31T04:30:00Z"}), SETTINGS, "BadInput: time 2036-12-31T04:30:00Z is in the future"),
        (json!({"tiem": "2026-12-31T04:30:00Z"}), SETTINGS, "BadInput: tiem "),
        (json!({}), ["prod", "Mars/Phobos", ""], "BadInput: TimeZone \"Mars/Phobos\" "),
        (json!({}), ["prod", "UTC", "Role"], "BadInput: VolumeTag \"Role\" "),
        (json!({}), ["", "UTC", ""], "BadInput: BackupStack \"\" "),
    ] {
        let error = run(&[], settings(parameters), input(given)).await.unwrap_err();
        assert!(error.starts_with(named), "{error}");
    }
    let plans = Settings { plans: "gold:Daily=30,Monthly=x".into(), ..settings(SETTINGS) };
    let error = run(&[], plans, input(json!({}))).await.unwrap_err();
    assert!(error.starts_with("BadInput: Plans, gold, Monthly \"x\" "), "{error}");
}

#[tokio::test]
async fn a_parameter_that_a_later_function_would_refuse_is_refused_before_anything_is_made() {
    let text = |text: &str| text.to_owned();
    for (change, named) in [
        (Settings { tags_not_copied: text("*"), ..settings(SETTINGS) }, "BadInput: TagsNotCopied "),
        (Settings { tags_at_creation: text("aws:x"), ..settings(SETTINGS) }, "BadInput: TagsAtCreation "),
        (Settings { snapshots_per_second: text("0"), ..settings(SETTINGS) }, "BadInput: SnapshotsPerSecond "),
        (Settings { days_between_runs: text("0"), ..settings(SETTINGS) }, "BadInput: DaysBetweenRuns "),
    ] {
        assert!(change.check().unwrap_err().to_string().starts_with(named), "{named}");
    }
}

#[tokio::test]
async fn a_region_that_does_not_exist_is_bad_input_and_one_that_is_disabled_fails_for_itself() {
    for (status, named) in [
        (None, "BadInput: Regions eu-west-1 is not an AWS Region"),
        (Some("not-opted-in"), "Refused: DescribeRegions: OptInRequired: eu-west-1 is not enabled for this account"),
    ] {
        let error = run(&[&regions(status)], settings(SETTINGS), input(json!({}))).await.unwrap_err();
        assert!(error.starts_with(named), "{error}");
    }
}
