//! Every call of the servers, of the flow log and of the administrators.

use tests::iam::Deployed;

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

const SERVERS: By = By::Role("InstanceRole");
const ADMINISTRATORS: By = By::Person("AdministratorsPolicy");

pub fn calls(deployed: &Deployed, key: &str) -> Vec<Call> {
    let mut all: Vec<_> = ["CWAgent", "NightlyEnvironment"]
        .map(|namespace| Call::new(SERVERS, "cloudwatch:PutMetricData", "*").with("cloudwatch:namespace", namespace))
        .into();
    for (by, group) in [(SERVERS, "BootLog"), (SERVERS, "MessagesLog"), (By::Role("FlowLogRole"), "FlowLogGroup")] {
        let group = deployed.arn("logs", &format!("log-group:{}", deployed.id(group)));
        for action in ["logs:CreateLogStream", "logs:PutLogEvents"] {
            all.push(Call::new(by.clone(), action, format!("{group}:log-stream:one")));
        }
        all.push(Call::new(by, "logs:DescribeLogStreams", format!("{group}:*")));
    }
    all.push(Call::new(By::Role("FlowLogRole"), "logs:DescribeLogGroups", "*"));
    for channel in ["CreateControlChannel", "CreateDataChannel", "OpenControlChannel", "OpenDataChannel"] {
        let call = Call::new(SERVERS, &format!("ssmmessages:{channel}"), "*");
        all.push(call.with("aws:EC2InstanceSourceVPC", deployed.id("Vpc")));
    }
    let server = deployed.arn("ec2", &format!("instance/{}", deployed.id("WebServer")));
    all.push(Call::new(SERVERS, "ssm:UpdateInstanceInformation", server));
    all.extend(bucket(deployed, key));
    all
}

fn bucket(deployed: &Deployed, key: &str) -> Vec<Call> {
    let bucket = format!("arn:aws:s3:::{}", deployed.id("BackupBucket"));
    let object = format!("{bucket}/dump");
    let mut all = vec![Call::new(SERVERS, "s3:ListBucket", &bucket)];
    for action in ["s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"] {
        all.push(Call::new(SERVERS, action, &object));
        all.push(Call::new(ADMINISTRATORS, action, &object));
    }
    for action in ["s3:DeleteObject", "s3:GetObjectVersion", "s3:ListMultipartUploadParts"] {
        all.push(Call::new(ADMINISTRATORS, action, &object));
    }
    for action in ["s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads", "s3:ListBucketVersions"] {
        all.push(Call::new(ADMINISTRATORS, action, &bucket));
    }
    for by in [SERVERS, By::Person("BackupBucketKeyPolicy")] {
        for action in ["kms:Decrypt", "kms:GenerateDataKey"] {
            all.push(
                Call::new(by.clone(), action, key)
                    .with("kms:ViaService", "s3.us-east-1.amazonaws.com")
                    .through("TopicKey"),
            );
        }
    }
    all
}
