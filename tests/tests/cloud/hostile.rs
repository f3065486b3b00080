//! Hostile data: tags that look like code, invalid volume IDs, and a tampered ledger.

use aws_sdk_ec2::types::Tag;
use aws_sdk_s3::primitives::ByteStream;
use serde_json::json;
use std::{collections::BTreeMap, sync::Arc};
use strict_ec2::{Fault, Rules, StrictEc2};
use tests::{
    cloud::{Cloud, WITHOUT_SERVERS},
    wait,
};

async fn cloud(name: &str, parameters: &[&str]) -> (Cloud, StrictEc2, String) {
    let strict = StrictEc2::listen(Rules::default());
    let cloud = Cloud::up_with(name, parameters, &[("AWS_ENDPOINT_URL_EC2", &strict.url), WITHOUT_SERVERS]);
    strict.forward_to(&cloud.ministack());
    let mailbox = cloud.mailbox().await;
    (cloud, strict, mailbox)
}

async fn snapshot_tags(cloud: &Cloud) -> Vec<BTreeMap<String, String>> {
    let ec2 = cloud.ec2_at(cloud.ministack(), "us-east-1").await;
    let listed = ec2.describe_snapshots().owner_ids("self").send().await.expect("snapshots");
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    let tags = |tags: &[Tag]| tags.iter().map(|tag| (text(tag.key()), text(tag.value()))).collect();
    listed.snapshots().iter().map(|one| tags(one.tags())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn tags_that_look_like_code_are_copied_as_they_are_and_an_email_keeps_its_lines() {
    let (cloud, strict, mailbox) = cloud("hostile-tags", &[]).await;
    let volume = cloud.attach_volumes(1).await.remove(0);
    let tags = [
        ("Name", "web\nUNPROTECTED: none\u{2028}\"quoted\" 'and' ${AWS::StackName} $.volume $$.Execution".to_owned()),
        ("Description", "🦀".repeat(256)),
        ("region.$", "$.nothing".to_owned()),
        ("{\"json\":", "}{\\u0000\\".to_owned()),
        ("States.Format('{}')", "\u{85}\t \u{202e}".to_owned()),
        ("Empty", String::new()),
    ];
    let ec2 = cloud.ec2_at(cloud.ministack(), "us-east-1").await;
    for (key, value) in &tags {
        let tag = Tag::builder().key(*key).value(value).build();
        ec2.create_tags().resources(&volume).tags(tag).send().await.expect("tagged");
    }

    strict.inject(Fault::Denied, |call| call.action == "CreateSnapshot" && call.number == 1);
    let night = cloud.night(json!({"time": "2027-02-01T04:30:00Z"})).await;
    assert_eq!(night.error, "NightIncomplete", "{}", night.cause);
    let mail = cloud.mail(&mailbox).await;
    let lines: Vec<_> = mail[0].1.lines().filter(|line| line.contains("UNPROTECTED")).collect();
    assert!(lines.len() == 1 && lines[0].starts_with(&format!("  - {volume}")), "{lines:?}");

    let night = cloud.night(json!({"time": "2027-02-01T04:30:00Z"})).await;
    assert_eq!(night.status, "SUCCEEDED", "{}", night.cause);
    assert_eq!(night.report["regions"][0]["protected"][0]["name"], json!(tags[0].1));
    let [made] = &snapshot_tags(&cloud).await[..] else { panic!("one snapshot") };
    for (key, value) in &tags {
        assert_eq!(made.get(*key), Some(value), "{key}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_volume_id_that_is_none_is_named_and_stops_no_other() {
    let (cloud, strict, mailbox) = cloud("hostile-ids", &[]).await;
    let volume = cloud.attach_volumes(1).await.remove(0);
    // In the order of the report.
    let ids = ["$.volume", "../../etc/passwd", "snap-0123456789abcdef0", "v", "vol-\"';--", "vol-${x}"];
    let items: String =
        [volume.as_str()].iter().chain(&ids).map(|id| format!("<item><volumeId>{id}</volumeId></item>")).collect();
    let answer = format!("<DescribeVolumesResponse><volumeSet>{items}</volumeSet></DescribeVolumesResponse>");
    strict.inject(Fault::Says(answer), |call| call.action == "DescribeVolumes" && !call.filters().is_empty());
    let night = cloud.night(json!({"time": "2027-02-01T04:30:00Z"})).await;
    assert_eq!(night.error, "NightIncomplete", "{}", night.cause);
    let region = &night.report["regions"][0];
    assert_eq!(region["protected"][0]["volumeId"], json!(volume));
    let unprotected = region["unprotected"].as_array().expect("a list");
    assert_eq!(unprotected.len(), ids.len());
    for (id, told) in ids.iter().zip(unprotected) {
        let reason = told["reason"]["message"].as_str().expect("a reason");
        assert!(told["volumeId"] == json!(id) && reason.starts_with("CreateSnapshot: InvalidVolume"), "{told}");
    }
    let mail = cloud.mail(&mailbox).await;
    assert!(mail.len() == 1 && ids.iter().all(|id| mail[0].1.contains(id)), "{mail:?}");
}

/// Changes the work list of the first Region after it is written and before it is read, while the discovery of the second Region waits.
fn tamper(strict: &StrictEc2, s3: aws_sdk_s3::Client, bucket: String, prefix: String, contents: Option<&'static str>) {
    let s3 = Arc::new(s3);
    strict.before(move |call| {
        let (s3, bucket, prefix) = (s3.clone(), bucket.clone(), prefix.clone());
        Box::pin(async move {
            if call.action != "DescribeVolumes" || call.region != "eu-west-1" || call.filters().is_empty() {
                return;
            }
            let deadline = wait::Deadline::new("the work list of us-east-1");
            let key = loop {
                let listed = s3.list_objects_v2().bucket(&bucket).prefix(&prefix).send().await.expect("the ledger");
                let mut keys = listed.contents().iter().filter_map(|object| object.key());
                if let Some(key) = keys.find(|key| key.ends_with("us-east-1/work-list.jsonl")) {
                    break key.to_owned();
                }
                deadline.pause().await;
            };
            match contents {
                None => drop(s3.delete_object().bucket(&bucket).key(key).send().await.expect("deleted")),
                Some(text) => {
                    let body = ByteStream::from_static(text.as_bytes());
                    s3.put_object().bucket(&bucket).key(key).body(body).send().await.expect("written");
                }
            }
        })
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_work_list_that_is_missing_cut_short_or_no_json_is_told_and_loses_nothing() {
    let (cloud, strict, mailbox) = cloud("hostile-ledger", &["Regions=us-east-1,eu-west-1"]).await;
    let volumes = cloud.attach_volumes(2).await;
    let s3 = || async { aws_sdk_s3::Client::new(&cloud.aws().await) };
    let cut = "{\"volumeId\":\"vol-1\",\"instances\":[],\"tags\":{}}\n";
    for (day, contents) in (1..).zip([None, Some(cut), Some("{\"volumeId\": "), Some("[1, 2]\nnull\n"), Some("")]) {
        let night = format!("2027-02-{day:02}");
        let input = json!({"time": format!("{night}T04:30:00Z")});
        tamper(&strict, s3().await, cloud.exported("LEDGER_BUCKET"), format!("nights/{night}/"), contents);
        let night = cloud.night(input.clone()).await;
        assert_eq!(night.status, "FAILED", "{contents:?}");
        let mail = cloud.mail(&mailbox).await;
        assert_eq!(mail.len(), 1, "{contents:?}: {mail:?}");
        // If a line is not JSON, the Map of the local engine fails with an error that it cannot catch. On AWS it is States.ItemReaderFailed.
        let told = ["us-east-1/work-list.jsonl", "States.MapFailed: Expecting value"];
        assert!(told.iter().any(|text| mail[0].1.contains(text)), "{contents:?}: {mail:?}");

        strict.before(|_| Box::pin(async {}));
        let again = cloud.night(input).await;
        assert_eq!(again.status, "SUCCEEDED", "{contents:?}: {}", again.cause);
        assert!(cloud.mail(&mailbox).await.is_empty(), "{contents:?}: a complete run sends no email");
        let protected = again.report["regions"][0]["protected"].as_array().map(Vec::len);
        assert_eq!((protected, snapshot_tags(&cloud).await.len()), (Some(2), volumes.len() * day), "{contents:?}");
    }
}
