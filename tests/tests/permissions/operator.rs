//! Every call of the command `nightly`, by the managed policies that a person needs for it.

use serde_json::json;
use tests::iam::StackPolicies;

use crate::{
    backup::RunParameters,
    calls::{By, Call},
    requests::Free,
};

pub const READ: By = By::Person("ReadPolicy");
const RUN: By = By::Person("RunPolicy");
const RESTORE: By = By::Person("RestorePolicy");
const DRILL: By = By::Person("DrillPolicy");

/// Returns the permitted differences of reading.
pub fn free() -> [Free; 2] {
    let reason = "a service knows its own Region's quotas and keys alone, and another Region may not be asked";
    ["servicequotas:GetServiceQuota", "kms:DescribeKey"].map(|action| Free {
        action,
        why: "a resource of another Region",
        reason,
    })
}

/// Calls that describe executions, with the resource type of each.
const FOLLOW: [(&str, &str); 5] = [
    ("states:DescribeExecution", "execution"),
    ("states:DescribeMapRun", "mapRun"),
    ("states:DescribeStateMachineForExecution", "execution"),
    ("states:GetExecutionHistory", "execution"),
    ("states:ListMapRuns", "execution"),
];

/// Returns the calls of every command except restore.
pub fn calls(deployed: &StackPolicies, parameters: &RunParameters) -> Vec<Call> {
    let mut all = stack(deployed);
    all.extend(ledger(deployed, parameters));
    all.extend(in_regions(&read_region(deployed), parameters));
    for (by, machine) in [(READ, "StateMachine"), (DRILL, "RestoreDrill")] {
        all.extend(executions(deployed, &by, machine));
    }
    let machine = |name: &str| deployed.arn("states", &format!("stateMachine:{}", deployed.id(name)));
    all.push(Call::new(READ, "states:ListExecutions", machine("StateMachine")));
    all.push(Call::new(RUN, "states:StartExecution", machine("StateMachine")));
    all.push(Call::new(DRILL, "states:StartExecution", machine("RestoreDrill")));
    all
}

/// Returns the calls of a restore, beside those that read.
pub fn restore_calls(deployed: &StackPolicies, parameters: &RunParameters) -> Vec<Call> {
    in_regions(&restore(deployed, parameters.backup_stack), parameters)
}

fn in_regions(calls: &[Call], parameters: &RunParameters) -> Vec<Call> {
    parameters.regions.iter().flat_map(|region| calls.iter().map(|call| call.in_region(region))).collect()
}

/// Returns the calls that read the stack and what alerts a person.
fn stack(deployed: &StackPolicies) -> Vec<Call> {
    let mut all = Vec::new();
    for stack in ["nightly-backup", "nightly-backup-RestoreDrillStack-1A2B3C4D5E6F"] {
        let arn = deployed.arn("cloudformation", &format!("stack/{stack}/22222222-2222-3333-4444-555555555555"));
        for action in ["cloudformation:DescribeStacks", "cloudformation:ListStackResources"] {
            all.push(Call::new(READ, action, &arn));
        }
    }
    let everywhere = ["ec2:DescribeRegions", "lambda:GetAccountSettings"];
    all.extend(everywhere.map(|action| Call::new(READ, action, "*")));
    let queue = deployed.id("DeadLetters").rsplit('/').next().expect("a name");
    let topic = deployed.id("Topic").rsplit(':').next().expect("a name");
    let schedule = format!("schedule/default/{}", deployed.id("Schedule"));
    all.extend([
        Call::new(READ, "cloudwatch:DescribeAlarms", deployed.arn("cloudwatch", "alarm:an-alarm")),
        Call::new(READ, "scheduler:GetSchedule", deployed.arn("scheduler", &schedule)),
        Call::new(READ, "sns:ListSubscriptionsByTopic", deployed.arn("sns", topic)),
        Call::new(READ, "sqs:GetQueueAttributes", deployed.arn("sqs", queue)),
    ]);
    all
}

fn ledger(deployed: &StackPolicies, parameters: &RunParameters) -> Vec<Call> {
    let bucket = format!("arn:aws:s3:::{}", deployed.id("LedgerBucket"));
    let mut all = Vec::new();
    for prefix in ["nights", "drills", "proofs", "rules"] {
        let object = Call::new(READ, "s3:GetObject", format!("{bucket}/{prefix}/2026-12-31/object"));
        let list = Call::new(READ, "s3:ListBucket", &bucket).with("s3:prefix", format!("{prefix}/2026-12-31/"));
        all.extend([object, list].map(|call| call.through("LedgerBucket")));
    }
    if let Some(key) = parameters.key {
        let decrypt = Call::new(READ, "kms:Decrypt", key).with("kms:ViaService", "s3.us-east-1.amazonaws.com");
        all.push(decrypt.through("TopicKey"));
    }
    all
}

fn executions(deployed: &StackPolicies, by: &By, machine: &str) -> Vec<Call> {
    let name = deployed.id(machine);
    let run = |kind: &str| match kind {
        "mapRun" => vec![format!("mapRun:{name}/Label:a-run")],
        _ => vec![format!("execution:{name}:a-run"), format!("execution:{name}/Label:a-child")],
    };
    let arns = |kind: &str| run(kind).into_iter().map(|one| deployed.arn("states", &one)).collect::<Vec<_>>();
    let described =
        FOLLOW.iter().flat_map(|(action, kind)| arns(kind).into_iter().map(|arn| Call::new(by.clone(), action, arn)));
    let children = arns("mapRun").into_iter().map(|arn| Call::new(by.clone(), "states:ListExecutions", arn));
    described.chain(children).collect()
}

fn read_region(deployed: &StackPolicies) -> Vec<Call> {
    let reads = ["AvailabilityZones", "Images", "Instances", "Snapshots", "Volumes"];
    let mut all: Vec<_> = reads.map(|what| Call::new(READ, &format!("ec2:Describe{what}"), "*")).into();
    all.push(Call::new(READ, "servicequotas:GetServiceQuota", deployed.arn("servicequotas", "ebs/L-309BACF6")));
    let key = deployed.arn("kms", "key/22222222-2222-3333-4444-555555555555");
    all.push(Call::new(READ, "kms:DescribeKey", key).through("SnapshotKey"));
    all
}

fn restore(deployed: &StackPolicies, stack: &str) -> Vec<Call> {
    let (snapshot, volume) = ("arn:aws:ec2:us-east-1::snapshot/snap-1", deployed.arn("ec2", "volume/vol-1"));
    let tagged = |call: Call| {
        call.with("aws:RequestTag/RestoredFrom", "snap-1").with("aws:TagKeys", json!(["RestoredFrom", "Name"]))
    };
    let mut all = vec![
        Call::new(RESTORE, "ec2:DescribeSnapshotAttribute", snapshot).with("aws:ResourceTag/BackupStack", stack),
        Call::new(RESTORE, "ec2:CreateVolume", snapshot).with("aws:ResourceTag/BackupStack", stack),
        tagged(Call::new(RESTORE, "ec2:CreateVolume", &volume)),
        tagged(Call::new(RESTORE, "ec2:CreateTags", &volume)).with("ec2:CreateAction", "CreateVolume"),
        Call::new(RESTORE, "ec2:AttachVolume", &volume).with("aws:ResourceTag/RestoredFrom", "snap-1"),
        Call::new(RESTORE, "ec2:AttachVolume", deployed.arn("ec2", "instance/i-1")),
    ];
    all.extend(crate::drill::KEY_CALLS.map(|action| {
        let key = deployed.arn("kms", "key/22222222-2222-3333-4444-555555555555");
        let call = Call::new(RESTORE, action, key).with("kms:ViaService", "ec2.us-east-1.amazonaws.com");
        let call = call.through("SnapshotKey");
        if action == "kms:CreateGrant" { call.with("kms:GrantIsForAWSResource", "true") } else { call }
    }));
    all
}
