//! Searches the source of the functions for AWS calls and settings.

use regex::Regex;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use crate::{root, text};

/// The IAM action of each SDK operation that a function calls. A missing operation fails the test that finds it.
const ACTIONS: [(&str, &str); 39] = [
    // The calls of a multipart upload need s3:PutObject (S3 user guide, "Multipart upload and permissions").
    ("attach_volume", "ec2:AttachVolume"),
    ("complete_multipart_upload", "s3:PutObject"),
    ("create_multipart_upload", "s3:PutObject"),
    ("create_snapshot", "ec2:CreateSnapshot"),
    ("create_tags", "ec2:CreateTags"),
    ("create_volume", "ec2:CreateVolume"),
    ("delete_snapshot", "ec2:DeleteSnapshot"),
    ("delete_volume", "ec2:DeleteVolume"),
    ("describe_alarms", "cloudwatch:DescribeAlarms"),
    ("describe_availability_zones", "ec2:DescribeAvailabilityZones"),
    ("describe_execution", "states:DescribeExecution"),
    ("describe_images", "ec2:DescribeImages"),
    ("describe_instances", "ec2:DescribeInstances"),
    ("describe_key", "kms:DescribeKey"),
    ("describe_map_run", "states:DescribeMapRun"),
    ("describe_regions", "ec2:DescribeRegions"),
    ("describe_snapshot_attribute", "ec2:DescribeSnapshotAttribute"),
    ("describe_snapshots", "ec2:DescribeSnapshots"),
    ("describe_stacks", "cloudformation:DescribeStacks"),
    ("describe_state_machine_for_execution", "states:DescribeStateMachineForExecution"),
    ("describe_volumes", "ec2:DescribeVolumes"),
    ("detach_volume", "ec2:DetachVolume"),
    ("get_command_invocation", "ssm:GetCommandInvocation"),
    ("get_account_settings", "lambda:GetAccountSettings"),
    ("get_execution_history", "states:GetExecutionHistory"),
    ("get_object", "s3:GetObject"),
    ("get_queue_attributes", "sqs:GetQueueAttributes"),
    ("get_schedule", "scheduler:GetSchedule"),
    ("get_service_quota", "servicequotas:GetServiceQuota"),
    ("list_executions", "states:ListExecutions"),
    ("list_objects_v2", "s3:ListBucket"),
    ("list_map_runs", "states:ListMapRuns"),
    ("list_stack_resources", "cloudformation:ListStackResources"),
    ("list_subscriptions_by_topic", "sns:ListSubscriptionsByTopic"),
    ("put_object", "s3:PutObject"),
    ("send_command", "ssm:SendCommand"),
    ("start_execution", "states:StartExecution"),
    // CreateSnapshot with tags also needs ec2:CreateTags (EC2 user guide, "Grant permission to tag on creation").
    ("tag_specifications", "ec2:CreateTags"),
    ("upload_part", "s3:PutObject"),
];

/// Returns the IAM actions of the calls that a function makes, directly or through helpers of the libraries.
pub fn actions(function: &str) -> BTreeSet<String> {
    let helpers = helpers();
    let own = sources(&format!("functions/{function}/src"));
    let mut made = operations(&own);
    for (helper, operations) in &helpers {
        if calls(&own, helper) {
            made.extend(operations.iter().cloned());
        }
    }
    made.iter().map(|operation| action(operation)).collect()
}

/// Files of the command that need an administrator's permissions: deploy, destroy and the check for drift.
const ADMINISTRATION: [&str; 4] =
    ["commands/deploy.rs", "commands/destroy.rs", "deployment/", "commands/check/stack.rs"];
/// Methods that look like an operation, and operations that need no permission.
const NO_OPERATIONS: [&str; 7] = [
    "create_time",
    "get_caller_identity",
    "get_or_insert_default",
    "get_or_insert_with",
    // The command does without the alias if this is denied.
    "list_account_aliases",
    "start_date",
    "stop_date",
];

/// Returns the IAM actions of the calls that the command `nightly` makes for an operator, without those of KMS.
pub fn command_actions() -> BTreeSet<String> {
    let folder = root().join("cli/src");
    let mut made = BTreeSet::from(["get_schedule".to_owned(), "list_stack_resources".to_owned()]);
    for file in files(&folder) {
        let name = file.strip_prefix(&folder).expect("a file of the command").to_string_lossy().into_owned();
        if !ADMINISTRATION.iter().any(|part| name.starts_with(part)) && !name.contains("tests") {
            made.extend(operations(&production(&std::fs::read_to_string(&file).expect("source"))));
        }
    }
    let made = made.iter().filter(|operation| !NO_OPERATIONS.contains(&operation.as_str()));
    made.map(|operation| action(operation)).filter(|action| !action.starts_with("kms:")).collect()
}

/// Returns every file of source in a folder and the folders inside it.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder of source").map(|entry| entry.expect("a file").path());
    let (folders, own): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
    let own = own.into_iter().filter(|path| path.extension().is_some_and(|extension| extension == "rs"));
    own.chain(folders.iter().flat_map(|folder| files(folder))).collect()
}

/// Returns the environment variables that a function reads.
pub fn settings(function: &str) -> BTreeSet<String> {
    let setting = Regex::new(r#"setting\("([A-Z_]+)"\)"#).expect("a pattern");
    let main = text(&format!("functions/{function}/src/main.rs"));
    setting.captures_iter(&main).map(|found| found[1].to_owned()).collect()
}

fn action(operation: &str) -> String {
    let known = ACTIONS.iter().find(|(name, _)| *name == operation);
    known.unwrap_or_else(|| panic!("which IAM action is {operation}? Say so in tests/src/source.rs")).1.to_owned()
}

/// Returns the public functions of the libraries with the operations that each calls, directly or through another one.
fn helpers() -> BTreeMap<String, BTreeSet<String>> {
    let source = sources("functions/aws/src") + &sources("functions/ledger/src");
    let start = Regex::new(r"(?m)^ *(?:pub )?(?:async )?fn (\w+)").expect("a pattern");
    let starts: Vec<_> =
        start.captures_iter(&source).map(|found| (found[1].to_owned(), found.get(0).unwrap().end())).collect();
    let ends = starts.iter().skip(1).map(|(_, at)| *at).chain([source.len()]);
    let bodies: BTreeMap<_, _> =
        starts.iter().zip(ends).map(|((name, at), end)| (name.clone(), &source[*at..end])).collect();
    let mut made: BTreeMap<_, _> = bodies.iter().map(|(name, body)| (name.clone(), operations(body))).collect();
    for _ in 0..bodies.len() {
        for (name, body) in &bodies {
            let through: BTreeSet<String> = made
                .iter()
                .filter(|(other, _)| *other != name && calls(body, other))
                .flat_map(|(_, made)| made.clone())
                .collect();
            made.get_mut(name).expect("a helper").extend(through);
        }
    }
    made
}

fn calls(source: &str, helper: &str) -> bool {
    source.match_indices(helper).any(|(at, _)| {
        let whole = !source[..at].ends_with(|before: char| before.is_alphanumeric() || before == '_');
        let rest = &source[at + helper.len()..];
        whole && (rest.starts_with('(') || rest.starts_with("::<"))
    })
}

fn operations(source: &str) -> BTreeSet<String> {
    let call = r"\.((?:attach|complete|create|delete|describe|detach|get|list|put|modify|copy|start|stop|publish|send|lock)_(?:[a-z0-9]+_?)+|tag_specifications|upload_part)\(";
    let found = Regex::new(call).expect("a pattern");
    found.captures_iter(source).map(|found| found[1].to_owned()).collect()
}

/// Returns the source without its unit tests.
fn production(source: &str) -> String {
    source.split("\n#[cfg(test)]\nmod tests {").next().unwrap_or_default().to_owned()
}

fn sources(folder: &str) -> String {
    let lib = text(&format!("{folder}/lib.rs"));
    let for_tests = Regex::new(r"#\[cfg\(test\)\]\nmod (\w+);").expect("a pattern");
    let for_tests: BTreeSet<_> = for_tests.captures_iter(&lib).map(|found| format!("{}.rs", &found[1])).collect();
    let entries =
        std::fs::read_dir(root().join(folder)).expect("a folder of source").map(|entry| entry.expect("a file"));
    let files = entries.filter(|file| !for_tests.contains(file.file_name().to_str().expect("a name")));
    let files: BTreeSet<_> = files.map(|file| file.path()).collect();
    files.iter().map(|file| production(&std::fs::read_to_string(file).expect("source"))).collect()
}
