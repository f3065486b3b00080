//! A lost answer to each S3 call of each function, and an S3 that is unreachable.

use serde_json::json;
use std::collections::BTreeSet;
use strict_ec2::{Fault, Rules, StrictEc2};
use tests::{
    cloud::{Cloud, WITHOUT_SERVERS},
    lossy_proxy::LossyProxy,
};

/// A part of the name of each call, in the order of the run.
const CALLS: [&str; 13] = [
    "PUT work-list.jsonl",
    "PUT protected.jsonl",
    "PUT expired.jsonl",
    "PUT failed.jsonl",
    "PUT unreadable.jsonl",
    "GET manifest.json",
    "GET FAILED_0.jsonl",
    "GET work-list.jsonl",
    "GET protected.jsonl",
    "GET expired.jsonl",
    "GET unreadable.jsonl",
    "PUT report.json",
    "PUT summary.json",
];

fn is(call: &str, wanted: &str) -> bool {
    let (method, name) = wanted.split_once(' ').expect("a method and a name");
    call.starts_with(method) && call.contains(name)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_of_s3_is_tried_again_and_an_outage_is_mailed() {
    let (strict, hop) = (StrictEc2::listen(Rules::default()), LossyProxy::listen());
    let variables = [("AWS_ENDPOINT_URL_EC2", strict.url.as_str()), ("AWS_ENDPOINT_URL_S3", &hop.url), WITHOUT_SERVERS];
    let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let cloud = Cloud::down("lost", variables.into());
    hop.forward_to(&cloud.ministack());
    assert!(cloud.run("up", &["Keep=Daily=1,Quarterly=5,Annual=forever"]).status.success());
    strict.forward_to(&cloud.ministack());
    cloud.attach_volumes(2).await;
    let mailbox = cloud.mailbox().await;
    assert_eq!(cloud.night(json!({"time": "2027-02-01T04:30:00Z"})).await.status, "SUCCEEDED");

    let mut seen = BTreeSet::new();
    for (day, wanted) in (2..).zip(CALLS) {
        let (tell, told) = std::sync::mpsc::channel();
        let mut lost = false;
        hop.lose(move |call| {
            let now = !lost && is(call, wanted);
            if now {
                lost = true;
                let _ = tell.send(());
            }
            now
        });
        // The results of failed children are only read if a child failed. An empty list is not read.
        let fails = wanted == "GET FAILED_0.jsonl";
        strict.clear_faults();
        strict.inject(Fault::Denied, move |call| fails && call.action == "CreateSnapshot" && call.number % 2 == 1);
        let night = cloud.night(json!({"time": format!("2027-02-{day:02}T04:30:00Z")})).await;
        assert_eq!(night.status, if fails { "FAILED" } else { "SUCCEEDED" }, "{wanted}: {}", night.cause);
        let region = &night.report["regions"][0];
        let protected = region["protected"].as_array().map(Vec::len);
        assert_eq!(protected, Some(if fails { 1 } else { 2 }), "{wanted}: {region}");
        if told.try_recv().is_ok() {
            seen.insert(wanted);
        }
        assert_eq!(cloud.mail(&mailbox).await.len(), usize::from(fails), "{wanted}");
    }
    let unread = BTreeSet::from(["GET protected.jsonl", "GET unreadable.jsonl"]);
    assert_eq!(CALLS.into_iter().filter(|call| !seen.contains(call)).collect::<BTreeSet<_>>(), unread);

    // Every attempt to write the report fails, and an email says so.
    hop.lose(|call| is(call, "PUT report.json"));
    let input = json!({"time": "2027-02-20T04:30:00Z"});
    assert_eq!(cloud.night(input.clone()).await.status, "FAILED");
    let mail = cloud.mail(&mailbox).await;
    let told = ["failed before its report: Transient: ", "/report.json: PutObject: "];
    assert!(mail.len() == 1 && told.iter().all(|text| mail[0].1.contains(text)), "{mail:?}");
    hop.lose(|_| false);
    let again = cloud.night(input).await;
    assert_eq!(again.status, "SUCCEEDED", "{}", again.cause);
}
