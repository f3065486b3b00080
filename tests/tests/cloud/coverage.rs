//! Compares the output of `nightly coverage`, `list` and `why` with the results of later runs.

use aws_sdk_ec2::types::{Tag, VolumeState};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use strict_ec2::{Fault, Rules, StrictEc2};
use tests::cloud::{Cloud, WITHOUT_SERVERS};

/// Runs the command. Returns its exit code, stdout and stderr.
fn nightly(cloud: &Cloud, arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = cloud.nightly(arguments);
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    (output.status.code(), text(output.stdout), text(output.stderr))
}

fn json_of(cloud: &Cloud, arguments: &[&str]) -> Value {
    let (code, stdout, stderr) = nightly(cloud, &[arguments, &["--json"]].concat());
    assert!(matches!(code, Some(0 | 1)), "{arguments:?}: {stderr}");
    serde_json::from_str(&stdout).expect("JSON")
}

/// Returns the expiry of each snapshot according to `list`, or null for never.
fn listed(cloud: &Cloud) -> BTreeMap<String, Value> {
    let list = json_of(cloud, &["list"]);
    let points = list["volumes"].as_array().expect("volumes").iter().flat_map(|one| one["restorePoints"].as_array());
    points
        .flatten()
        .map(|one| (one["snapshotId"].as_str().expect("an id").to_owned(), one["expires"].clone()))
        .collect()
}

async fn night(cloud: &Cloud, night: &str) {
    let night = cloud.night(json!({"time": format!("{night}T04:30:00Z")})).await;
    assert_eq!(night.status, "SUCCEEDED", "{}", night.cause);
}

/// Needs a plan with one daily and one quarterly.
pub async fn a_snapshot_goes_on_the_very_night_that_list_and_why_announce(cloud: Cloud) {
    let mut announced = BTreeMap::new();
    let mut gone = BTreeMap::new();
    // The daily of 30 December outlives two Nights that Daily does not govern. The quarterly of October expires in January.
    let before = ["2026-10-01", "2026-12-28", "2026-12-29", "2026-12-30", "2026-12-31"];
    for tonight in before.into_iter().chain(["2027-01-01", "2027-01-02", "2027-01-03"]) {
        night(&cloud, tonight).await;
        let now = listed(&cloud);
        assert_eq!(now.keys().collect::<Vec<_>>(), cloud.snapshots().await.keys().collect::<Vec<_>>());
        for (snapshot, expires) in announced.iter().filter(|(snapshot, _)| !now.contains_key(*snapshot)) {
            gone.entry(String::clone(snapshot)).or_insert((Value::clone(expires), json!(tonight)));
        }
        announced = now;
        let overdue = announced.iter().filter(|(_, expires)| expires.as_str().is_some_and(|date| date <= tonight));
        assert_eq!(overdue.count(), 0, "{announced:?} after {tonight}");
    }
    assert_eq!(gone.len(), 10, "{gone:?}");
    for (snapshot, (announced, went)) in &gone {
        assert_eq!(announced, went, "{snapshot}");
    }
    for (snapshot, expires) in &announced {
        assert_eq!(&json_of(&cloud, &["why", snapshot])["expires"], expires, "{snapshot}");
    }
    let nevers = announced.values().filter(|expires| expires.is_null()).count();
    assert_eq!(nevers, 2, "the annuals of two volumes: {announced:?}");
}

pub async fn coverage_is_whole_after_a_night_and_a_new_server_comes_first_until_the_next(cloud: Cloud) {
    let (code, stdout, _) = nightly(&cloud, &["coverage"]);
    assert_eq!(code, Some(1));
    assert!(stdout.starts_with("2 of 2 volumes have no restore point"), "{stdout}");
    night(&cloud, "2027-02-01").await;
    let (code, stdout, stderr) = nightly(&cloud, &["coverage"]);
    assert_eq!(code, Some(0), "{stderr}");
    assert!(stdout.starts_with("All 2 volumes have a restore point of the last 36 hours.\n"), "{stdout}");
    assert!(stdout.contains("web-server") && stdout.contains("2027-02-01") && !stdout.contains('\u{1b}'), "{stdout}");

    let ec2 = cloud.ec2(cloud.region).await;
    let server = ec2.run_instances().image_id("ami-12345678").min_count(1).max_count(1).send().await.expect("a server");
    let server = server.instances()[0].instance_id().expect("an id");
    let (code, stdout, _) = nightly(&cloud, &["coverage"]);
    assert_eq!(code, Some(1));
    assert!(stdout.starts_with("1 of 3 volumes has no restore point of the last 36 hours:\n"), "{stdout}");
    let first = stdout.lines().nth(3).expect("a row");
    assert!(first.contains(server) && first.contains("none, created 0m ago"), "{stdout}");
    let volume = json_of(&cloud, &["coverage"])["volumes"][0]["volumeId"].as_str().expect("an id").to_owned();

    let out = Tag::builder().key("Backup").value("false").build();
    ec2.create_tags().resources(&volume).tags(out).send().await.expect("tagged");
    let whole = json_of(&cloud, &["coverage"]);
    assert_eq!((&whole["covered"], &whole["volumes"][2]["verdict"]), (&json!(true), &json!("leftOut")));
}

/// Needs a plan with three dailies.
pub async fn a_gone_volume_is_listed_by_its_name_and_loses_by_age_what_was_announced(cloud: Cloud) {
    let ec2 = cloud.ec2(cloud.region).await;
    let volumes = ec2.describe_volumes().send().await.expect("volumes");
    let volume = volumes.volumes().iter().find(|one| one.state() == Some(&VolumeState::InUse)).expect("one in use");
    let (id, attached) = (volume.volume_id().expect("an id"), &volume.attachments()[0]);
    let (server, device) = (attached.instance_id().expect("a server"), attached.device().expect("a device"));
    let name = Tag::builder().key("Name").value("ledger-disk").build();
    ec2.create_tags().resources(id).tags(name).send().await.expect("tagged");
    night(&cloud, "2027-02-01").await;
    night(&cloud, "2027-02-02").await;
    ec2.stop_instances().instance_ids(server).send().await.expect("stopped");
    ec2.detach_volume().volume_id(id).instance_id(server).device(device).send().await.expect("detached");
    ec2.delete_volume().volume_id(id).send().await.expect("deleted");

    let (_, stdout, stderr) = nightly(&cloud, &["list", "ledger-disk"]);
    assert!(stdout.contains(&format!("{id} ledger-disk, gone: 2 snapshots")), "{stdout}{stderr}");
    let gone = json_of(&cloud, &["list", id]);
    let points = &gone["volumes"][0]["restorePoints"];
    assert_eq!([&points[0]["expires"], &points[1]["expires"]], [&Value::Null, &json!("2027-02-04")]);
    let (newest, older) =
        (points[0]["snapshotId"].as_str().expect("an id"), points[1]["snapshotId"].as_str().expect("an id"));
    for (tonight, is_there) in [("2027-02-03", true), ("2027-02-04", false)] {
        night(&cloud, tonight).await;
        let left: BTreeSet<_> = cloud.snapshots().await.into_keys().collect();
        assert_eq!((left.contains(older), left.contains(newest)), (is_there, true), "{tonight}");
    }
    let (code, _, stderr) = nightly(&cloud, &["why", older]);
    let region = cloud.region;
    let told = format!("nightly: no snapshot {older} in {region}; `nightly list` lists those of this stack\n");
    assert_eq!((code, stderr), (Some(3), told));
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_are_read_to_their_end_and_what_cannot_be_read_hides_nothing_else() {
    let strict = StrictEc2::listen(Rules::default().page(2).empty_pages());
    let cloud = Cloud::up_with(
        "pages",
        &["Regions=us-east-1,eu-west-1"],
        &[("AWS_ENDPOINT_URL_EC2", &strict.url), WITHOUT_SERVERS],
    );
    strict.forward_to(&cloud.ministack());
    cloud.attach_volumes(5).await;
    night(&cloud, "2027-02-01").await;
    strict.inject(Fault::Denied, |call| call.action == "DescribeInstances");
    let coverage = json_of(&cloud, &["coverage"]);
    assert_eq!((&coverage["covered"], coverage["volumes"].as_array().map(Vec::len)), (&json!(true), Some(5)));
    assert!(coverage["volumes"][0]["servers"][0].as_str().is_some_and(|id| id.starts_with("i-")), "{coverage}");

    strict.clear_faults();
    strict.inject(Fault::Denied, |call| call.action == "DescribeVolumes" && call.region == "eu-west-1");
    let (code, stdout, stderr) = nightly(&cloud, &["coverage"]);
    assert_eq!((code, stderr.lines().count()), (Some(3), 1), "{stderr}");
    assert!(stdout.starts_with("All 5 volumes") && stdout.contains("eu-west-1 could not be read."), "{stdout}");
    assert!(stderr.starts_with("nightly: eu-west-1: DescribeVolumes: UnauthorizedOperation"), "{stderr}");
    let volume = coverage["volumes"][0]["volumeId"].as_str().expect("an id");
    let (code, stdout, _) = nightly(&cloud, &["list", volume]);
    assert_eq!((code, stdout.contains(volume)), (Some(3), true), "{stdout}");
    let (code, stdout, stderr) = nightly(&cloud, &["restore", volume, "--plan"]);
    assert_eq!((code, stdout.starts_with("Would restore")), (Some(0), true), "{stdout}{stderr}");

    strict.clear_faults();
    strict.inject(Fault::Denied, |call| call.action == "DescribeVolumes");
    let (code, stdout, stderr) = nightly(&cloud, &["coverage"]);
    assert_eq!((code, stdout.as_str(), stderr.lines().count()), (Some(3), "", 2));
    for region in ["us-east-1", "eu-west-1"] {
        assert!(stderr.contains(&format!("nightly: {region}: DescribeVolumes: UnauthorizedOperation")), "{stderr}");
    }
}
