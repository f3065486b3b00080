//! Sets a rule and a fault over HTTP, as a test in another language does, and reads the calls.
//!
//! Start a local cloud and `strict-ec2 --upstream <its URL> --listen 127.0.0.1:4600`, then run
//! `cargo run --example control_endpoint -- http://127.0.0.1:4600`.

use serde_json::{Value, json};
use std::error::Error;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let url = std::env::args().nth(1).ok_or("Name the URL that strict-ec2 printed.")?;
    let client = reqwest::Client::builder().no_proxy().build()?;
    let control = |path: &str| format!("{url}/_strict-ec2/{path}");

    let rules = json!({"page": 3, "between_snapshots_ms": 15_000});
    client.put(control("rules")).body(rules.to_string()).send().await?.error_for_status()?;
    let fault = json!({"fault": "lost_answer", "match": {"action": "DescribeVolumes", "times": 1}});
    client.post(control("faults")).body(fault.to_string()).send().await?.error_for_status()?;

    for _ in 0..2 {
        let call = client.post(&url).body("Action=DescribeVolumes&Version=2016-11-15&MaxResults=5").send().await;
        match call {
            Ok(answer) => println!("DescribeVolumes was answered with status {}", answer.status()),
            Err(_) => println!("DescribeVolumes was not answered"),
        }
    }
    let calls: Value = serde_json::from_str(&client.get(control("calls")).send().await?.text().await?)?;
    println!("{calls:#}");
    Ok(())
}
