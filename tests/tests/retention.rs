//! Nights in a row leave exactly the restore points that spec.md says, and nobody else's snapshot is touched.

use aws_sdk_ec2::{
    Client,
    types::{ResourceType, Tag, TagSpecification},
};
use serde_json::json;
use std::collections::BTreeSet;
use tests::cloud::Cloud;

async fn volumes(ec2: &Client) -> Vec<String> {
    let listed = ec2.describe_volumes().send().await.expect("volumes");
    listed.volumes().iter().filter_map(|volume| volume.volume_id.clone()).collect()
}

/// A snapshot that this stack did not make.
async fn foreign(ec2: &Client, volume: &str, tags: &[(&str, &str)]) -> String {
    let tags = tags.iter().map(|(key, value)| Tag::builder().key(*key).value(*value).build()).collect();
    let tags = TagSpecification::builder().resource_type(ResourceType::Snapshot).set_tags(Some(tags)).build();
    let made = ec2.create_snapshot().volume_id(volume).tag_specifications(tags).send().await.expect("a snapshot");
    made.snapshot_id.expect("its id")
}

#[tokio::test]
async fn nights_round_a_year_end_leave_seven_dailies_the_quarterly_and_the_annual() {
    let cloud = Cloud::up("retention", &["Client=acme"]);
    let ec2 = cloud.ec2("us-east-1").await;
    let volumes = volumes(&ec2).await;
    let others = [("Night", "2020-01-02"), ("Interval", "Daily"), ("Intervals", "Daily")];
    let mut untouched = BTreeSet::from([foreign(&ec2, &volumes[0], &others).await]);
    untouched.insert(foreign(&ec2, &volumes[0], &[("BackupStack", "another"), others[0], others[1], others[2]]).await);
    let ours = ("BackupStack", cloud.exported("BACKUP_STACK"));
    let unreadable =
        foreign(&ec2, &volumes[0], &[(ours.0, &ours.1), ("Night", "long ago"), ("Interval", "Daily")]).await;
    untouched.insert(unreadable.clone());

    let december = (28..=31).map(|day| format!("2026-12-{day:02}"));
    let january = (1..=10).map(|day| format!("2027-01-{day:02}"));
    let mut last = serde_json::Value::Null;
    for night in december.chain(january) {
        let ended = cloud.night(json!({"time": format!("{night}T04:30:00Z")})).await;
        assert_eq!(ended.status, "SUCCEEDED", "{night}: {}", ended.cause);
        last = ended.report;
    }

    let left = cloud.snapshots().await;
    for volume in &volumes {
        let mine = ec2
            .describe_snapshots()
            .filters(aws_sdk_ec2::types::Filter::builder().name("volume-id").values(volume).build());
        let mine = mine.send().await.expect("snapshots");
        let nights: BTreeSet<_> = mine
            .snapshots()
            .iter()
            .map(|one| &left[one.snapshot_id().unwrap()])
            .filter(|tags| tags.get("BackupStack") == Some(&ours.1) && tags["Night"] != "long ago")
            .map(|tags| format!("{} {} {}", tags["Night"], tags["Interval"], tags["Intervals"]))
            .collect();
        let dailies = (4..=10).map(|day| format!("2027-01-{day:02} Daily Daily"));
        let kept = ["2026-12-31 Annual Daily+Annual".to_owned(), "2027-01-01 Quarterly Daily+Quarterly".to_owned()];
        assert_eq!(nights, kept.into_iter().chain(dailies).collect(), "{volume}");
    }
    assert!(untouched.iter().all(|id| left.contains_key(id)), "{untouched:?}");
    assert_eq!(last["regions"][0]["unreadable"][0]["snapshotId"], json!(unreadable));
    let expired: Vec<_> = last["regions"][0]["expired"].as_array().unwrap().iter().map(|one| &one["night"]).collect();
    assert_eq!(expired, ["2027-01-03", "2027-01-03"]);

    let named = left.values().filter(|tags| tags.get("Client").is_some());
    assert!(named.clone().count() == left.len() - untouched.len());
    assert!(named.into_iter().all(|tags| tags["Client"] == "acme" && tags["Name"].starts_with("vol-")));
}

#[tokio::test]
async fn a_night_that_finds_no_volume_is_no_success() {
    let cloud = Cloud::up("nothing", &["VolumeTag=Backpu=yes"]);
    let night = cloud.night(json!({})).await;
    assert_eq!((night.status.as_str(), night.error.as_str()), ("FAILED", "NightIncomplete"));
    assert_eq!(night.report["regions"][0]["failures"][0]["error"], "NothingSelected");
}

#[tokio::test]
async fn a_dry_run_changes_nothing_and_says_what_the_night_then_does() {
    let cloud = Cloud::up("dry-run", &["KeepDailies=2"]);
    for night in ["2026-05-18", "2026-05-19"] {
        cloud.night(json!({"time": format!("{night}T04:30:00Z")})).await;
    }
    let before = cloud.snapshots().await;

    let dry = cloud.night(json!({"time": "2026-05-20T04:30:00Z", "dryRun": true})).await;
    assert_eq!((dry.status.as_str(), cloud.snapshots().await), ("SUCCEEDED", before));
    let real = cloud.night(json!({"time": "2026-05-20T04:30:00Z"})).await;

    let ids = |report: &serde_json::Value, list: &str, key: &str| -> BTreeSet<String> {
        let list = report["regions"][0][list].as_array().expect("a list").clone();
        list.iter().map(|one| one[key].as_str().expect("an id").to_owned()).collect()
    };
    let planned = ids(&dry.report, "planned", "volumeId");
    assert_eq!((planned.len(), &planned), (2, &ids(&real.report, "protected", "volumeId")));
    let expired = ids(&dry.report, "expired", "snapshotId");
    assert_eq!((expired.len(), &expired), (2, &ids(&real.report, "expired", "snapshotId")));
}
