//! `make up` deploys the current state of the checkout, and only changes its own cloud.

use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};
use tests::{cloud::Cloud, functions, root};

/// A copy of the files that `up` reads, with replaceable functions.
struct Checkout(PathBuf);

impl Checkout {
    fn new(name: &str) -> Self {
        let checkout = Self(root().join("target/tests").join(name));
        let _ = fs::remove_dir_all(&checkout.0);
        fs::create_dir_all(checkout.0.join("target/debug")).expect("a directory");
        for folder in ["infra", "statemachine"] {
            let copied = Command::new("cp").arg("-R").arg(root().join(folder)).arg(&checkout.0).status().expect("cp");
            assert!(copied.success());
        }
        for function in functions() {
            fs::create_dir_all(checkout.0.join("functions").join(&function).join("src")).expect("a directory");
            fs::write(checkout.0.join("functions").join(&function).join("src/main.rs"), "").expect("written");
        }
        for binary in functions().into_iter().chain(["nightly".to_owned()]) {
            let built = root().join("target/debug").join(&binary);
            fs::hard_link(built, checkout.0.join("target/debug").join(&binary)).expect("a link");
        }
        checkout
    }

    fn up(&self, cloud: &Cloud) -> Output {
        let output = cloud.command(&self.0, "up", &[]).output().expect("python of target/venv");
        assert!(output.status.success(), "{}", stderr(&output));
        output
    }

    fn edit(&self, file: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.0.join(file)).expect("the file");
        assert!(text.contains(from), "{file} has no {from}");
        fs::write(self.0.join(file), text.replacen(from, to, 1)).expect("written");
    }
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Returns the definition of the state machine that a new run would use.
async fn definition(cloud: &Cloud) -> String {
    let sfn = aws_sdk_sfn::Client::new(&cloud.aws().await);
    let machine = cloud.exported("STATE_MACHINE_ARN");
    sfn.describe_state_machine().state_machine_arn(machine).send().await.expect("the machine").definition
}

/// Returns the function versions in a definition.
fn versions(definition: &str) -> BTreeSet<&str> {
    definition.split('"').filter(|text| text.starts_with("arn:aws:lambda:")).collect()
}

/// Replaces a function with one that writes a file before it does the same as before.
fn replace_function(checkout: &Checkout, name: &str, trace: &Path) {
    let binary = checkout.0.join("target/debug").join(name);
    let script =
        format!("#!/bin/sh\n: > '{}'\nexec '{}'\n", trace.display(), root().join("target/debug").join(name).display());
    // The old file is a link to the real binary, so it is removed first.
    fs::remove_file(&binary).expect("removed");
    fs::write(binary, script).expect("written");
}

#[tokio::test]
async fn a_changed_function_template_or_state_machine_is_what_runs_next() {
    let checkout = Checkout::new("changed-checkout");
    let cloud = Cloud::down("changed", vec![("WITHOUT_SERVERS".to_owned(), "1".to_owned())]);
    checkout.up(&cloud);
    let before = definition(&cloud).await;
    assert_eq!(versions(&before).len(), 6, "{before}");

    let trace = checkout.0.join("ran");
    replace_function(&checkout, "report-night", &trace);
    checkout.up(&cloud);
    let after = definition(&cloud).await;
    let changed: Vec<_> = versions(&after).difference(&versions(&before)).map(|arn| arn.to_lowercase()).collect();
    assert!(matches!(&changed[..], [one] if one.contains("reportnight")), "one function was changed: {changed:?}");
    cloud.night(json!({"dryRun": true})).await;
    assert!(trace.exists(), "the run called the function that was there before");

    checkout.edit("statemachine/nightly-backup.asl.yaml", "One run:", "One changed run:");
    checkout.edit("infra/backup.yaml", "DisplayName: Nightly backup", "DisplayName: Changed");
    checkout.up(&cloud);
    let now = definition(&cloud).await;
    assert!(now.contains("One changed run:"), "{now}");
    assert_eq!(versions(&now), versions(&after), "no function was changed");
    let sns = aws_sdk_sns::Client::new(&cloud.aws().await);
    let topic = sns.get_topic_attributes().topic_arn(cloud.exported("TOPIC_ARN")).send().await.expect("the topic");
    assert_eq!(topic.attributes().and_then(|all| all.get("DisplayName")).map(String::as_str), Some("Changed"));

    checkout.edit("statemachine/nightly-backup.asl.yaml", "StartAt: ListRegions", "StartAt: [ListRegions");
    let output = cloud.command(&checkout.0, "up", &[]).output().expect("python of target/venv");
    let said = stderr(&output);
    assert!(
        output.status.code() == Some(1) && said.starts_with("up: statemachine/nightly-backup.asl.yaml: "),
        "{said}"
    );
    assert!(said.contains("at line 6 column"), "{said}");
    assert_eq!(stderr(&output).lines().count(), 1);

    // `up` refuses the directory of another checkout's cloud.
    let output = cloud.run("up", &[]);
    let refusal = format!("belongs to the checkout {}; set LOCAL_DIR to another directory", checkout.0.display());
    assert!(output.status.code() == Some(1) && stderr(&output).contains(&refusal), "{}", stderr(&output));
    assert_eq!(stderr(&output).lines().count(), 1);
    assert!(checkout.0.exists());
    let down = cloud.command(&checkout.0, "down", &[]).output().expect("python of target/venv");
    assert_eq!(String::from_utf8_lossy(&down.stdout), "Stopped ministack.\n", "{}", stderr(&down));
}

#[tokio::test]
async fn a_second_cloud_has_its_own_ec2_in_a_shell_that_uses_the_first() {
    let first = "http://127.0.0.1:9";
    let exported = [("AWS_ENDPOINT_URL_EC2", first), ("NIGHTLY_LOCAL_EC2", first)];
    let cloud = Cloud::up_with("second", &[], &exported);
    assert_eq!(cloud.exported("AWS_ENDPOINT_URL_EC2"), cloud.moto());
    assert_eq!(cloud.exported("NIGHTLY_LOCAL_EC2"), cloud.moto());
    let night = cloud.night(json!({})).await;
    assert_eq!(night.status, "SUCCEEDED", "{}", night.cause);

    let ups: Vec<_> = (0..2).map(|_| cloud.command(&root(), "up", &[]).spawn().expect("python")).collect();
    for mut up in ups {
        assert!(up.wait().expect("its end").success(), "two at once wait for each other");
    }
    let unknown = cloud.command(&root(), "up", &[]).env("PARAMETERS", "KeepDalies=3").output().expect("python");
    let said = "up: the template backup has no parameter KeepDalies; it has BackupStack, ";
    assert!(unknown.status.code() == Some(1) && stderr(&unknown).starts_with(said), "{}", stderr(&unknown));
    let given = cloud
        .command(&root(), "up", &[])
        .env("PARAMETERS", "Keep=Daily=3 Plans=gold:Daily=30,Monthly=12;scratch:Daily=2 'Client=a client'")
        .output();
    assert!(given.expect("python").status.success());
    let parameter = stack_parameters(&cloud);
    assert_eq!((parameter("Keep"), parameter("Client")), (json!("Daily=3"), json!("a client")));
}

/// Returns a function that looks up a parameter of the deployed stack.
fn stack_parameters(cloud: &Cloud) -> impl Fn(&str) -> Value {
    let mut command = Command::new(root().join("target/venv/bin/aws"));
    command.args(["cloudformation", "describe-stacks", "--stack-name", "nightly-backup", "--output", "json"]);
    for name in ["AWS_ENDPOINT_URL", "AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] {
        command.env(name, cloud.exported(name));
    }
    let described: Value = serde_json::from_slice(&command.output().expect("the AWS CLI").stdout).expect("JSON");
    let parameters = described["Stacks"][0]["Parameters"].as_array().expect("parameters").clone();
    move |name| {
        parameters.iter().find(|one| one["ParameterKey"] == name).expect("the parameter")["ParameterValue"].clone()
    }
}

#[test]
fn a_stale_pid_file_ends_nobody_elses_process() {
    let cloud = Cloud::down("stale", vec![]);
    fs::create_dir_all(&cloud.directory).expect("a directory");
    let mut other = Command::new("bash").args(["-c", "sleep 600 # ministack"]).spawn().expect("bash");
    // The process ID is in use again, by a process that started later.
    let recorded = json!({"port": cloud.port, "pid": other.id(), "began": 1.0});
    fs::write(cloud.directory.join("ministack.pid"), recorded.to_string()).expect("written");
    let down = cloud.run("down", &[]);
    assert_eq!(String::from_utf8_lossy(&down.stdout), "Nothing was running.\n", "{}", stderr(&down));
    assert!(other.try_wait().expect("its status").is_none(), "it still runs");
    other.kill().expect("killed");
    other.wait().expect("its end");
}
