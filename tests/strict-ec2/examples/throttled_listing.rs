//! Lists every snapshot through short pages and a small token bucket, and retries the throttled calls.
//!
//! Start a local cloud, then run `cargo run --example throttled_listing -- http://127.0.0.1:5000`.

use std::{error::Error, time::Duration};
use strict_ec2::{Rules, StrictEc2, Throttle};
use xmltree::Element;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let upstream = std::env::args().nth(1).ok_or("Name the URL of the local cloud's EC2.")?;
    let throttle = Throttle::times(1.0).burst(3);
    let ec2 = StrictEc2::listen(Rules::default().page(5).empty_pages().throttle(throttle));
    ec2.forward_to(&upstream);

    let client = reqwest::Client::builder().no_proxy().build()?;
    let (mut snapshots, mut pages, mut token) = (0, 0, String::new());
    loop {
        let page = describe_snapshots(&client, &ec2.url, &token).await?;
        pages += 1;
        snapshots += page.get_child("snapshotSet").map_or(0, |set| set.children.len());
        token = page.get_child("nextToken").and_then(Element::get_text).unwrap_or_default().into_owned();
        if token.is_empty() {
            break;
        }
    }
    let throttled = ec2.calls().iter().filter(|call| call.answer == "RequestLimitExceeded").count();
    println!("{snapshots} snapshots on {pages} pages; {throttled} calls were throttled");
    Ok(())
}

/// Returns one page. Retries while EC2 throttles.
async fn describe_snapshots(client: &reqwest::Client, url: &str, token: &str) -> Result<Element, Box<dyn Error>> {
    let signature = "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/ec2/aws4_request, Signature=0";
    loop {
        let body = format!("Action=DescribeSnapshots&Version=2016-11-15&Owner.1=self&MaxResults=100&NextToken={token}");
        let request = client.post(url).header("authorization", signature);
        let answer = request.header("content-type", "application/x-www-form-urlencoded").body(body).send().await?;
        if answer.status() == 503 {
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        }
        return Ok(Element::parse(answer.error_for_status()?.text().await?.as_bytes())?);
    }
}
