//! A local cloud for one test. `infra/local/up.py` starts it on free ports and deploys to it. It stops when it is dropped.
//! Tests that differ only in data share a cloud: [`Cloud::beside`] deploys another backup to it, in its own Region.

use aws_sdk_ec2::{
    config::{BehaviorVersion, Credentials, Region, SharedCredentialsProvider, SharedHttpClient},
    types::Tag,
};
use aws_types::SdkConfig;
use regex::Regex;
use serde_json::Value;
use std::{
    collections::{BTreeMap, HashMap},
    fs::File,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::OnceLock,
    time::{Duration, Instant},
};

use crate::root;

/// Maximum duration of an execution in a test.
const LONGEST_EXECUTION: Duration = Duration::from_secs(300);

/// Environment variable of a cloud without environment and without moto. Its test creates the volumes in ministack's EC2.
pub const WITHOUT_SERVERS: (&str, &str) = ("WITHOUT_SERVERS", "1");

/// A backup on a local cloud.
pub struct Cloud {
    /// Directory of the cloud's files.
    pub directory: PathBuf,
    /// Port of ministack. moto has the next port.
    pub port: u16,
    /// Region of the backup's stack.
    pub region: &'static str,
    /// Name of the stack, if it is not the first backup of the cloud.
    stack: Option<String>,
    variables: Vec<(String, String)>,
    /// Lock that reserves the ports while the cloud may run.
    ports: Option<File>,
    /// Shared by all clients, because it holds the connections.
    http: OnceLock<SharedHttpClient>,
}

/// A run that has ended.
#[derive(Debug)]
pub struct Night {
    /// Execution ARN.
    pub execution: String,
    /// `SUCCEEDED`, `FAILED`, …
    pub status: String,
    /// Error name, if the run failed.
    pub error: String,
    /// Cause, if the run failed.
    pub cause: String,
    /// Report, or null if the run wrote none.
    pub report: Value,
}

impl Cloud {
    /// Starts a cloud named after its test, and deploys the templates with these parameters of backup.yaml.
    pub fn up(name: &str, parameters: &[&str]) -> Self {
        Self::up_with(name, parameters, &[])
    }

    /// Starts a cloud like [`Cloud::up`], with environment variables that the local cloud and its functions inherit.
    pub fn up_with(name: &str, parameters: &[&str], variables: &[(&str, &str)]) -> Self {
        let owned = |(key, value): &(&str, &str)| (key.to_string(), value.to_string());
        let cloud = Self::down(name, variables.iter().map(owned).collect());
        let output = cloud.run("up", parameters);
        assert!(output.status.success(), "up: {}", String::from_utf8_lossy(&output.stderr));
        cloud
    }

    /// Returns a cloud that is not started yet.
    pub fn down(name: &str, variables: Vec<(String, String)>) -> Self {
        let directory = root().join("target/tests").join(name);
        let _ = std::fs::remove_dir_all(&directory);
        let (port, ports) = free_ports();
        let http = OnceLock::new();
        Self { directory, port, region: "us-east-1", stack: None, variables, ports: Some(ports), http }
    }

    /// Deploys another backup to this cloud, with its own stack, Region and two servers.
    pub fn beside(&self, stack: &str, region: &'static str, parameters: &[&str]) -> Self {
        let cloud = Self {
            directory: self.directory.clone(),
            port: self.port,
            region,
            stack: Some(stack.to_owned()),
            variables: self.variables.clone(),
            ports: None,
            http: OnceLock::new(),
        };
        let output = cloud.run("up", parameters);
        assert!(output.status.success(), "up: {}", String::from_utf8_lossy(&output.stderr));
        cloud
    }

    /// Returns the name of the backup's stack.
    pub fn stack(&self) -> &str {
        self.stack.as_deref().unwrap_or("nightly-backup")
    }

    /// Returns the path of the file with the variables that `up` exports.
    fn env_file(&self) -> PathBuf {
        self.directory.join(self.stack.as_ref().map_or("env".to_owned(), |stack| format!("env-{stack}")))
    }

    /// Runs `infra/local/<script>.py` for this cloud. Retry pauses are skipped: `SFN_WAIT_SCALE=0`.
    pub fn run(&self, script: &str, arguments: &[&str]) -> Output {
        self.command(&root(), script, arguments).output().expect("python of target/venv")
    }

    /// Returns the command of a script in another checkout.
    pub fn command(&self, checkout: &Path, script: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(root().join("target/venv/bin/python"));
        command.arg(checkout.join("infra/local").join(script).with_extension("py")).args(arguments);
        command.current_dir(checkout).envs(self.env());
        command
    }

    /// Runs `nightly` with the variables that `up` exports, like a person after `. env`.
    pub fn nightly(&self, arguments: &[&str]) -> Output {
        self.nightly_command(arguments).output().expect("sh")
    }

    /// Returns the command that [`Cloud::nightly`] runs.
    pub fn nightly_command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", ". \"$0\"; exec nightly \"$@\""]).arg(self.env_file()).args(arguments);
        command.current_dir(root());
        command
    }

    /// Returns the variables that select this cloud for the scripts and for make.
    pub fn env(&self) -> impl Iterator<Item = (String, String)> {
        let ours = [
            ("LOCAL_DIR", self.directory.display().to_string()),
            ("PORT", self.port.to_string()),
            ("SFN_WAIT_SCALE", "0".to_owned()),
        ];
        let beside = self.stack.iter().flat_map(|stack| [("STACK", stack.clone()), ("REGION", self.region.to_owned())]);
        ours.into_iter().chain(beside).map(|(key, value)| (key.to_owned(), value)).chain(self.variables.iter().cloned())
    }

    /// Returns the URL of ministack, which has every service. Its EC2 has no servers, and is faster with many snapshots.
    pub fn ministack(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Returns the URL of moto, whose EC2 has the servers.
    pub fn moto(&self) -> String {
        format!("http://127.0.0.1:{}", self.port + 1)
    }

    /// Returns the template of a stack at one of the two endpoints, as `up` deployed it. moto does not read every short form of YAML.
    pub fn template(&self, endpoint: &str, stack: &str) -> Value {
        let mut command = Command::new(root().join("target/venv/bin/aws"));
        command.args(["cloudformation", "get-template", "--stack-name", stack, "--query", "TemplateBody"]);
        command.args(["--template-stage", "Original"]);
        command.args(["--output", "json", "--endpoint-url", endpoint]);
        for (key, value) in [("DEFAULT_REGION", self.region), ("ACCESS_KEY_ID", "test"), ("SECRET_ACCESS_KEY", "test")]
        {
            command.env(format!("AWS_{key}"), value);
        }
        let output = command.output().expect("the AWS CLI of target/venv");
        assert!(output.status.success(), "get-template: {}", String::from_utf8_lossy(&output.stderr));
        match serde_json::from_slice(&output.stdout).expect("JSON") {
            Value::String(text) => serde_json::from_str(&text).expect("JSON"),
            template => template,
        }
    }

    /// Returns a variable of the `env` file.
    pub fn exported(&self, name: &str) -> String {
        let text = std::fs::read_to_string(self.env_file()).expect("up writes env");
        let exports = text.lines().filter_map(|line| line.strip_prefix("export ")?.split_once('='));
        exports.collect::<HashMap<_, _>>().get(name).unwrap_or_else(|| panic!("{name} in {text}")).to_string()
    }

    fn config(&self, endpoint: String, region: &'static str) -> SdkConfig {
        let http = self.http.get_or_init(|| aws_smithy_http_client::Builder::new().build_http());
        let credentials = Credentials::new("test", "test", None, None, "test");
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .http_client(http.clone())
            .region(Region::new(region))
            .endpoint_url(endpoint)
            .build()
    }

    /// Returns the URL of the EC2 that has the volumes: ministack's for a cloud without servers, otherwise moto's.
    pub fn ec2_url(&self) -> String {
        let is_without_servers = self.variables.iter().any(|(name, _)| name == WITHOUT_SERVERS.0);
        if is_without_servers { self.ministack() } else { self.moto() }
    }

    /// Returns a client of the EC2 that has the volumes.
    pub async fn ec2(&self, region: &'static str) -> aws_sdk_ec2::Client {
        self.ec2_at(self.ec2_url(), region).await
    }

    /// Returns a client of the EC2 at this URL.
    pub async fn ec2_at(&self, endpoint: String, region: &'static str) -> aws_sdk_ec2::Client {
        aws_sdk_ec2::Client::new(&self.config(endpoint, region))
    }

    /// Starts this many servers in ministack's EC2, each with a volume. Returns the IDs of all its volumes.
    pub async fn attach_volumes(&self, count: usize) -> Vec<String> {
        let ec2 = self.ec2_at(self.ministack(), "us-east-1").await;
        let count = count.try_into().expect("a number of EC2's");
        let run = ec2.run_instances().image_id("ami-12345678").min_count(count).max_count(count).send();
        run.await.expect("the servers");
        let listed = ec2.describe_volumes().send().await.expect("the volumes");
        listed.volumes().iter().map(|volume| volume.volume_id().expect("an id").to_owned()).collect()
    }

    /// Returns the instance IDs of the servers.
    pub async fn servers(&self) -> Vec<String> {
        let listed = self.ec2(self.region).await.describe_instances().send().await.expect("the servers");
        let servers = listed.reservations().iter().flat_map(|reservation| reservation.instances());
        servers.map(|server| server.instance_id().expect("an id").to_owned()).collect()
    }

    /// Returns the tags of every snapshot by snapshot ID.
    pub async fn snapshots(&self) -> BTreeMap<String, BTreeMap<String, String>> {
        let pages = self.ec2(self.region).await.describe_snapshots().owner_ids("self").into_paginator().items().send();
        let snapshots = pages.collect::<Result<Vec<_>, _>>().await.expect("snapshots");
        let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
        let tags = |tags: &[Tag]| tags.iter().map(|tag| (text(tag.key()), text(tag.value()))).collect();
        snapshots.iter().map(|snapshot| (text(snapshot.snapshot_id()), tags(snapshot.tags()))).collect()
    }

    /// Returns the SDK configuration for every service except EC2.
    pub async fn aws(&self) -> SdkConfig {
        self.aws_in(self.region).await
    }

    /// Returns the configuration of [`Cloud::aws`] for another Region.
    pub async fn aws_in(&self, region: &'static str) -> SdkConfig {
        self.config(self.ministack(), region)
    }

    /// Starts a run and waits until it ends.
    pub async fn night(&self, input: Value) -> Night {
        self.ended(self.start("STATE_MACHINE_ARN", input).await).await
    }

    /// Starts a restore drill and waits until it ends.
    pub async fn drill(&self, input: Value) -> Night {
        self.ended(self.start("DRILL_STATE_MACHINE_ARN", input).await).await
    }

    /// Starts the state machine that `up` exports under this name. Returns the execution ARN.
    pub async fn start(&self, machine: &str, input: Value) -> String {
        let sfn = aws_sdk_sfn::Client::new(&self.aws().await);
        let machine = self.exported(machine);
        let started = sfn.start_execution().state_machine_arn(machine).input(input.to_string()).send().await;
        started.expect("it starts").execution_arn
    }

    /// Waits until an execution ends.
    pub async fn ended(&self, execution: String) -> Night {
        let aws = self.aws().await;
        let sfn = aws_sdk_sfn::Client::new(&aws);
        let deadline = Instant::now() + LONGEST_EXECUTION;
        loop {
            assert!(Instant::now() < deadline, "{execution} still runs after {LONGEST_EXECUTION:?}");
            let now = sfn.describe_execution().execution_arn(&execution).send().await.expect("the execution");
            if now.status.as_str() != "RUNNING" {
                let said = now.error.clone().unwrap_or_default();
                let (status, cause) = (now.status.to_string(), now.cause.unwrap_or_default());
                let report = self.report(&format!("{} {cause}", now.output.unwrap_or_default())).await;
                return Night { execution, status, error: said, cause, report };
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Reads the report that the output or the cause of an execution names.
    pub async fn report(&self, said: &str) -> Value {
        let place = Regex::new(r"s3://([^/]+)/(\S+/report\.json)").expect("a pattern");
        let Some(place) = place.captures(said) else { return Value::Null };
        let s3 = aws_sdk_s3::Client::new(&self.aws().await);
        let object = s3.get_object().bucket(&place[1]).key(&place[2]).send().await.expect("the report");
        serde_json::from_slice(&object.body.collect().await.expect("its body").into_bytes()).expect("JSON")
    }

    /// Returns the child executions of a run's Map Runs as `(status, input, error, cause)`.
    pub async fn children(&self, execution: &str) -> Vec<(String, Value, String, String)> {
        let aws = self.aws().await;
        let sfn = aws_sdk_sfn::Client::new(&aws);
        let runs = sfn.list_map_runs().execution_arn(execution).send().await.expect("the Map Runs").map_runs;
        let mut children = Vec::new();
        for run in runs {
            let listed = sfn.list_executions().map_run_arn(run.map_run_arn).into_paginator().items().send();
            for child in listed.collect::<Result<Vec<_>, _>>().await.expect("the children") {
                let child = sfn.describe_execution().execution_arn(child.execution_arn).send().await.expect("a child");
                let input = serde_json::from_str(&child.input.unwrap_or_default()).expect("JSON");
                let (error, cause) = (child.error.unwrap_or_default(), child.cause.unwrap_or_default());
                children.push((child.status.to_string(), input, error, cause));
            }
        }
        children
    }

    /// Subscribes a queue to the topic. Returns the queue URL.
    pub async fn mailbox(&self) -> String {
        let aws = self.aws().await;
        let queue = aws_sdk_sqs::Client::new(&aws).create_queue().queue_name("mailbox").send().await;
        let url = queue.expect("a queue").queue_url.expect("its address");
        let topic = self.exported("TOPIC_ARN");
        let arn = format!("arn:aws:sqs:{}:000000000000:mailbox", self.region);
        let subscribe = aws_sdk_sns::Client::new(&aws).subscribe().topic_arn(topic).protocol("sqs").endpoint(arn);
        subscribe.send().await.expect("a subscription");
        url
    }

    /// Receives every message in the queue, as `(subject, message)`.
    pub async fn mail(&self, queue: &str) -> Vec<(String, String)> {
        let sqs = aws_sdk_sqs::Client::new(&self.aws().await);
        let received = sqs.receive_message().queue_url(queue).max_number_of_messages(10).wait_time_seconds(1);
        let messages = received.send().await.expect("the queue").messages.unwrap_or_default();
        for message in &messages {
            let handle = message.receipt_handle().expect("a handle");
            sqs.delete_message().queue_url(queue).receipt_handle(handle).send().await.expect("deleted");
        }
        let bodies =
            messages.iter().map(|message| serde_json::from_str::<Value>(message.body().unwrap()).expect("JSON"));
        let text = |body: &Value, field: &str| body[field].as_str().unwrap_or_default().to_owned();
        bodies.map(|body| (text(&body, "Subject"), text(&body, "Message"))).collect()
    }
}

impl Drop for Cloud {
    fn drop(&mut self) {
        if self.ports.is_some() {
            self.run("down", &[]);
        }
    }
}

/// Finds two consecutive free ports. Returns the first, and the lock that reserves both. They are below the ephemeral ports of the
/// system.
fn free_ports() -> (u16, File) {
    let locks = std::env::temp_dir().join("nightly-tests-ports");
    std::fs::create_dir_all(&locks).expect("a directory of locks");
    let is_free = |port: u16| [port, port + 1].iter().all(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok());
    let mut pairs = (20_000..30_000).step_by(2).filter_map(|port| {
        let lock = File::create(locks.join(port.to_string())).expect("a lock");
        (lock.try_lock().is_ok() && is_free(port)).then_some((port, lock))
    });
    pairs.next().expect("two free ports in a row")
}
