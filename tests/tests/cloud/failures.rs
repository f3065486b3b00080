//! If one volume fails, the others are protected and the failure is reported.

use aws_sdk_ec2::{Client, types::Volume};
use serde_json::json;
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};
use strict_ec2::{Fault, Rules, StrictEc2};
use tests::cloud::{Cloud, WITHOUT_SERVERS};

async fn volumes(ec2: &Client) -> Vec<(String, String)> {
    let listed = ec2.describe_volumes().send().await.expect("volumes");
    let server = |volume: &Volume| volume.attachments()[0].instance_id().expect("a server").to_owned();
    listed.volumes().iter().map(|volume| (volume.volume_id().expect("an id").to_owned(), server(volume))).collect()
}

async fn server_name(ec2: &Client, server: &str) -> String {
    let listed = ec2.describe_instances().instance_ids(server).send().await.expect("the server");
    let tags = listed.reservations()[0].instances()[0].tags();
    tags.iter().find(|tag| tag.key() == Some("Name")).and_then(|tag| tag.value()).expect("a name").to_owned()
}

async fn delete(ec2: &Client, volume: &str, server: &str) {
    let detach = ec2.detach_volume().volume_id(volume).instance_id(server).device("/dev/xvda");
    detach.send().await.expect("detached");
    ec2.delete_volume().volume_id(volume).send().await.expect("deleted");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_volume_that_cannot_be_snapshotted_is_red_named_and_mailed() {
    let strict = StrictEc2::listen(Rules::default());
    let cloud = Cloud::up_with("failures", &[], &[("AWS_ENDPOINT_URL_EC2", &strict.url)]);
    let ec2 = cloud.ec2("us-east-1").await;
    let all = volumes(&ec2).await;
    let (denied, server) = all[0].clone();
    strict.forward_to(&cloud.moto());
    let volume = denied.clone();
    strict.inject(Fault::Denied, move |call| call.action == "CreateSnapshot" && call.volume_id() == Some(&volume));
    let mailbox = cloud.mailbox().await;
    let name = server_name(&ec2, &server).await;

    let night = cloud.night(json!({"time": "2026-05-20T04:30:00Z"})).await;

    assert_eq!((night.status.as_str(), night.error.as_str()), ("FAILED", "NightIncomplete"));
    assert!(night.cause.starts_with("Night 2026-05-20: 1 of 2 volumes unprotected; report: s3://"), "{}", night.cause);
    let region = &night.report["regions"][0];
    assert_eq!(region["protected"].as_array().map(Vec::len), Some(1));
    assert_eq!(region["protected"][0]["volumeId"], json!(all[1].0));
    assert_eq!(region["unprotected"][0]["volumeId"], json!(denied));
    assert_eq!(region["failures"].as_array().map(Vec::len), Some(1), "the Map itself went on: {region}");

    let children = cloud.children(&night.execution).await;
    let red: Vec<_> = children.iter().filter(|(status, ..)| status == "FAILED").collect();
    assert_eq!((children.len(), red.len()), (2, 1));
    let (_, input, error, cause) = red[0];
    assert_eq!((&input["volume"]["volumeId"], error.as_str()), (&json!(denied), "Refused"));
    assert!(cause.contains("UnauthorizedOperation"), "{cause}");

    let mail = cloud.mail(&mailbox).await;
    assert_eq!(mail.len(), 1, "{mail:?}");
    let (subject, message) = &mail[0];
    assert_eq!(subject, "[nightly-backup] Night 2026-05-20: 1 of 2 volumes unprotected");
    assert!(message.contains(&format!("  - {denied} on {name} ({server}), us-east-1\n")), "{message}");
    assert!(message.contains("  error  CreateSnapshot: UnauthorizedOperation"), "{message}");
    assert!(!message.contains(&all[1].0), "{message}");

    strict.clear_faults();
    let again = cloud.night(json!({"time": "2026-05-20T04:30:00Z"})).await;
    assert_eq!(again.status, "SUCCEEDED", "{}", again.cause);
    assert!(cloud.mail(&mailbox).await.is_empty(), "a complete run sends no email");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_volume_that_somebody_deletes_during_the_run_is_gone_and_no_failure() {
    let strict = StrictEc2::listen(Rules::default());
    let cloud = Cloud::up_with("gone", &[], &[("AWS_ENDPOINT_URL_EC2", &strict.url)]);
    let ec2 = cloud.ec2("us-east-1").await;
    let all = volumes(&ec2).await;
    let (lost, server) = all[0].clone();
    let (going, victim, gone) = (ec2.clone(), (lost.clone(), server), Arc::new(AtomicBool::new(false)));
    strict.forward_to(&cloud.moto());
    strict.before(move |call| {
        let (ec2, (volume, server), gone) = (going.clone(), victim.clone(), gone.clone());
        Box::pin(async move {
            let now = call.action == "CreateSnapshot" && call.volume_id() == Some(&volume);
            if now && !gone.swap(true, Ordering::SeqCst) {
                delete(&ec2, &volume, &server).await;
            }
        })
    });
    let mailbox = cloud.mailbox().await;
    let night = cloud.night(json!({"time": "2026-05-20T04:30:00Z"})).await;
    assert_eq!(night.status, "SUCCEEDED", "{}", night.cause);
    let region = &night.report["regions"][0];
    assert_eq!(region["gone"][0]["volumeId"], json!(lost));
    assert_eq!((&region["unprotected"], &region["failures"]), (&json!([]), &json!([])));
    assert_eq!(region["protected"].as_array().map(Vec::len), Some(1));
    assert!(cloud.mail(&mailbox).await.is_empty(), "nobody has to do anything");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ec2_that_is_out_of_reach_fails_the_night_and_deletes_nothing() {
    let cloud = Cloud::up_with("outage", &[], &[("AWS_ENDPOINT_URL_EC2", "http://127.0.0.1:9"), WITHOUT_SERVERS]);
    let mailbox = cloud.mailbox().await;
    let night = cloud.night(json!({})).await;
    assert_eq!((night.status.as_str(), night.error.as_str()), ("FAILED", "NightIncomplete"));
    assert_eq!(night.report["regions"][0]["failures"][0]["step"], "DiscoverVolumes");
    let mail = cloud.mail(&mailbox).await;
    assert_eq!(mail.len(), 1, "{mail:?}");
    assert!(mail[0].0.ends_with(": 1 step failed") && mail[0].1.contains("Transient: DescribeRegions"), "{mail:?}");

    let followed = cloud.nightly(&["run"]);
    let said = String::from_utf8_lossy(&followed.stdout).into_owned();
    assert_eq!(followed.status.code(), Some(1), "{said}");
    assert!(
        said.contains("NOT COMPLETE") && said.contains("This email was sent:\n  Subject: [nightly-backup] Night"),
        "{said}"
    );
}
