//! `nightly deploy` and `nightly destroy` on moto's CloudFormation, which supports servers and nested stacks.

use std::process::{Command, Output};
use tests::{cloud::Cloud, root};

/// A caller of `nightly` without the AWS configuration of this machine.
pub struct CliCaller {
    variables: Vec<(&'static str, String)>,
}

impl CliCaller {
    /// Returns a caller with credentials, in eu-west-1 of this cloud.
    pub fn new(cloud: &Cloud) -> Self {
        let keys = [("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "test"), ("AWS_REGION", "eu-west-1")];
        let mut variables: Vec<_> = keys.map(|(name, value)| (name, value.to_owned())).to_vec();
        // moto finds the template of a nested stack in its own S3 only by this host name, not by the address.
        variables.push(("AWS_ENDPOINT_URL", cloud.moto().replace("127.0.0.1", "localhost")));
        Self { variables }
    }

    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        self.variables.retain(|(known, _)| *known != name);
        self.variables.push((name, value.to_owned()));
        self
    }

    pub fn without(mut self, names: &[&str]) -> Self {
        self.variables.retain(|(known, _)| !names.contains(known));
        self
    }

    pub fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(root().join("target/debug/nightly"));
        command.args(arguments).current_dir(root()).env_clear();
        command.env("PATH", std::env::var_os("PATH").expect("PATH")).env("HOME", "/nonexistent");
        command.env("AWS_EC2_METADATA_DISABLED", "true");
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command.output().expect("target/debug/nightly")
    }

    /// Runs a command that is refused. Returns its last line.
    pub fn refused(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(matches!(output.status.code(), Some(2 | 3)), "{arguments:?}: {}", text(&output));
        String::from_utf8_lossy(&output.stderr).lines().last().unwrap_or_default().to_owned()
    }
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn requires(output: &Output, lines: &[&str]) {
    assert!(output.status.success(), "{}", text(output));
    for line in lines {
        assert!(text(output).contains(line), "{line}: {}", text(output));
    }
}

#[tokio::test]
async fn the_whole_environment_is_deployed_updated_unchanged_and_destroyed() {
    let cloud = Cloud::up("deploy", &[]);
    let tree = cloud.directory.join("tree").display().to_string();
    let caller = CliCaller::new(&cloud);
    let deploy = |more: &[&str]| {
        let all = ["deploy", "--stack", "whole", "--template", "all", "--from", &tree, "--allow-endpoint"];
        caller.run(&[&all, more].concat())
    };

    assert!(text(&deploy(&[])).contains("add --yes"), "{}", text(&deploy(&[])));
    let created = deploy(&[
        "--yes",
        "--email",
        "you@example.com",
        "--parameters",
        "Keep=Daily=14,Annual=forever",
        "--tags",
        "Team=ops",
    ]);
    let lines = [
        "Account   123456789012",
        "localhost",
        "Cost      about $83.40",
        "whole in eu-west-1: deployed",
        "Environment/WebServer",
    ];
    requires(&created, &lines);
    assert_eq!(
        cloud.ec2("eu-west-1").await.describe_instances().send().await.expect("servers").reservations().len(),
        2
    );

    let unchanged = deploy(&["--yes"]);
    requires(&unchanged, &["whole in eu-west-1: unchanged"]);
    assert!(!text(&unchanged).contains("change:"), "{}", text(&unchanged));

    let elsewhere = deploy(&["--parameters", "Regions=us-east-1"]);
    assert!(text(&elsewhere).contains("eu-west-1 IS NO LONGER BACKED UP"), "{}", text(&elsewhere));
    let larger = deploy(&["--parameters", "VolumeSize=40"]);
    let line = "REPLACE      Environment/WebServer (AWS::EC2::Instance)";
    assert!(text(&larger).contains(line), "{}", text(&larger));
    assert!(text(&larger).contains("A new, empty server takes its place."), "{}", text(&larger));

    let destroyed = caller.run(&["destroy", "--stack", "whole", "--yes", "--allow-endpoint"]);
    let lines = [
        "these stay:",
        "bucket whole-artifacts-",
        "the snapshots in eu-west-1 with the tag BackupStack=whole",
        "whole in eu-west-1: deleted",
    ];
    requires(&destroyed, &lines);
}

#[tokio::test]
async fn a_ledger_bucket_that_was_deleted_is_made_again() {
    let cloud = Cloud::up("deploy-ledger", &[]);
    let s3 = aws_sdk_s3::Client::new(&cloud.aws().await);
    let bucket = cloud.exported("LEDGER_BUCKET");
    s3.delete_bucket().bucket(&bucket).send().await.expect("an empty bucket");
    let output = cloud.run("up", &[]);
    requires(&output, &["nightly-backup       deployed"]);
    assert!(s3.get_public_access_block().bucket(&bucket).send().await.is_ok());
    let rules = s3.get_bucket_lifecycle_configuration().bucket(&bucket).send().await.expect("its rules");
    assert_eq!(rules.rules()[0].expiration().and_then(|expiration| expiration.days()), Some(400));
    assert_eq!(cloud.night(serde_json::json!({})).await.status, "SUCCEEDED");
}

/// The program that `make dist` builds needs no checkout. The test builds it from the debug binaries.
#[tokio::test]
async fn the_self_contained_program_deploys_runs_checks_restores_and_destroys_from_an_empty_directory() {
    let cloud = Cloud::up("deploy-dist", &[]);
    let folder = std::env::temp_dir().join(format!("nightly-dist-{}", std::process::id()));
    let program = folder.join("nightly");
    let mut bundle = Command::new(root().join("target/venv/bin/python"));
    bundle.arg(root().join("infra/dist.py")).arg(root().join("target/debug/nightly"));
    bundle.arg(cloud.directory.join("tree/target/package")).arg(&program);
    assert!(bundle.status().expect("python of target/venv").success());
    assert!(folder.join("nightly.sha256").exists());
    let run = |arguments: &[&str]| {
        let script = format!(". {}; exec {} \"$@\"", cloud.directory.join("env").display(), program.display());
        let mut command = Command::new("sh");
        command.args(["-c", &script, "nightly"]).args(arguments).current_dir(&folder).env_remove("BACKUP_STACK");
        command.output().expect("sh")
    };
    let other = ["--stack", "other"];
    let deploy = ["deploy", "--template", "backup", "--yes", "--allow-endpoint"];
    requires(&run(&[&deploy[..], &other].concat()), &["other in us-east-1: deployed"]);
    requires(&run(&[&["run"][..], &other].concat()), &["All 2 volumes are protected."]);
    let checked = run(&[&["check"][..], &other].concat());
    assert!(text(&checked).contains("ok       last run       complete"), "{}", text(&checked));
    assert!(text(&checked).contains("the stack has the functions of this nightly"), "{}", text(&checked));
    requires(
        &run(&[&["restore", "--server", "web-server"][..], &other].concat()),
        &["Restored 1 volume of web-server"],
    );
    requires(&run(&[&["destroy", "--yes", "--allow-endpoint"][..], &other].concat()), &["other in us-east-1: deleted"]);
    std::fs::remove_dir_all(folder).expect("the folder");
}
