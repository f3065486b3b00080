//! The selection of volumes.

use aws_sdk_ec2::types::Tag;
use serde_json::json;
use tests::cloud::Cloud;

/// Needs the VolumeTag `Role=db=primary`.
pub async fn a_volume_tag_narrows_the_night_and_one_that_matches_nothing_is_no_success(cloud: Cloud) {
    let night = cloud.night(json!({})).await;
    assert_eq!((night.status.as_str(), night.error.as_str()), ("FAILED", "NightIncomplete"));
    assert_eq!(night.report["regions"][0]["failures"][0]["reason"]["code"], "NothingSelected");

    let ec2 = cloud.ec2(cloud.region).await;
    let volumes = ec2.describe_volumes().send().await.expect("volumes");
    let chosen = volumes.volumes()[0].volume_id().expect("an id");
    let role = Tag::builder().key("Role").value("db=primary").build();
    ec2.create_tags().resources(chosen).tags(role).send().await.expect("tagged");
    let night = cloud.night(json!({})).await;
    assert_eq!(night.status, "SUCCEEDED", "{}", night.cause);
    let protected = night.report["regions"][0]["protected"].as_array().expect("a list").clone();
    assert_eq!((protected.len(), &protected[0]["volumeId"]), (1, &json!(chosen)));
    falls_out(&cloud, chosen).await;
}

/// Tests a volume that loses its tag. One email reports it, not as a failure, and `coverage` still lists it.
async fn falls_out(cloud: &Cloud, chosen: &str) {
    let ec2 = cloud.ec2(cloud.region).await;
    let volumes = ec2.describe_volumes().send().await.expect("volumes");
    let ids = volumes.volumes().iter().filter_map(|volume| volume.volume_id());
    let other = ids.into_iter().find(|id| *id != chosen).expect("another volume");
    let role = |value| Tag::builder().key("Role").value(value).build();
    ec2.create_tags().resources(other).tags(role("db=primary")).send().await.expect("tagged");
    assert_eq!(cloud.night(json!({"time": "2027-01-02T04:30:00Z"})).await.status, "SUCCEEDED");
    ec2.create_tags().resources(other).tags(role("web")).send().await.expect("tagged");

    let night = cloud.night(json!({"time": "2027-01-03T04:30:00Z"})).await;
    let deselected = &night.report["regions"][0]["deselected"];
    assert_eq!((night.status.as_str(), &deselected[0]["volumeId"]), ("SUCCEEDED", &json!(other)), "{}", night.report);
    let subject = night.report["mail"]["subject"].as_str().unwrap_or_default();
    assert!(subject.ends_with("1 volume no longer backed up"), "{subject}");
    let next = cloud.night(json!({"time": "2027-01-04T04:30:00Z"})).await;
    assert!(next.report["mail"].is_null(), "{}", next.report);

    let coverage = cloud.nightly(&["coverage"]);
    let text = String::from_utf8_lossy(&coverage.stdout);
    assert_eq!(coverage.status.code(), Some(0), "{text}");
    assert!(text.contains("no longer backed up") && text.contains(other), "{text}");
}
