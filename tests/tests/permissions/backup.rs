//! Every AWS call of a run, its schedule and its rules.

use serde_json::json;
use tests::iam::StackPolicies;

use crate::{
    calls::{By, Call},
    requests::Free,
};

pub const FREE: [Free; 4] = [
    Free { action: "xray:PutTelemetryRecords", why: "another Region", reason: WITHOUT_CONTEXT },
    Free { action: "xray:PutTraceSegments", why: "another Region", reason: WITHOUT_CONTEXT },
    Free { action: "xray:GetSamplingRules", why: "another Region", reason: WITHOUT_CONTEXT },
    Free { action: "xray:GetSamplingTargets", why: "another Region", reason: WITHOUT_CONTEXT },
];

const WITHOUT_CONTEXT: &str = "Lambda checks the role, without a request's context, as it creates a traced function";

/// The parameters that the stack was deployed with.
pub struct RunParameters {
    pub backup_stack: &'static str,
    pub regions: &'static [&'static str],
    pub key: Option<&'static str>,
    /// Whether the drill mounts the restored volumes on a server.
    pub checks_on_instance: bool,
}

const ROLES: [&str; 6] = [
    "DiscoverVolumesRole",
    "SnapshotOneRole",
    "TagSnapshotRole",
    "FindExpiredRole",
    "DeleteOneRole",
    "ReportNightRole",
];

pub fn calls(deployed: &StackPolicies, parameters: &RunParameters) -> Vec<Call> {
    let mut all = functions(deployed, parameters);
    all.extend(machines(deployed));
    all.extend(traces());
    all.extend(starters(deployed));
    all.extend(services(deployed));
    all.extend(keys(deployed, parameters));
    all
}

/// Returns the ARN of an object in the ledger.
fn object(deployed: &StackPolicies, prefix: &str) -> String {
    format!("arn:aws:s3:::{}/{prefix}/2026-12-31/object", deployed.id("LedgerBucket"))
}

fn functions(deployed: &StackPolicies, parameters: &RunParameters) -> Vec<Call> {
    let mut all = Vec::new();
    for role in ROLES {
        let group = deployed.id("LogGroup");
        let stream = deployed.arn("logs", &format!("log-group:{group}:log-stream:2026/12/31/live"));
        all.push(Call::new(By::Role(role), "logs:CreateLogStream", &stream));
        all.push(Call::new(By::Role(role), "logs:PutLogEvents", &stream));
    }
    let ledger = [
        ("DiscoverVolumesRole", "s3:PutObject", "nights"),
        ("FindExpiredRole", "s3:GetObject", "nights"),
        ("FindExpiredRole", "s3:PutObject", "nights"),
        ("ReportNightRole", "s3:GetObject", "nights"),
        ("ReportNightRole", "s3:PutObject", "nights"),
        ("ReportNightRole", "s3:GetObject", "failed-snapshots"),
        ("ReportNightRole", "s3:PutObject", "failed-snapshots"),
        ("FindExpiredRole", "s3:GetObject", "rules"),
        ("ReportNightRole", "s3:GetObject", "rules"),
        ("ReportNightRole", "s3:PutObject", "rules"),
        ("ReportNightRole", "s3:GetObject", "selected"),
        ("ReportNightRole", "s3:PutObject", "selected"),
    ];
    all.extend(ledger.map(|(role, action, prefix)| {
        Call::new(By::Role(role), action, object(deployed, prefix)).through("LedgerBucket")
    }));
    let bucket = format!("arn:aws:s3:::{}", deployed.id("LedgerBucket"));
    let list = Call::new(By::Role("ReportNightRole"), "s3:ListBucket", bucket).through("LedgerBucket");
    all.push(list.clone().with("s3:prefix", "failed-snapshots/us-east-1.jsonl"));
    all.push(list.clone().with("s3:prefix", "selected/us-east-1.jsonl"));
    all.push(list.with("s3:prefix", "rules/us-east-1.jsonl"));
    let bucket = format!("arn:aws:s3:::{}", deployed.id("LedgerBucket"));
    let list = Call::new(By::Role("FindExpiredRole"), "s3:ListBucket", bucket).through("LedgerBucket");
    all.push(list.with("s3:prefix", "rules/us-east-1.jsonl"));
    all.push(Call::new(By::Role("DiscoverVolumesRole"), "ec2:DescribeRegions", "*"));
    let in_ec2 = ec2(deployed, parameters.backup_stack);
    all.extend(parameters.regions.iter().flat_map(|region| in_ec2.iter().map(|call| call.in_region(region))));
    all
}

fn ec2(deployed: &StackPolicies, stack: &str) -> Vec<Call> {
    let snapshot = "arn:aws:ec2:us-east-1::snapshot/snap-1";
    let volume = deployed.arn("ec2", "volume/vol-1");
    let reads = [
        ("DiscoverVolumesRole", "ec2:DescribeInstances"),
        ("DiscoverVolumesRole", "ec2:DescribeSnapshots"),
        ("DiscoverVolumesRole", "ec2:DescribeVolumes"),
        ("SnapshotOneRole", "ec2:DescribeSnapshots"),
        ("FindExpiredRole", "ec2:DescribeSnapshots"),
        ("FindExpiredRole", "ec2:DescribeVolumes"),
        ("ReportNightRole", "ec2:DescribeSnapshots"),
        ("ReportNightRole", "ec2:DescribeVolumes"),
    ];
    let mut all: Vec<_> = reads.map(|(role, action)| Call::new(By::Role(role), action, "*")).into();
    let identity = |call: Call| {
        call.with("aws:RequestTag/BackupStack", stack)
            .with("aws:RequestTag/Night", "2026-12-31")
            .with("aws:RequestTag/Interval", "Annual")
            .with("aws:RequestTag/Intervals", "Daily+Annual")
            .with("aws:RequestTag/Plan", "gold")
            .with("aws:RequestTag/SnapshotOf", "vol-1")
            .with("aws:TagKeys", json!(["BackupStack", "Night", "Interval", "Intervals", "Plan", "SnapshotOf"]))
    };
    let one = By::Role("SnapshotOneRole");
    all.push(Call::new(one.clone(), "ec2:CreateSnapshot", &volume));
    all.push(identity(Call::new(one.clone(), "ec2:CreateSnapshot", snapshot)));
    all.push(identity(Call::new(one, "ec2:CreateTags", snapshot)).with("ec2:CreateAction", "CreateSnapshot"));
    all.push(
        Call::new(By::Role("TagSnapshotRole"), "ec2:CreateTags", snapshot)
            .with("aws:ResourceTag/BackupStack", stack)
            .with("aws:TagKeys", json!(["Name", "Description", "Client", "Project", "a volume's own"])),
    );
    all.push(
        Call::new(By::Role("DeleteOneRole"), "ec2:DeleteSnapshot", snapshot)
            .with("aws:ResourceTag/BackupStack", stack)
            .with("aws:ResourceTag/Interval", "Daily"),
    );
    all
}

fn machines(deployed: &StackPolicies) -> Vec<Call> {
    let role = By::Role("StateMachineRole");
    let invoked = ROLES.map(|role| {
        let function = deployed.id(&role.replace("Role", "Function"));
        Call::new(
            By::Role("StateMachineRole"),
            "lambda:InvokeFunction",
            deployed.arn("lambda", &format!("function:{function}:3")),
        )
    });
    let mut all = invoked.to_vec();
    // A Map's ItemReader gets objects, its ResultWriter puts them in parts (Step Functions developer guide, "Amazon S3 access policies").
    for action in ["s3:AbortMultipartUpload", "s3:GetObject", "s3:ListMultipartUploadParts", "s3:PutObject"] {
        all.push(Call::new(role.clone(), action, object(deployed, "nights")).through("LedgerBucket"));
    }
    let machine = deployed.id("StateMachine");
    all.push(Call::new(
        role.clone(),
        "states:StartExecution",
        deployed.arn("states", &format!("stateMachine:{machine}")),
    ));
    let child = deployed.arn("states", &format!("execution:{machine}/SnapshotVolumes:child"));
    all.push(Call::new(role.clone(), "states:DescribeExecution", &child));
    all.push(Call::new(role.clone(), "states:StopExecution", &child));
    // The other form of a child execution's ARN (Step Functions developer guide, "IAM policies for using Distributed Map states").
    let child = deployed.arn("states", &format!("execution:{machine}:child"));
    all.push(Call::new(role.clone(), "states:StopExecution", child));
    let topic = deployed.arn("sns", deployed.id("Topic"));
    all.push(Call::new(role, "sns:Publish", topic).through("Topic"));
    all
}

/// Returns the X-Ray calls. Lambda sends traces. Step Functions also requests the sampling rules (their developer guides, "X-Ray").
fn traces() -> Vec<Call> {
    let sent = ["xray:PutTelemetryRecords", "xray:PutTraceSegments"];
    let asked = ["xray:GetSamplingRules", "xray:GetSamplingTargets"];
    let by_all = ROLES.into_iter().chain(["StateMachineRole"]).flat_map(|role| sent.map(|action| (role, action)));
    let by_machine = asked.map(|action| ("StateMachineRole", action));
    by_all.chain(by_machine).map(|(role, action)| Call::new(By::Role(role), action, "*")).collect()
}

fn starters(deployed: &StackPolicies) -> Vec<Call> {
    let machine = deployed.arn("states", &format!("stateMachine:{}", deployed.id("StateMachine")));
    let role = By::Role("ScheduleRole");
    vec![
        Call::new(role.clone(), "states:StartExecution", machine),
        Call::new(role, "sqs:SendMessage", queue(deployed)).through("DeadLetters"),
    ]
}

fn queue(deployed: &StackPolicies) -> String {
    deployed.arn("sqs", deployed.id("DeadLetters"))
}

/// Returns the calls that the resource policies alone allow or deny.
fn services(deployed: &StackPolicies) -> Vec<Call> {
    let topic = deployed.arn("sns", deployed.id("Topic"));
    let alarm = Call::new(By::Service("cloudwatch.amazonaws.com"), "sns:Publish", &topic);
    let rule = deployed.arn("events", &format!("rule/{}", deployed.id("RunWithoutReport")));
    let dead = Call::new(By::Service("events.amazonaws.com"), "sqs:SendMessage", queue(deployed));
    let bucket = format!("arn:aws:s3:::{}", deployed.id("LedgerBucket"));
    vec![
        alarm.with("aws:SourceAccount", deployed.account.as_str()).through("Topic"),
        Call::new(By::Service("events.amazonaws.com"), "sns:Publish", &topic).through("Topic"),
        dead.with("aws:SourceArn", rule).through("DeadLetters"),
        Call::new(By::Admin, "s3:ListBucket", bucket).through("LedgerBucket"),
        Call::new(By::Admin, "s3:DeleteObject", object(deployed, "nights")).through("LedgerBucket"),
        Call::new(By::Admin, "sqs:ReceiveMessage", queue(deployed)).through("DeadLetters"),
        Call::new(By::Admin, "sns:Publish", topic).through("Topic"),
    ]
}

/// Returns the calls of KMS. The topic has a key of the stack or the customer managed key. The latter also encrypts the ledger and the queue.
fn keys(deployed: &StackPolicies, parameters: &RunParameters) -> Vec<Call> {
    let key = match parameters.key {
        Some(key) => key.to_owned(),
        None => deployed.arn("kms", &format!("key/{}", deployed.id("TopicKey"))),
    };
    let mut users = vec![("StateMachineRole", "sns")];
    if parameters.key.is_some() {
        let ledger = ["DiscoverVolumesRole", "FindExpiredRole", "ReportNightRole", "StateMachineRole"];
        users.extend(ledger.map(|role| (role, "s3")));
        users.push(("ScheduleRole", "sqs"));
    }
    let mut all = Vec::new();
    for action in ["kms:Decrypt", "kms:GenerateDataKey"] {
        all.extend(users.iter().map(|(role, service)| {
            let via = format!("{service}.us-east-1.amazonaws.com");
            Call::new(By::Role(role), action, &key).with("kms:ViaService", via).through("TopicKey")
        }));
        if parameters.key.is_none() {
            let alarm = Call::new(By::Service("cloudwatch.amazonaws.com"), action, &key);
            all.push(alarm.with("aws:SourceAccount", deployed.account.as_str()).through("TopicKey"));
            all.push(Call::new(By::Service("events.amazonaws.com"), action, &key).through("TopicKey"));
        }
    }
    if parameters.key.is_none() {
        let grant = Call::new(By::Admin, "kms:CreateGrant", &key).with("kms:GrantIsForAWSResource", "true");
        all.push(grant.through("TopicKey"));
    }
    all
}
