//! Which volumes the night is for.

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
}
