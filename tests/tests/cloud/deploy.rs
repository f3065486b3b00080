//! `make deploy` and `make destroy`, against the local EC2's CloudFormation, which knows servers and nested stacks.

use std::process::{Command, Output};
use tests::{cloud::Cloud, root};

struct Account<'a> {
    cloud: &'a Cloud,
    variables: Vec<(&'static str, &'static str)>,
}

impl Account<'_> {
    fn run(&self, script: &str) -> Output {
        let mut command = Command::new(root().join("target/venv/bin/python"));
        command.arg(root().join("infra/release").join(script)).current_dir(root()).env_clear();
        command.env("PATH", std::env::var_os("PATH").expect("PATH")).env("HOME", "/nonexistent");
        // By this name, and not by its address, moto finds a nested stack's template in its own S3.
        command.env("AWS_ENDPOINT_URL", self.cloud.moto().replace("127.0.0.1", "localhost"));
        command.env("STACK", "whole").env("AWS_EC2_METADATA_DISABLED", "true").envs(self.variables.iter().copied());
        command.arg(self.cloud.directory.join("tree/infra/template.yaml"));
        command.output().expect("python of target/venv")
    }

    fn refused(&self, script: &str) -> String {
        let output = self.run(script);
        assert_eq!(output.status.code(), Some(1), "{}", said(&output));
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(error.lines().count(), 1, "{error}");
        error
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

const KEYS: [(&str, &str); 2] = [("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "test")];

/// A variable that is set wrong, and what the one line then says.
const REFUSALS: [(&str, &str, &str); 5] = [
    ("REGION", "cn-north-1", "REGION=cn-north-1: nothing of this was ever tried in AWS's China"),
    ("STACK", "a_b", "STACK=a_b is no name of a stack"),
    ("STACK", "a-name-that-leaves-the-bucket-no-room", "is too long: at most 30 characters in eu-west-1"),
    ("PARAMETERS", "KeepDalies=14", "template.yaml has no parameter KeepDalies; it has Email, "),
    ("AWS_ENDPOINT_URL", "http://127.0.0.1:1", "AWS does not answer"),
];

#[tokio::test]
async fn the_root_stack_deploys_whole_and_goes_away_again() {
    let cloud = Cloud::up("deploy", &[]);
    let account =
        |more: &[(&'static str, &'static str)]| Account { cloud: &cloud, variables: [&KEYS[..], more].concat() };
    let region = ("REGION", "eu-west-1");

    for script in ["preflight.py", "deploy_to_aws.py"] {
        assert!(account(&[]).refused(script).contains("no Region: set REGION="));
    }
    let strangers = Account { cloud: &cloud, variables: vec![region] };
    assert!(strangers.refused("deploy_to_aws.py").contains("no AWS credentials"));
    for (variable, value, said) in REFUSALS {
        let error = account(&[region, ("AWS_MAX_ATTEMPTS", "1"), (variable, value)]).refused("deploy_to_aws.py");
        assert!(error.contains(said), "{variable}={value}: {error}");
    }
    let words = [region, ("PARAMETERS", "KeepDailies")];
    assert!(account(&words).refused("deploy_to_aws.py").contains("'KeepDailies' is not of the form Key=Value"));
    assert!(account(&[region]).refused("deploy_to_aws.py").contains("set YES=1"));
    assert!(account(&[region, ("YES", "1")]).refused("destroy.py").contains("there is no stack whole in eu-west-1"));

    let sure = account(&[region, ("YES", "1"), ("EMAIL", "you@example.com"), ("PARAMETERS", "KeepDailies=14")]);
    let deployed = sure.run("deploy_to_aws.py");
    assert!(deployed.status.success(), "{}", said(&deployed));
    for expected in
        ["Add      Environment", "Add      Backup", "whole in eu-west-1: deployed", "confirm the subscription"]
    {
        assert!(said(&deployed).contains(expected), "{expected}: {}", said(&deployed));
    }
    let elsewhere = account(&[region, ("PARAMETERS", "Regions=us-east-1")]).run("deploy_to_aws.py");
    assert!(said(&elsewhere).contains("eu-west-1 IS NO LONGER BACKED UP"), "{}", said(&elsewhere));
    let servers = cloud.ec2("eu-west-1").await.describe_instances().send().await.expect("servers");
    assert_eq!(servers.reservations().len(), 2);

    let destroyed = sure.run("destroy.py");
    assert!(destroyed.status.success(), "{}", said(&destroyed));
    for expected in ["these stay:", "bucket whole-artifacts-", "snapshots in eu-west-1 whose tag BackupStack is whole"]
    {
        assert!(said(&destroyed).contains(expected), "{expected}: {}", said(&destroyed));
    }
}
