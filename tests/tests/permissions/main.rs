//! Tests the deployed policies with an IAM evaluator that supports conditions. Each call of a run is allowed, each call that differs
//! in a single respect is denied, and no restriction of a policy can be removed without allowing one of these.

mod backup;
mod calls;
mod check;
mod drill;
mod environment;
mod operator;
mod policies;
mod requests;
mod scp;
mod trust;

use backup::RunParameters;
use calls::{By, Call};
use serde_json::{Value, json};
use std::process::Command;
use tests::{
    cloud::{Cloud, WITHOUT_SERVERS},
    iam::{RequestKind, StackPolicies, evaluate},
    root, template,
};

const KEY: &str = "arn:aws:kms:us-east-1:000000000000:key/11111111-2222-3333-4444-555555555555";

fn sound(problems: Vec<String>) {
    assert!(problems.is_empty(), "{} problems:\n{}", problems.len(), problems.join("\n"));
}

/// Returns the default policy of a KMS key (KMS developer guide, "Default key policy").
fn default_key_policy(deployed: &StackPolicies) -> Value {
    let principal = json!({ "AWS": format!("arn:aws:iam::{}:root", deployed.account) });
    let statement = json!({ "Effect": "Allow", "Principal": principal, "Action": "kms:*", "Resource": "*" });
    json!({ "Version": "2012-10-17", "Statement": [statement] })
}

/// Replaces the key of the stack with the customer managed key.
fn customer_key(deployed: &mut StackPolicies) {
    deployed.resources.insert("TopicKey".to_owned(), default_key_policy(deployed));
    deployed.ids.insert("TopicKey".to_owned(), KEY.rsplit('/').next().expect("a key's id").to_owned());
}

/// Deploys a backup, and adds a key that encrypts other snapshots of the account.
fn backup(name: &str, parameters: &[&str]) -> StackPolicies {
    let cloud = Cloud::up_with(name, parameters, &[WITHOUT_SERVERS]);
    let mut deployed = StackPolicies::read(&cloud.ministack(), "nightly-backup");
    deployed.resources.insert("SnapshotKey".to_owned(), default_key_policy(&deployed));
    deployed
}

#[test]
fn a_night_may_do_what_it_does_and_nothing_else() {
    let deployed = backup("permissions", &["RestoreDrill=true", &format!("VolumeKeyArns={}", drill::KEYS)]);
    let region = &["us-east-1"];
    let parameters =
        RunParameters { backup_stack: "nightly-backup", regions: region, key: None, checks_on_instance: false };
    let mut problems = backup_problems(&deployed, &parameters);
    problems.extend(trust::problems(&deployed, &trust::BACKUP));
    problems.extend(trust::without_resource(&deployed));
    sound(problems);
}

#[test]
fn so_may_one_of_several_regions_with_a_customer_key_in_full() {
    let (instance, document, keys) = (drill::INSTANCE, drill::DOCUMENT, drill::KEYS);
    let drill = format!("RestoreDrill=true DrillInstance={instance} DrillDocument={document} VolumeKeyArns={keys}");
    let given = format!("KmsKeyArn={KEY} Regions=us-east-1,eu-west-1 BackupStack=whole {drill}");
    let mut deployed = backup("permissions-key", &given.split(' ').collect::<Vec<_>>());
    customer_key(&mut deployed);
    for (name, id) in [("DrillInstance", drill::INSTANCE), ("DrillDocument", drill::DOCUMENT)] {
        deployed.ids.insert(name.to_owned(), id.to_owned());
    }
    let regions = &["us-east-1", "eu-west-1"];
    let parameters = RunParameters { backup_stack: "whole", regions, key: Some(KEY), checks_on_instance: true };
    sound(backup_problems(&deployed, &parameters));
}

#[test]
fn an_operator_may_use_each_command_and_do_nothing_else() {
    let key = format!("KmsKeyArn={KEY}");
    let mut deployed = backup("permissions-operator", &["RestoreDrill=true", "Regions=us-east-1,eu-west-1", &key]);
    customer_key(&mut deployed);
    deployed.roles.clear();
    let regions = &["us-east-1", "eu-west-1"];
    let parameters =
        RunParameters { backup_stack: "nightly-backup", regions, key: Some(KEY), checks_on_instance: false };
    // For the calls in another stack.
    deployed.ids.insert("Stack".to_owned(), "nightly-backup".to_owned());
    let mut problems = check::problems(&deployed, &operator::calls(&deployed, &parameters), &operator::free());
    problems.extend(check::problems(&deployed, &operator::restore_calls(&deployed, &parameters), &drill::free()));
    sound(problems);
}

/// The evaluator of the other tests holds that no role may delete an annual while none expires.
#[test]
fn an_annual_may_be_deleted_if_a_plan_lets_annuals_expire() {
    for (name, parameters) in [
        ("permissions-annual", "Keep=Daily=7,Annual=7"),
        ("permissions-plan", "Plans=gold:Daily=30,Annual=forever;old:Daily=0,Annual=10"),
    ] {
        let deployed = backup(name, &[parameters]);
        let requests = [("nightly-backup", "Annual"), ("nightly-backup", "Daily"), ("another", "Annual")];
        let requests = requests.map(|(stack, interval)| {
            Call::new(By::Role("DeleteOneRole"), "ec2:DeleteSnapshot", "arn:aws:ec2:us-east-1::snapshot/snap-1")
                .with("aws:ResourceTag/BackupStack", stack)
                .with("aws:ResourceTag/Interval", interval)
                .in_region("us-east-1")
                .request(&deployed, RequestKind::Checked)
        });
        let outcomes = evaluate(&deployed.account, &calls::policies(&deployed), &requests);
        let is_allowed: Vec<_> = outcomes.iter().map(|outcome| outcome == "Allowed").collect();
        assert_eq!(is_allowed, [true, true, false], "{parameters}: {outcomes:?}");
    }
}

/// Returns the problems of the roles of runs and drills. No role may do what another one does.
fn backup_problems(deployed: &StackPolicies, parameters: &RunParameters) -> Vec<String> {
    let calls = [backup::calls(deployed, parameters), drill::calls(deployed, parameters)].concat();
    let free: Vec<_> = backup::FREE.into_iter().chain(drill::free()).collect();
    check::problems(deployed, &calls, &free)
}

/// Reads the templates, because ministack and moto do not store a permissions boundary.
#[test]
fn every_role_takes_the_permissions_boundary() {
    for file in ["backup.yaml", "restore-drill.yaml", "environment.yaml"] {
        let template: Value = serde_json::from_str(&template::expanded(file)).expect("JSON");
        let resources = template["Resources"].as_object().expect("Resources");
        let given =
            json!({"Fn::If": ["HasPermissionsBoundary", {"Ref": "PermissionsBoundary"}, {"Ref": "AWS::NoValue"}]});
        for (name, role) in resources.iter().filter(|(_, resource)| resource["Type"] == "AWS::IAM::Role") {
            assert_eq!(role["Properties"]["PermissionsBoundary"], given, "{name} of {file}");
        }
    }
}

/// Deploys the environment with flow logs and a customer managed key. `make up` has neither.
fn environment(cloud: &Cloud) -> StackPolicies {
    let mut command = Command::new(root().join("target/venv/bin/aws"));
    let body = cloud.template(&cloud.moto(), "nightly-environment").to_string();
    command.args(["cloudformation", "create-stack", "--stack-name", "whole", "--template-body", &body]);
    command.args(["--capabilities", "CAPABILITY_IAM", "--parameters", "ParameterKey=FlowLogs,ParameterValue=true"]);
    command.args([&format!("ParameterKey=KmsKeyArn,ParameterValue={KEY}"), "--endpoint-url", &cloud.moto()]);
    for (key, value) in [("DEFAULT_REGION", "us-east-1"), ("ACCESS_KEY_ID", "test"), ("SECRET_ACCESS_KEY", "test")] {
        command.env(format!("AWS_{key}"), value);
    }
    let output = command.output().expect("aws of target/venv");
    assert!(output.status.success(), "create-stack: {}", String::from_utf8_lossy(&output.stderr));
    let mut deployed = StackPolicies::read(&cloud.moto(), "whole");
    // moto has its own policy for the topic, and none for the bucket.
    deployed.resources.clear();
    customer_key(&mut deployed);
    deployed
}

#[test]
fn the_servers_and_the_administrators_may_do_what_they_do_and_nothing_else() {
    let deployed = environment(&Cloud::up("permissions-environment", &[]));
    let mut problems = check::problems(&deployed, &environment::calls(&deployed, KEY), &environment::FREE);
    problems.extend(trust::problems(&deployed, &trust::ENVIRONMENT));
    problems.extend(trust::without_resource(&deployed));
    sound(problems);
}

/// moto's CloudFormation has no bucket policies. So this compares the environment's with that of the ledger, which other tests evaluate.
#[test]
fn the_bucket_of_the_environment_refuses_what_the_ledger_refuses() {
    let policy = |file: &str, bucket: &str| {
        let policy = &template::read(file)["Resources"][format!("{bucket}Policy")]["Properties"];
        serde_yaml_ng::to_string(policy).expect("YAML").replace(bucket, "Bucket")
    };
    assert_eq!(policy("environment.yaml", "BackupBucket"), policy("backup.yaml", "LedgerBucket"));
}
