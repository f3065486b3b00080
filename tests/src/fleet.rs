//! Measures runs of a fleet of any size on the local cloud: a first run, a second one, and one in which every snapshot expires.

use aws_sdk_ec2::types::Tag;
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    path::Path,
    time::{Duration, Instant},
};
use strict_ec2::{Rules, StrictEc2};

use crate::{
    cloud::{Cloud, Night, WITHOUT_SERVERS},
    history::Histories,
    lossy_proxy::LossyProxy,
};

/// Target size of a fleet's work list in bytes, which the number of tags for each volume is chosen for. The list exceeds one part of an
/// S3 upload and the buffer of a function. The volumes of a small fleet have the maximum number of tags.
const BYTES_OF_LISTS: usize = 12 * 1024 * 1024;
/// Bytes of one tag in a list, and the maximum number of tags of a volume.
const BYTES_OF_TAG: usize = 230;
const MOST_TAGS: usize = 45;
/// Maximum number of resources in one CreateTags call (AWSEC2 API reference, CreateTags).
const MOST_RESOURCES: usize = 1_000;

/// A fleet on its own cloud. The pages of its EC2 are as long as on AWS.
pub struct Fleet {
    pub cloud: Cloud,
    /// Volume IDs.
    pub volumes: Vec<String>,
    strict: StrictEc2,
    s3: LossyProxy,
}

/// The measurements of a run.
#[derive(Debug)]
pub struct Measured {
    pub night: Night,
    pub took: Duration,
    pub histories: Histories,
    /// Number of EC2 calls by action.
    pub ec2: BTreeMap<String, usize>,
    /// Number of S3 calls by method.
    pub s3: BTreeMap<String, usize>,
    /// Peak resident memory of each function in bytes, by logical ID. Empty if there is no `/proc`.
    pub memory: BTreeMap<String, usize>,
}

impl Fleet {
    /// Starts a cloud with this many servers, each with one volume.
    pub async fn new(name: &str, volumes: usize, page: usize) -> Self {
        let strict = StrictEc2::listen(Rules::default().page(page));
        let s3 = LossyProxy::listen();
        let variables =
            [("AWS_ENDPOINT_URL_EC2", strict.url.as_str()), ("AWS_ENDPOINT_URL_S3", &s3.url), WITHOUT_SERVERS];
        let cloud = Cloud::down(name, variables.map(|(key, value)| (key.to_owned(), value.to_owned())).to_vec());
        strict.forward_to(&cloud.ministack());
        s3.forward_to(&cloud.ministack());
        let mut fleet = Self { cloud, volumes: Vec::new(), strict, s3 };
        fleet.keep_dailies(7);
        fleet.volumes = fleet.cloud.attach_volumes(volumes).await;
        fleet.tag_volumes().await;
        fleet
    }

    /// Deploys the stack without a pace and with this number of dailies.
    pub fn keep_dailies(&self, count: usize) {
        let parameters =
            ["SnapshotsPerSecond=1000000".to_owned(), format!("Keep=Daily={count},Quarterly=5,Annual=forever")];
        let up = self.cloud.run("up", &parameters.each_ref().map(String::as_str));
        assert!(up.status.success(), "{}", String::from_utf8_lossy(&up.stderr));
    }

    async fn tag_volumes(&self) {
        let ec2 = self.cloud.ec2_at(self.cloud.ministack(), "us-east-1").await;
        let count = (BYTES_OF_LISTS / self.volumes.len() / BYTES_OF_TAG).clamp(1, MOST_TAGS);
        let tags: Vec<_> = (0..count)
            .map(|number| Tag::builder().key(format!("key-{number:02}")).value("v".repeat(BYTES_OF_TAG - 20)).build())
            .collect();
        for volumes in self.volumes.chunks(MOST_RESOURCES) {
            let tagged = ec2.create_tags().set_resources(Some(volumes.to_vec())).set_tags(Some(tags.clone())).send();
            tagged.await.expect("tagged");
        }
    }

    /// Runs a Night and measures it.
    pub async fn night(&self, night: &str) -> Measured {
        self.strict.forget_calls();
        self.s3.take_calls();
        let functions = Functions::new(&self.cloud);
        functions.forget_peaks();
        let began = Instant::now();
        let night = self.cloud.night(json!({"time": format!("{night}T04:30:00Z")})).await;
        let took = began.elapsed();
        let memory = Functions::new(&self.cloud).peaks();
        let (ec2, s3) = (self.strict.calls(), self.s3.take_calls());
        let histories = Histories::read(&self.cloud, &night.execution).await;
        let s3 = s3.iter().map(|call| call.split(' ').next().unwrap_or_default().to_owned());
        Measured {
            night,
            took,
            histories,
            ec2: counted(ec2.into_iter().map(|call| call.action)),
            s3: counted(s3),
            memory,
        }
    }
}

impl Measured {
    /// Returns the entry of the only Region in the report.
    pub fn region(&self) -> &Value {
        &self.night.report["regions"][0]
    }
}

fn counted(names: impl Iterator<Item = String>) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    names.for_each(|name| *counts.entry(name).or_default() += 1);
    counts
}

/// The function processes of a cloud: name and folder in `/proc`.
struct Functions(Vec<(String, std::path::PathBuf)>);

impl Functions {
    fn new(cloud: &Cloud) -> Self {
        let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten().map(|entry| entry.path());
        Self(processes.filter_map(|process| Some((function(cloud, &process)?, process))).collect())
    }

    /// Resets the recorded peaks (proc(5), "/proc/pid/clear_refs").
    fn forget_peaks(&self) {
        for (_, process) in &self.0 {
            let _ = std::fs::write(process.join("clear_refs"), "5");
        }
    }

    fn peaks(&self) -> BTreeMap<String, usize> {
        let mut peaks = BTreeMap::new();
        for (name, process) in &self.0 {
            let peak: &mut usize = peaks.entry(name.clone()).or_default();
            *peak = (*peak).max(peak_of(process).unwrap_or_default());
        }
        peaks
    }
}

/// Returns the logical ID of the function that a process runs for this cloud.
fn function(cloud: &Cloud, process: &Path) -> Option<String> {
    let binary = std::fs::read_link(process.join("exe")).ok()?;
    let environment = std::fs::read_to_string(process.join("environ")).ok()?;
    let name = environment.split('\0').find_map(|variable| variable.strip_prefix("AWS_LAMBDA_FUNCTION_NAME="))?;
    let name = name.split('-').find(|part| part.ends_with("Function"))?;
    binary.starts_with(&cloud.directory).then(|| name.to_owned())
}

/// Returns the peak resident memory of a process in bytes.
pub fn peak_of(process: &Path) -> Option<usize> {
    let status = std::fs::read_to_string(process.join("status")).ok()?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(peak.trim().trim_end_matches(" kB").parse::<usize>().ok()? * 1024)
}
