//! The life of the stacks on the local cloud: creation, a change of every parameter, deletion, and a creation that fails.

use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    process::{Command, Output},
};
use tests::{
    cloud::{Cloud, WITHOUT_SERVERS},
    functions, root, template, wait,
};

const BACKUP: &str = "nightly-backup";
/// The bucket with the templates and zips of the stack.
const ARTIFACTS: &str = "nightly-backup-artifacts-000000000000-us-east-1";

/// A second valid value for every parameter of backup.yaml except three. KmsKeyArn needs a real key, and the deployment computes the others.
const BACKUP_VALUES: [(&str, &str); 25] = [
    ("RootStack", "another"),
    ("BackupStack", "another-name"),
    ("Client", "a client"),
    ("DrillDocument", "AnotherDocument"),
    ("DrillGiB", "500"),
    ("DrillInstance", "i-0123456789abcdef0"),
    ("DrillSchedule", "cron(0 18 ? * SAT *)"),
    ("DrillVolumes", "10"),
    ("DrillWeeks", "1"),
    ("DrillZones", "us-east-1b"),
    ("Email", "you@example.com"),
    ("Keep", "Daily=14,Weekly=4,Annual=7"),
    ("PermissionsBoundary", BOUNDARY),
    ("Plans", "gold:Daily=30,Monthly=12;scratch:Daily=2"),
    ("Project", "a project"),
    ("Regions", "us-east-1,eu-west-1"),
    ("RestoreDrill", "true"),
    ("ScheduleExpression", "cron(15 3 * * ? *)"),
    ("SnapshotsPerSecond", "10"),
    ("TagsAtCreation", "CostCenter,Owner"),
    ("TagsNotCopied", "team/*,Owner"),
    ("TimeZone", "Europe/Berlin"),
    ("VolumeKeyArns", "arn:aws:kms:*:000000000000:key/*,arn:aws:kms:us-east-1:999988887777:key/1"),
    ("VolumeTag", "Backup=true"),
    ("WeeklyOn", "Monday"),
];

/// A second valid value for every parameter of environment.yaml except KmsKeyArn.
const ENVIRONMENT_VALUES: [(&str, &str); 16] = [
    ("AdminCidr", "192.0.2.0/24"),
    ("Client", "a client"),
    ("DumpSchedule", "*-*-* 02:00:00"),
    ("Email", "you@example.com"),
    ("FileSystem", "ext4"),
    ("FlowLogs", "true"),
    ("ImageId", "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-6.1-arm64"),
    ("InstanceType", "t4g.medium"),
    ("KeepDumps", "7"),
    ("KeyName", "a-key"),
    ("NatGateway", "false"),
    ("PermissionsBoundary", BOUNDARY),
    ("Project", "a project"),
    ("RootDevice", "/dev/sda1"),
    ("VolumeSize", "30"),
    ("Zone", "us-east-1b"),
];

const BOUNDARY: &str = "arn:aws:iam::000000000000:policy/bounds";

/// Resources that a deleted stack must not leave behind: a listing, and the path of the names in its answer.
const LISTINGS: [(&str, &str, &str); 10] = [
    ("lambda", "list-functions", "Functions[].FunctionName"),
    ("stepfunctions", "list-state-machines", "stateMachines[].name"),
    ("events", "list-rules", "Rules[].Name"),
    ("scheduler", "list-schedules", "Schedules[].Name"),
    ("sns", "list-topics", "Topics[].TopicArn"),
    ("sqs", "list-queues", "QueueUrls"),
    ("iam", "list-roles", "Roles[].RoleName"),
    ("logs", "describe-log-groups", "logGroups[].logGroupName"),
    ("cloudwatch", "describe-alarms", "MetricAlarms[].AlarmName"),
    ("cloudwatch", "list-dashboards", "DashboardEntries[].DashboardName"),
];

/// The AWS CLI with one endpoint URL.
struct AwsCli(String);

impl AwsCli {
    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(root().join("target/venv/bin/aws"));
        command.args(arguments).args(["--output", "json", "--endpoint-url", &self.0]).current_dir(root()).env_clear();
        command.env("PATH", std::env::var_os("PATH").expect("PATH")).env("HOME", "/nonexistent");
        command.env("AWS_ACCESS_KEY_ID", "test").env("AWS_SECRET_ACCESS_KEY", "test");
        command.env("AWS_DEFAULT_REGION", "us-east-1").output().expect("the AWS CLI of target/venv")
    }

    /// Returns the answer, or null if it is empty.
    fn ask(&self, arguments: &[&str]) -> Value {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap_or_default()
    }

    /// Describes a stack. Returns `None` if it does not exist.
    fn stack(&self, name: &str) -> Option<Value> {
        let output = self.run(&["cloudformation", "describe-stacks", "--stack-name", name]);
        let described: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() || error.contains("does not exist"), "{name}: {error}");
        described["Stacks"].get(0).cloned()
    }

    /// Waits until no operation on the stack is in progress. Returns its status.
    async fn wait_until_settled(&self, name: &str) -> String {
        wait::until_some(&format!("{name} settles"), async || {
            let status = self.stack(name).map_or(json!("DELETE_COMPLETE"), |stack| stack["StackStatus"].clone());
            let status = status.as_str().expect("a status").to_owned();
            (!status.ends_with("_IN_PROGRESS")).then_some(status)
        })
        .await
    }

    /// Returns the names in every listing that contain the name of the stack.
    fn left_of(&self, stack: &str) -> Vec<String> {
        let bears =
            |name: &str| name.rsplit([':', '/']).next().is_some_and(|name| name.starts_with(&format!("{stack}-")));
        let listed = LISTINGS.iter().flat_map(|(service, list, query)| {
            let names = self.ask(&[service, list, "--query", query]);
            let names: Vec<_> =
                names.as_array().into_iter().flatten().map(|name| name.as_str().unwrap().to_owned()).collect();
            names.into_iter().filter(|name| bears(name)).map(move |name| format!("{service} {name}"))
        });
        listed.collect()
    }

    fn buckets_of(&self, stack: &str) -> Vec<String> {
        let buckets = self.ask(&["s3api", "list-buckets", "--query", "Buckets[].Name"]);
        let names = buckets.as_array().into_iter().flatten().map(|name| name.as_str().unwrap().to_owned());
        names.filter(|name| name.starts_with(&format!("{stack}-"))).collect()
    }

    fn key(&self) -> String {
        self.ask(&["kms", "create-key"])["KeyMetadata"]["Arn"].as_str().expect("its ARN").to_owned()
    }

    /// Returns the keys and sizes of the objects in a bucket.
    fn objects(&self, bucket: &str) -> Value {
        self.ask(&["s3api", "list-objects-v2", "--bucket", bucket, "--query", "Contents[].[Key, Size]"])
    }
}

/// Returns the parameters of a described stack.
fn parameters(stack: &Value) -> BTreeMap<String, String> {
    let text = |one: &Value, field: &str| one[field].as_str().expect("a text").to_owned();
    let all = stack["Parameters"].as_array().expect("Parameters").iter();
    all.map(|one| (text(one, "ParameterKey"), text(one, "ParameterValue"))).collect()
}

/// Returns the parameters that a template declares.
fn declared(name: &str) -> BTreeSet<String> {
    let parameters = template::read(name)["Parameters"].as_mapping().expect("Parameters").clone();
    parameters.keys().map(|key| key.as_str().expect("a name").to_owned()).collect()
}

#[tokio::test]
async fn every_parameter_of_the_backup_can_be_changed_and_a_delete_leaves_the_ledger_and_the_snapshots_in_full() {
    let cloud = Cloud::up("stacks-backup", &[]);
    let aws = AwsCli(cloud.ministack());
    let night = cloud.night(json!({"time": "2027-02-01T04:30:00Z"})).await;
    assert_eq!(night.status, "SUCCEEDED", "{}", night.cause);
    let snapshots = cloud.snapshots().await;
    assert_eq!(snapshots.len(), 2);
    the_dashboard_is_of_the_stack(&aws);

    let key = aws.key();
    let values: BTreeMap<_, _> = BACKUP_VALUES.into_iter().chain([("KmsKeyArn", key.as_str())]).collect();
    let tried =
        values.keys().chain(&["DaysBetweenRuns", "Releases"]).map(|name| name.to_string()).collect::<BTreeSet<_>>();
    assert_eq!(tried, declared("backup.yaml"));
    let mut before = parameters(&aws.stack(BACKUP).expect("the stack"));
    let first = before["Releases"].clone();
    // Changes several parameters at a time, because each update takes ten seconds on two cores.
    for group in values.into_iter().collect::<Vec<_>>().chunks(4) {
        let mut words = Vec::new();
        for (name, value) in group {
            let old = before.insert(name.to_string(), value.to_string());
            assert_ne!(old.as_deref(), Some(*value), "{name} would not change");
            words.push(format!("{name}={value}"));
        }
        let updated = cloud.run("up", &words.iter().map(String::as_str).collect::<Vec<_>>());
        assert!(updated.status.success(), "{words:?}: {}", String::from_utf8_lossy(&updated.stderr));
        let stack = aws.stack(BACKUP).expect("the stack");
        assert_eq!(stack["StackStatus"], "UPDATE_COMPLETE", "{words:?}");
        let after = parameters(&stack);
        before.insert("Releases".to_owned(), after["Releases"].clone());
        assert_eq!(after, before, "{words:?}");
    }
    let digests = |releases: &str| releases.split(',').map(str::to_owned).collect::<BTreeSet<_>>();
    let (first, last) = (digests(&first), digests(&before["Releases"]));
    assert_eq!((first.len(), last.len()), (functions().len(), functions().len()));
    assert!(first.is_disjoint(&last), "each function has a setting that was changed: {first:?} {last:?}");
    the_next_night_calls_a_version_with(
        &aws,
        &cloud.exported("STATE_MACHINE_ARN"),
        "findexpired",
        "KEEP",
        "Daily=14,Weekly=4,Annual=7",
    );

    let ledger = cloud.exported("LEDGER_BUCKET");
    let objects = aws.objects(&ledger);
    assert!(objects.to_string().contains("/report.json"), "{objects}");
    assert!(!aws.left_of(BACKUP).is_empty(), "the listings see nothing of the stack");
    aws.ask(&["cloudformation", "delete-stack", "--stack-name", BACKUP]);
    assert_eq!(aws.wait_until_settled(BACKUP).await, "DELETE_COMPLETE");
    assert_eq!(aws.left_of(BACKUP), Vec::<String>::new());
    assert_eq!(aws.buckets_of(BACKUP), [ARTIFACTS, ledger.as_str()]);
    assert_eq!(aws.objects(&ledger), objects);
    assert_eq!(cloud.snapshots().await, snapshots);
}

fn the_dashboard_is_of_the_stack(aws: &AwsCli) {
    let name = format!("{BACKUP}-us-east-1");
    let got = aws.ask(&["cloudwatch", "get-dashboard", "--dashboard-name", &name]);
    let body = got["DashboardBody"].as_str().expect("a body");
    let parsed: Value = serde_json::from_str(body).expect("the body is JSON");
    assert!(!parsed["widgets"].as_array().expect("widgets").is_empty() && !body.contains("${"), "{body}");
    let resources = "StackResources[?LogicalResourceId=='%'].PhysicalResourceId | [0]";
    for resource in ["StateMachine", "ReportNightFunction"] {
        let query = resources.replace('%', resource);
        let asked = ["cloudformation", "describe-stack-resources", "--stack-name", BACKUP, "--query", &query];
        let id = aws.ask(&asked);
        assert!(body.contains(id.as_str().expect("a physical id")), "{resource} is {id}: {body}");
    }
    let alarms = aws.ask(&["cloudwatch", "describe-alarms", "--query", "MetricAlarms[].AlarmArn"]);
    assert_eq!(alarms.as_array().map(Vec::len), Some(3), "{alarms}");
    for alarm in alarms.as_array().expect("alarms") {
        assert!(body.contains(&alarm.to_string()), "{alarm}: {body}");
    }
    assert!(body.contains(&format!(r#""BackupStack","{BACKUP}""#)), "{body}");
}

/// Asserts that the state machine calls a version with this setting. A version keeps the settings of its publication, so a changed
/// parameter has no effect on runs unless it publishes a new version.
fn the_next_night_calls_a_version_with(aws: &AwsCli, machine: &str, function: &str, variable: &str, value: &str) {
    let described = aws.ask(&["stepfunctions", "describe-state-machine", "--state-machine-arn", machine]);
    let definition = described["definition"].as_str().expect("a definition");
    let named = |text: &&str| text.starts_with("arn:aws:lambda:") && text.to_lowercase().contains(function);
    let named = definition.split('"').find(named).unwrap_or_else(|| panic!("{function} in {definition}"));
    assert!(named.rsplit(':').next().is_some_and(|version| version.parse::<u32>().is_ok()), "{named} is no version");
    let configured = aws.ask(&["lambda", "get-function-configuration", "--function-name", named]);
    assert_eq!(configured["Environment"]["Variables"][variable], value, "{configured}");
}

/// Tests creation, not an update, because moto deletes a replaced server at an update and then has no address for the web server.
#[tokio::test]
async fn the_environment_is_made_with_a_second_value_of_every_parameter() {
    let cloud = Cloud::up("stacks-environment", &[]);
    let aws = AwsCli(cloud.moto());
    let key = aws.key();
    let values: BTreeMap<_, _> = ENVIRONMENT_VALUES.into_iter().chain([("KmsKeyArn", key.as_str())]).collect();
    let known: BTreeSet<_> = values.keys().map(|name| name.to_string()).collect();
    assert_eq!(known, declared("environment.yaml"));
    aws.ask(&["ec2", "create-key-pair", "--key-name", "a-key"]);
    let body = cloud.template(&cloud.moto(), "nightly-environment").to_string();
    let parameters: Vec<_> = values.iter().map(|(k, v)| json!({"ParameterKey": k, "ParameterValue": v})).collect();
    let given = serde_json::to_string(&parameters).expect("JSON");
    let named = ["--stack-name", "second", "--template-body", &body, "--capabilities", "CAPABILITY_IAM"];
    aws.ask(&[&["cloudformation", "create-stack"], &named[..], &["--parameters", &given]].concat());
    assert_eq!(aws.wait_until_settled("second").await, "CREATE_COMPLETE");
    let volumes = "Volumes[?Size==`30` && State=='in-use'].[Attachments[0].Device, Encrypted]";
    let volumes = aws.ask(&["ec2", "describe-volumes", "--query", volumes]);
    assert_eq!(volumes, json!([["/dev/sda1", true], ["/dev/sda1", true]]));
    let gateways = aws.ask(&["ec2", "describe-nat-gateways", "--query", "length(NatGateways)"]);
    assert_eq!(gateways, json!(1), "that of the first stack alone");
}

#[tokio::test]
async fn a_create_that_fails_leaves_nothing() {
    let cloud = Cloud::up_with("stacks-failed", &[], &[WITHOUT_SERVERS]);
    let aws = AwsCli(cloud.ministack());
    let mut template = cloud.template(&cloud.ministack(), BACKUP);
    let resources = template["Resources"].as_object_mut().expect("Resources");
    resources.insert("Never".into(), json!({"Type": "AWS::CloudFormation::WaitConditionHandle"}));
    // Depends on the resources that are created last.
    let last = ["Schedule", "RunWithoutReport", "FindExpiredVersion", "LedgerBucketPolicy"];
    let never = json!({"Handle": {"Ref": "Never"}, "Timeout": 1});
    let never = json!({"Type": "AWS::CloudFormation::WaitCondition", "DependsOn": last, "Properties": never});
    resources.insert("NeverComes".into(), never);
    let broken = cloud.directory.join("broken.json");
    std::fs::write(&broken, template.to_string()).expect("written");
    // The template is too long for the request.
    aws.ask(&["s3api", "put-object", "--bucket", ARTIFACTS, "--key", "broken", "--body", broken.to_str().unwrap()]);
    let url = format!("{}/{ARTIFACTS}/broken", aws.0);
    let capabilities = ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"];
    let named = [&["--stack-name", "broken", "--template-url", &url, "--capabilities"], &capabilities[..]].concat();
    let none = ["none"; 11].join(",");
    let releases = json!([{"ParameterKey": "Releases", "ParameterValue": none}]).to_string();
    let release = ["--parameters", &releases];
    aws.ask(&[&["cloudformation", "create-stack"], &named[..], &release].concat());

    assert_eq!(aws.wait_until_settled("broken").await, "ROLLBACK_COMPLETE");
    let failed = "StackEvents[?ResourceStatus=='CREATE_FAILED'].LogicalResourceId";
    let events = aws.ask(&["cloudformation", "describe-stack-events", "--stack-name", "broken", "--query", failed]);
    assert_eq!(events, json!(["NeverComes"]));
    let created = "StackEvents[?ResourceStatus=='CREATE_COMPLETE'].LogicalResourceId";
    let events = aws.ask(&["cloudformation", "describe-stack-events", "--stack-name", "broken", "--query", created]);
    for resource in ["LedgerBucket", "Schedule", "StateMachine", "FindExpiredFunction", "Topic"] {
        assert!(
            events.as_array().expect("events").contains(&json!(resource)),
            "{resource} was not there yet: {events}"
        );
    }
    assert_eq!(aws.left_of("broken"), Vec::<String>::new());
    // RetainExceptOnCreate deletes the bucket if the creation of its stack fails.
    assert_eq!(aws.buckets_of("broken"), Vec::<String>::new());
    let said = refused(&cloud, "broken");
    assert!(said.contains("broken is ROLLBACK_COMPLETE: its creation failed and was undone"), "{said}");
    assert!(said.contains("run `nightly destroy --stack broken --region us-east-1`, then deploy again"), "{said}");
}

/// An update that fails halfway is rolled back. The next deployment succeeds, and publishes the functions again.
#[tokio::test]
async fn an_update_that_fails_is_undone_and_the_next_one_succeeds() {
    let cloud = Cloud::up_with("stacks-rolled-back", &[], &[WITHOUT_SERVERS]);
    let aws = AwsCli(cloud.ministack());
    let (tree, broken) = (cloud.directory.join("tree"), cloud.directory.join("broken"));
    assert!(Command::new("cp").arg("-r").arg(&tree).arg(&broken).status().expect("cp").success());
    let file = broken.join("infra/backup.yaml");
    let template = std::fs::read_to_string(&file).expect("a template");
    let never = "  Never: {Type: AWS::CloudFormation::WaitConditionHandle}\n  NeverComes: {Type: AWS::CloudFormation::WaitCondition, \
                 DependsOn: StateMachine, Properties: {Handle: !Ref Never, Timeout: 1}}\n\nOutputs:\n";
    std::fs::write(&file, template.replacen("Outputs:\n", never, 1)).expect("written");
    let deploy = |from: &std::path::Path| {
        let from = from.display().to_string();
        let deploy =
            ["deploy", "--template", "backup", "--stack", BACKUP, "--yes", "--allow-endpoint", "--from", &from];
        cloud.nightly(&[&deploy[..], &["--parameters", "Keep=Daily=9,Quarterly=5,Annual=forever"]].concat())
    };

    let failed = deploy(&broken);
    let said = String::from_utf8_lossy(&failed.stderr).into_owned();
    assert_eq!(failed.status.code(), Some(3), "{said}");
    assert!(said.contains("NeverComes") && said.contains("the deployment failed and is undone"), "{said}");
    let stack = aws.stack(BACKUP).expect("the stack");
    assert_eq!(stack["StackStatus"], "UPDATE_ROLLBACK_COMPLETE");
    assert_eq!(parameters(&stack)["Keep"], "Daily=7,Quarterly=5,Annual=forever");

    let repaired = deploy(&tree);
    assert!(repaired.status.success(), "{}", String::from_utf8_lossy(&repaired.stderr));
    assert_eq!(parameters(&aws.stack(BACKUP).expect("the stack"))["Keep"], "Daily=9,Quarterly=5,Annual=forever");
    assert_eq!(cloud.nightly(&["run", "--dry-run"]).status.code(), Some(1), "no volume: the functions run");
}

/// Returns the last line of a failed `nightly deploy` of this stack.
fn refused(cloud: &Cloud, stack: &str) -> String {
    let tree = cloud.directory.join("tree").display().to_string();
    let deploy = ["deploy", "--template", "backup", "--from", &tree, "--allow-endpoint", "--yes", "--stack", stack];
    let output = cloud.nightly(&deploy);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!((output.status.code(), said.lines().count()), (Some(3), 1), "{said}");
    said
}
