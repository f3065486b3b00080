//! Every AWS call of a restore drill, its schedule and its rule.

use serde_json::json;
use tests::iam::StackPolicies;

use crate::{
    backup::RunParameters,
    calls::{By, Call},
    requests::Free,
};

/// The server on which the drill checks the restored volumes, and the SSM document that it runs.
pub const INSTANCE: &str = "i-0123456789abcdef0";
pub const DOCUMENT: &str = "CheckDocument";

/// The keys that the drill may use, which are all keys of the account.
pub const KEYS: &str = "arn:aws:kms:*:000000000000:key/*";

const ROLES: [&str; 5] =
    ["DrillChooseRole", "DrillRestoreRole", "DrillCheckRole", "DrillRemoveRole", "DrillReportRole"];

pub const KEY_CALLS: [&str; 6] = [
    "kms:CreateGrant",
    "kms:Decrypt",
    "kms:DescribeKey",
    "kms:GenerateDataKeyWithoutPlaintext",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
];

/// Returns the permitted differences in the use of the snapshots' keys.
pub fn free() -> Vec<Free> {
    let reason = "KMS knows the keys of the Region that is asked, and a Region without a drill may not be asked";
    KEY_CALLS.map(|action| Free { action, why: "a resource of another Region", reason }).into()
}

pub fn calls(deployed: &StackPolicies, parameters: &RunParameters) -> Vec<Call> {
    let mut all = functions(deployed);
    let in_ec2 = ec2(deployed, parameters.backup_stack);
    all.extend(parameters.regions.iter().flat_map(|region| in_ec2.iter().map(|call| call.in_region(region))));
    if parameters.checks_on_instance {
        all.extend(on_instance(deployed, parameters.backup_stack));
    }
    all.extend(machines(deployed));
    all.extend(starters(deployed));
    all.extend(keys(deployed, parameters));
    all
}

fn object(deployed: &StackPolicies, prefix: &str) -> String {
    format!("arn:aws:s3:::{}/{prefix}/2026-12-31/object", deployed.id("LedgerBucket"))
}

fn functions(deployed: &StackPolicies) -> Vec<Call> {
    let mut all = Vec::new();
    for role in ROLES {
        let group = deployed.id("DrillLogGroup");
        let stream = deployed.arn("logs", &format!("log-group:{group}:log-stream:2026/12/31/live"));
        let writes = ["logs:CreateLogStream", "logs:PutLogEvents"];
        all.extend(writes.map(|action| Call::new(By::Role(role), action, &stream)));
        let traces = ["xray:PutTelemetryRecords", "xray:PutTraceSegments"];
        all.extend(traces.map(|action| Call::new(By::Role(role), action, "*")));
    }
    let (choose, report) = ("DrillChooseRole", "DrillReportRole");
    let ledger = [
        (choose, "s3:PutObject", "drills"),
        (choose, "s3:GetObject", "proofs"),
        (report, "s3:GetObject", "drills"),
        (report, "s3:PutObject", "drills"),
        (report, "s3:GetObject", "proofs"),
        (report, "s3:PutObject", "proofs"),
    ];
    all.extend(ledger.map(|(role, action, prefix)| {
        Call::new(By::Role(role), action, object(deployed, prefix)).through("LedgerBucket")
    }));
    let bucket = format!("arn:aws:s3:::{}", deployed.id("LedgerBucket"));
    all.extend([choose, report].map(|role| {
        let list = Call::new(By::Role(role), "s3:ListBucket", &bucket).through("LedgerBucket");
        list.with("s3:prefix", "proofs/us-east-1.jsonl")
    }));
    let machine = deployed.id("RestoreDrill");
    let machine = deployed.arn("states", &format!("stateMachine:{machine}"));
    all.push(Call::new(By::Role(choose), "states:ListExecutions", machine));
    all
}

fn ec2(deployed: &StackPolicies, stack: &str) -> Vec<Call> {
    let volume = deployed.arn("ec2", "volume/vol-1");
    let reads = [
        ("DrillChooseRole", "ec2:DescribeAvailabilityZones"),
        ("DrillChooseRole", "ec2:DescribeSnapshots"),
        ("DrillCheckRole", "ec2:DescribeVolumes"),
        ("DrillRemoveRole", "ec2:DescribeVolumes"),
    ];
    let mut all: Vec<_> = reads.map(|(role, action)| Call::new(By::Role(role), action, "*")).into();
    let tagged = |call: Call| {
        call.with("aws:RequestTag/RestoreDrill", stack)
            .with("aws:RequestTag/DrillExecution", "a-drill")
            .with("aws:TagKeys", json!(["RestoreDrill", "DrillExecution", "Backup", "Name"]))
    };
    let restore = By::Role("DrillRestoreRole");
    all.push(tagged(Call::new(restore.clone(), "ec2:CreateVolume", &volume)));
    let snapshot = Call::new(restore.clone(), "ec2:CreateVolume", "arn:aws:ec2:us-east-1::snapshot/snap-1");
    all.push(snapshot.with("aws:ResourceTag/BackupStack", stack));
    all.push(tagged(Call::new(restore, "ec2:CreateTags", &volume)).with("ec2:CreateAction", "CreateVolume"));
    let delete = Call::new(By::Role("DrillRemoveRole"), "ec2:DeleteVolume", &volume);
    all.push(delete.with("aws:ResourceTag/RestoreDrill", stack));
    for role in ["DrillRestoreRole", "DrillCheckRole"] {
        all.extend(KEY_CALLS.map(|action| {
            let key = deployed.arn("kms", "key/22222222-2222-3333-4444-555555555555");
            let call = Call::new(By::Role(role), action, key).with("kms:ViaService", "ec2.us-east-1.amazonaws.com");
            let call = call.through("SnapshotKey");
            if action == "kms:CreateGrant" { call.with("kms:GrantIsForAWSResource", "true") } else { call }
        }));
    }
    all
}

fn on_instance(deployed: &StackPolicies, stack: &str) -> Vec<Call> {
    let (volume, instance) =
        (deployed.arn("ec2", "volume/vol-1"), deployed.arn("ec2", &format!("instance/{INSTANCE}")));
    let mut all = Vec::new();
    for (role, action) in [("DrillCheckRole", "ec2:AttachVolume"), ("DrillRemoveRole", "ec2:DetachVolume")] {
        all.push(Call::new(By::Role(role), action, &volume).with("aws:ResourceTag/RestoreDrill", stack));
        all.push(Call::new(By::Role(role), action, &instance));
    }
    let check = By::Role("DrillCheckRole");
    all.push(Call::new(check.clone(), "ssm:SendCommand", &instance));
    all.push(Call::new(check.clone(), "ssm:SendCommand", deployed.arn("ssm", &format!("document/{DOCUMENT}"))));
    all.push(Call::new(check, "ssm:GetCommandInvocation", "*"));
    all.push(Call::new(By::Role("DrillChooseRole"), "ec2:DescribeInstances", "*"));
    all
}

fn machines(deployed: &StackPolicies) -> Vec<Call> {
    let role = By::Role("RestoreDrillRole");
    let invoked = ROLES.map(|invoked| {
        let function = deployed.id(&invoked.replace("Role", "Function"));
        Call::new(role.clone(), "lambda:InvokeFunction", deployed.arn("lambda", &format!("function:{function}:3")))
    });
    let mut all = invoked.to_vec();
    for action in ["s3:AbortMultipartUpload", "s3:GetObject", "s3:ListMultipartUploadParts", "s3:PutObject"] {
        all.push(Call::new(role.clone(), action, object(deployed, "drills")).through("LedgerBucket"));
    }
    let machine = deployed.id("RestoreDrill");
    let started = deployed.arn("states", &format!("stateMachine:{machine}"));
    all.push(Call::new(role.clone(), "states:StartExecution", started));
    let child = deployed.arn("states", &format!("execution:{machine}/ProveRestorePoints:child"));
    all.push(Call::new(role.clone(), "states:DescribeExecution", &child));
    all.push(Call::new(role.clone(), "states:StopExecution", &child));
    // The other form of a child execution's ARN (Step Functions developer guide, "IAM policies for using Distributed Map states").
    let child = deployed.arn("states", &format!("execution:{machine}:child"));
    all.push(Call::new(role.clone(), "states:StopExecution", child));
    let topic = deployed.arn("sns", deployed.id("Topic"));
    all.push(Call::new(role.clone(), "sns:Publish", topic).through("Topic"));
    let traces =
        ["xray:PutTelemetryRecords", "xray:PutTraceSegments", "xray:GetSamplingRules", "xray:GetSamplingTargets"];
    all.extend(traces.map(|action| Call::new(role.clone(), action, "*")));
    all
}

fn starters(deployed: &StackPolicies) -> Vec<Call> {
    let machine = deployed.arn("states", &format!("stateMachine:{}", deployed.id("RestoreDrill")));
    let queue = deployed.arn("sqs", deployed.id("DeadLetters"));
    let rule = deployed.arn("events", &format!("rule/{}", deployed.id("DrillWithoutReport")));
    let dead = Call::new(By::Service("events.amazonaws.com"), "sqs:SendMessage", &queue);
    vec![
        Call::new(By::Role("WeeklyScheduleRole"), "states:StartExecution", machine),
        Call::new(By::Role("WeeklyScheduleRole"), "sqs:SendMessage", &queue).through("DeadLetters"),
        dead.with("aws:SourceArn", rule).through("DeadLetters"),
    ]
}

/// Returns the calls of KMS for the topic's key. The customer managed key also encrypts the ledger and the queue.
fn keys(deployed: &StackPolicies, parameters: &RunParameters) -> Vec<Call> {
    let key = match parameters.key {
        Some(key) => key.to_owned(),
        None => deployed.arn("kms", &format!("key/{}", deployed.id("TopicKey"))),
    };
    let mut users = vec![("RestoreDrillRole", "sns")];
    if parameters.key.is_some() {
        let ledger = ["DrillChooseRole", "DrillReportRole", "RestoreDrillRole"];
        users.extend(ledger.map(|role| (role, "s3")));
        users.push(("WeeklyScheduleRole", "sqs"));
    }
    let calls = users.into_iter().flat_map(|(role, service)| {
        let via = format!("{service}.us-east-1.amazonaws.com");
        ["kms:Decrypt", "kms:GenerateDataKey"].map(|action| {
            Call::new(By::Role(role), action, &key).with("kms:ViaService", via.as_str()).through("TopicKey")
        })
    });
    calls.collect()
}
