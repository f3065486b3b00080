//! Each fault.

use std::time::Duration;
use strict_ec2::{Fault, Rules};

use crate::start;

#[tokio::test(flavor = "multi_thread")]
async fn each_fault_has_its_answer_and_its_effect() {
    let refused = Fault::Refused { status: 400, code: "Mine".into(), message: "no".into() };
    let faults = [
        (Fault::LostAnswer, "cut", 1),
        (Fault::ErrorAfterEffect, "InternalError", 1),
        (Fault::ServerError(500), "InternalError", 0),
        (Fault::ServerError(503), "Unavailable", 0),
        (Fault::Hang(Duration::from_millis(50)), "cut", 0),
        (Fault::Reset, "cut", 0),
        (Fault::Denied, "UnauthorizedOperation", 0),
        (Fault::Throttled, "RequestLimitExceeded", 0),
        (refused, "Mine", 0),
        (Fault::Malformed, "NotXml", 1),
    ];
    let (strict, ec2) = start(Rules::default());
    let volume = ec2.volume("gp3").await;
    for (fault, text, effect) in faults {
        let before = ec2.list("").await.0.len();
        strict.inject(fault.clone(), |call| call.action == "CreateSnapshot");
        let call = format!("Action=CreateSnapshot&VolumeId={volume}");
        assert_eq!(ec2.text(&call, &["nothing"]).await, text, "{fault:?}");
        strict.clear_faults();
        assert_eq!(ec2.list("").await.0.len() - before, effect, "{fault:?}");
    }
    assert!(ec2.snapshot(&volume).await.starts_with("snap-"));
    assert_eq!(strict.count("CreateSnapshot"), 11);
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_are_numbered_over_all_regions_and_in_each() {
    let strict = strict_ec2::StrictEc2::listen(Rules::default());
    let (sender, numbers) = std::sync::mpsc::channel();
    strict.inject(Fault::Denied, move |call| sender.send((call.number, call.number_in_region)).is_ok());
    let client = reqwest::Client::builder().no_proxy().timeout(crate::DEADLINE).build().expect("a client");
    for region in ["us-east-1", "eu-west-1", "us-east-1"] {
        let signature = format!("AWS4-HMAC-SHA256 Credential=test/20261123/{region}/ec2/aws4_request, Signature=0");
        let request = client.post(&strict.url).header("authorization", signature);
        request.body("Action=CreateSnapshot").send().await.expect("an answer in time");
    }
    assert_eq!(numbers.try_iter().collect::<Vec<_>>(), [(1, 1), (2, 1), (3, 2)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_upstream_replaces_the_first() {
    let (strict, ec2) = start(Rules::default());
    assert!(ec2.volume("gp3").await.starts_with("vol-"));
    strict.forward_to("http://127.0.0.1:1");
    assert_eq!(ec2.volume("gp3").await, "BadGateway");
}
