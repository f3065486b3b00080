//! Measures the functions that hold lists at the design's bound, one Region of 100,000 volumes. Each runs alone, without a state
//! machine. EC2 is an emulator, and S3 is that of the local cloud.

use aws_sdk_s3::Client;
use serde_json::{Value, json};
use std::{fmt::Write, process::Command, time::Duration};
use tests::{
    cloud::{Cloud, WITHOUT_SERVERS},
    root,
};

use crate::{
    lambda::{Function, prepare},
    region::{NIGHTS, Point, RARE, Region, VOLUMES},
};

/// Memory of each function in the template, in bytes.
const MEMORY: usize = 1_024 * 1_024 * 1_024;
const RESULTS: &str = "results";

/// The measurement of one function.
pub struct Alone {
    pub function: &'static str,
    /// Short description of the work.
    pub what: String,
    pub took: Duration,
    /// Peak resident memory in bytes.
    pub peak: usize,
    pub ec2_calls: usize,
}

struct BenchSetup {
    region: Region,
    s3: Client,
    bucket: String,
    endpoint: String,
}

/// Runs discover-volumes, find-expired and report-night on each other's output. A second report-night runs as if every CreateSnapshot had
/// failed.
pub async fn measure() -> Vec<Alone> {
    let cloud = Cloud::up_with("alone", &[], &[WITHOUT_SERVERS]);
    let (region, s3) = (Region::listen().await, Client::new(&cloud.aws().await));
    let ground = BenchSetup { region, s3, bucket: cloud.exported("LEDGER_BUCKET"), endpoint: cloud.ministack() };
    let execution = json!({"Id": "arn:aws:states:us-east-1:000000000000:execution:night:run", "Name": "run", "Input": {},
        "StartTime": format!("{}T04:30:00Z", NIGHTS[0])});

    let input = json!({"region": "us-east-1", "execution": execution});
    let (discovery, discovered) = ground.run("discover-volumes", "100,000 volumes", Point::Start, input).await;
    assert_eq!(discovery["workList"]["count"], VOLUMES);

    let mut input = discovery.clone();
    input["execution"] = execution.clone();
    let what = "500,000 snapshots, of which 100,000 expire";
    let (expiry, expired) = ground.run("find-expired", what, Point::Snapshotted, input).await;
    assert_eq!((&expiry["managed"], &expiry["expired"]["count"]), (&json!(VOLUMES * NIGHTS.len()), &json!(VOLUMES)));

    let key = discovery["workList"]["key"].as_str().expect("a key");
    let mut region = discovery.clone();
    region["expiry"] = expiry;
    region["results"] = json!({"SnapshotVolumes": {"key": format!("{RESULTS}/manifest.json")}});
    let input = json!({"execution": execution, "regions": [region]});
    let rare = VOLUMES / RARE;

    ground.write_results(key, |number| number.is_multiple_of(RARE)).await;
    let what = format!("100,000 volumes, {rare} of them without a snapshot");
    let (report, usual) = ground.run("report-night", &what, Point::End, input.clone()).await;
    assert!(text(&report["summary"]).contains(&format!("{rare} of {VOLUMES} volumes unprotected")), "{report}");

    ground.write_results(key, |_| true).await;
    let what = "100,000 volumes, none of them with a snapshot";
    let (report, failed) = ground.run("report-night", what, Point::EndWithoutSnapshots, input).await;
    assert!(text(&report["summary"]).contains(&format!("{VOLUMES} of {VOLUMES} volumes unprotected")), "{report}");

    let all = vec![discovered, expired, usual, failed];
    for one in &all {
        assert!(one.peak < MEMORY, "{} of {} needs {} bytes", one.function, one.what, one.peak);
    }
    all
}

impl BenchSetup {
    async fn run(&self, function: &'static str, what: &str, point: Point, input: Value) -> (Value, Alone) {
        let released = root().join(std::env::var("NIGHTLY_FUNCTIONS").expect("make bench sets NIGHTLY_FUNCTIONS"));
        let mut command = Command::new(released.join(function));
        prepare(&mut command, &self.endpoint);
        command
            .env("AWS_ENDPOINT_URL_EC2", &self.region.url)
            .env("LEDGER_BUCKET", &self.bucket)
            .env("KEEP", "Daily=4,Quarterly=5,Annual=forever");
        let mut process = Function::start(command).await;
        self.region.move_to(point);
        let (took, output) = process.invoke(&input).await;
        let (peak, ec2_calls) = (process.peak().unwrap_or_default(), self.region.move_to(point));
        (output, Alone { function, what: what.to_owned(), took, peak, ec2_calls })
    }

    /// Writes the results of a Map like Step Functions. The children of these volumes failed.
    async fn write_results(&self, work_list: &str, failed: impl Fn(usize) -> bool) {
        let list = self.s3.get_object().bucket(&self.bucket).key(work_list).send().await.expect("the work list");
        let list = list.body.collect().await.expect("the work list").into_bytes();
        let mut lines = String::new();
        for (number, line) in std::str::from_utf8(&list).expect("text").lines().enumerate() {
            if !failed(number) {
                continue;
            }
            let volume: Value = serde_json::from_str(line).expect("JSON");
            let input = json!({"region": "us-east-1", "night": NIGHTS[0], "volume": volume});
            let cause =
                json!({"errorType": "Refused", "errorMessage": "CreateSnapshot: UnauthorizedOperation: denied"});
            let child = json!({
                "ExecutionArn": format!("arn:aws:states:us-east-1:000000000000:execution:night/SnapshotVolumes:{number}"),
                "Name": number.to_string(), "Status": "FAILED", "Input": input.to_string(), "Error": "Refused",
                "Cause": cause.to_string(), "StartDate": "2026-05-20T04:31:00.000Z", "StopDate": "2026-05-20T04:31:01.000Z",
            });
            let _ = writeln!(lines, "{child}");
        }
        let file = format!("{RESULTS}/FAILED_0.json");
        let size = lines.len();
        self.put(&file, lines).await;
        let manifest = json!({"DestinationBucket": self.bucket, "ResultFiles":
            {"FAILED": [{"Key": file, "Size": size}], "PENDING": [], "SUCCEEDED": []}});
        self.put(&format!("{RESULTS}/manifest.json"), manifest.to_string()).await;
    }

    async fn put(&self, key: &str, text: String) {
        let put = self.s3.put_object().bucket(&self.bucket).key(key).body(text.into_bytes().into());
        put.send().await.expect("an object");
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
