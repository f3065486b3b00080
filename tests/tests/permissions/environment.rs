//! Every call of the servers, the flow log and the administrators.

use tests::iam::StackPolicies;

use crate::{
    calls::{By, Call},
    requests::Free,
};

const NO_REGION: &str = "CloudWatch's condition is the namespace; the alarms look at this Region's alone";
const NO_CHANNEL: &str = "a channel is a server's own, and no server of this VPC is elsewhere";
const ANY_SERVER: &str = "a server tells of itself; the credentials are the servers' of the environment alone";

pub const FREE: [Free; 6] = [
    Free { action: "cloudwatch:PutMetricData", why: "another Region", reason: NO_REGION },
    Free { action: "ssm:UpdateInstanceInformation", why: "another WebServer", reason: ANY_SERVER },
    Free { action: "ssmmessages:CreateControlChannel", why: "another Region", reason: NO_CHANNEL },
    Free { action: "ssmmessages:CreateDataChannel", why: "another Region", reason: NO_CHANNEL },
    Free { action: "ssmmessages:OpenControlChannel", why: "another Region", reason: NO_CHANNEL },
    Free { action: "ssmmessages:OpenDataChannel", why: "another Region", reason: NO_CHANNEL },
];

/// The role of each server with its folder in the bucket.
const SERVERS: [(By, &str); 2] =
    [(By::Role("WebServerRole"), "web-server"), (By::Role("DatabaseServerRole"), "database-server")];
const ADMINISTRATORS: By = By::Person("AdministratorsPolicy");

pub fn calls(deployed: &StackPolicies, key: &str) -> Vec<Call> {
    let mut all: Vec<_> = SERVERS.into_iter().flat_map(|(by, folder)| of_server(deployed, &by, folder)).collect();
    all.extend(logs(deployed, &By::Role("FlowLogRole"), "FlowLogGroup"));
    all.push(Call::new(By::Role("FlowLogRole"), "logs:DescribeLogGroups", "*"));
    all.extend(administrators(deployed));
    for by in SERVERS.map(|(by, _)| by).into_iter().chain([By::Person("BackupBucketKeyPolicy")]) {
        for action in ["kms:Decrypt", "kms:GenerateDataKey"] {
            let call = Call::new(by.clone(), action, key).with("kms:ViaService", "s3.us-east-1.amazonaws.com");
            all.push(call.through("TopicKey"));
        }
    }
    all
}

fn of_server(deployed: &StackPolicies, by: &By, folder: &str) -> Vec<Call> {
    let mut all: Vec<_> = ["CWAgent", "NightlyEnvironment"]
        .map(|namespace| Call::new(by.clone(), "cloudwatch:PutMetricData", "*").with("cloudwatch:namespace", namespace))
        .into();
    all.extend(["BootLog", "MessagesLog"].iter().flat_map(|group| logs(deployed, by, group)));
    for channel in ["CreateControlChannel", "CreateDataChannel", "OpenControlChannel", "OpenDataChannel"] {
        let call = Call::new(by.clone(), &format!("ssmmessages:{channel}"), "*");
        all.push(call.with("aws:EC2InstanceSourceVPC", deployed.id("Vpc")));
    }
    let server = deployed.arn("ec2", &format!("instance/{}", deployed.id("WebServer")));
    all.push(Call::new(by.clone(), "ssm:UpdateInstanceInformation", server));
    let list = Call::new(by.clone(), "s3:ListBucket", bucket(deployed));
    all.push(list.with("s3:prefix", format!("{folder}/2026")));
    for action in ["s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"] {
        all.push(Call::new(by.clone(), action, format!("{}/{folder}/dump", bucket(deployed))));
    }
    all
}

fn logs(deployed: &StackPolicies, by: &By, group: &str) -> Vec<Call> {
    let group = deployed.arn("logs", &format!("log-group:{}", deployed.id(group)));
    let stream = |action| Call::new(by.clone(), action, format!("{group}:log-stream:one"));
    let mut all = ["logs:CreateLogStream", "logs:PutLogEvents"].map(stream).to_vec();
    all.push(Call::new(by.clone(), "logs:DescribeLogStreams", format!("{group}:*")));
    all
}

fn bucket(deployed: &StackPolicies) -> String {
    format!("arn:aws:s3:::{}", deployed.id("BackupBucket"))
}

fn administrators(deployed: &StackPolicies) -> Vec<Call> {
    let (bucket, mut all) = (bucket(deployed), Vec::new());
    for action in [
        "s3:AbortMultipartUpload",
        "s3:DeleteObject",
        "s3:GetObject",
        "s3:GetObjectVersion",
        "s3:ListMultipartUploadParts",
        "s3:PutObject",
    ] {
        for (_, folder) in SERVERS {
            all.push(Call::new(ADMINISTRATORS, action, format!("{bucket}/{folder}/dump")));
        }
    }
    for action in ["s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads", "s3:ListBucketVersions"] {
        all.push(Call::new(ADMINISTRATORS, action, &bucket));
    }
    all
}
