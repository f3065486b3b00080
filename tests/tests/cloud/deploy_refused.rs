//! Deployments that are refused: one line with the remedy, and nothing is created.

use std::{
    io::{Read, Write},
    net::TcpListener,
    process::Command,
};
use tests::cloud::Cloud;

use crate::deploy::CliCaller;

/// Arguments of `nightly deploy` that are refused, and a part of the error.
const REFUSALS: [(&[&str], &str); 8] = [
    (&["--region", "cn-north-1"], "cn-north-1 is not supported"),
    (&["--stack", "a_b"], "\"a_b\" is not a stack name"),
    (&["--stack", "a-name-that-leaves-the-bucket-no-room"], "is too long: at most 30 characters in eu-west-1"),
    (&["--parameters", "KeepDalies=14"], "the template backup has no parameter KeepDalies; it has "),
    (
        &["--parameters", "Keep=Daily=7,Weekly=x"],
        "nightly: Keep, Weekly \"x\" must be a whole number from 1 to 9999, or forever",
    ),
    (
        &["--parameters", "Plans=gold:Monthly=12"],
        "nightly: Plans, gold \"Monthly=12\" does not name Daily; add Daily=7, or Daily=0 for no dailies",
    ),
    (&["--parameters", "Keep"], "For more information, try '--help'."),
    (&["--from", "/nonexistent"], "/nonexistent/infra/backup.yaml cannot be read"),
];

#[tokio::test]
async fn what_cannot_be_deployed_is_refused_with_the_remedy_before_anything_is_made() {
    let cloud = Cloud::up("deploy-refused", &[]);
    let tree = cloud.directory.join("tree").display().to_string();
    let caller = || CliCaller::new(&cloud).with("AWS_ENDPOINT_URL", &cloud.ministack()).with("AWS_MAX_ATTEMPTS", "1");
    let deploy = |more: &[&'static str]| -> Vec<String> {
        let has = |name: &str| more.contains(&name);
        let mut all = vec!["deploy", "--template", "backup", "--allow-endpoint", "--yes"];
        if !has("--from") {
            all.extend(["--from", tree.as_str()]);
        }
        [&all, more].concat().into_iter().map(str::to_owned).collect()
    };
    let refused = |caller: &CliCaller, more: &[&'static str]| {
        let all = deploy(more);
        caller.refused(&all.iter().map(String::as_str).collect::<Vec<_>>())
    };

    for (more, words) in REFUSALS {
        let said = refused(&caller(), more);
        assert!(said.contains(words), "{more:?}: {said}");
    }
    let mut endpoint = deploy(&[]);
    endpoint.retain(|word| word != "--allow-endpoint");
    let endpoint = caller().refused(&endpoint.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(endpoint.contains(", not AWS: open a new shell"), "{endpoint}");
    let nowhere = refused(&caller().without(&["AWS_REGION"]), &[]);
    assert!(nowhere.contains("no Region: give --region"), "{nowhere}");
    let stranger = refused(&caller().without(&["AWS_ACCESS_KEY_ID"]), &[]);
    assert!(stranger.contains("no AWS credentials"), "{stranger}");
    let silent = refused(&caller().with("AWS_ENDPOINT_URL", "http://127.0.0.1:1"), &[]);
    assert!(silent.contains("GetCallerIdentity: "), "{silent}");
    let asked = caller().refused(&["deploy", "--allow-endpoint", "--from", &tree]);
    assert!(asked.contains("add --template backup, environment or all"), "{asked}");
    let none = caller().refused(&["destroy", "--stack", "whole", "--yes", "--allow-endpoint"]);
    assert!(none.contains("there is no stack whole in eu-west-1"), "{none}");

    let cloudformation = aws_sdk_cloudformation::Client::new(&cloud.aws_in("eu-west-1").await);
    let shop = r#"{"Description": "A shop", "Resources": {"Queue": {"Type": "AWS::SQS::Queue"}}}"#;
    cloudformation.create_stack().stack_name("shop").template_body(shop).send().await.expect("a stack");
    for command in [&["deploy", "--template", "backup", "--from", &tree][..], &["destroy"]] {
        let said = caller().refused(&[command, &["--stack", "shop", "--yes", "--allow-endpoint"]].concat());
        assert!(said.contains("the stack shop is not a nightly backup"), "{said}");
    }
    let foreign = aws_sdk_s3::config::Builder::from(&cloud.aws_in("eu-west-1").await);
    let foreign =
        foreign.credentials_provider(aws_sdk_s3::config::Credentials::new("999999999999", "x", None, None, "test"));
    let place = aws_sdk_s3::types::BucketLocationConstraint::EuWest1;
    let place = aws_sdk_s3::types::CreateBucketConfiguration::builder().location_constraint(place).build();
    let bucket = aws_sdk_s3::Client::from_conf(foreign.build()).create_bucket().create_bucket_configuration(place);
    let bucket = bucket.bucket("taken-artifacts-000000000000-eu-west-1");
    bucket.send().await.expect("a bucket of another account");
    let taken = refused(&caller(), &["--stack", "taken"]);
    assert!(taken.contains("taken-artifacts-000000000000-eu-west-1 belongs to another account"), "{taken}");

    let stacks = cloudformation.describe_stacks().send().await.expect("the stacks");
    assert_eq!(stacks.stacks().len(), 1, "nothing else was made");
}

/// SHA-1 of the session's name `work`, under which the AWS CLI caches its token (AWS SDKs reference guide, "IAM Identity Center provider").
const TOKEN: &str = "e274eeff768c6396088ec6eb091f4bf4d47ab1e0.json";

#[tokio::test]
async fn a_session_that_expired_a_profile_of_aws_login_and_a_role_without_rights_are_refused_with_the_remedy() {
    let cloud = Cloud::up("deploy-denied", &[]);
    let caller = || CliCaller::new(&cloud).with("AWS_ENDPOINT_URL", &cloud.ministack()).with("AWS_MAX_ATTEMPTS", "1");
    let arguments = ["deploy", "--template", "backup", "--allow-endpoint", "--yes", "--from", "."];

    let home = cloud.directory.join("home");
    let cache = home.join(".aws/sso/cache");
    std::fs::create_dir_all(&cache).expect("a folder");
    let token = r#"{"accessToken": "x", "expiresAt": "2020-01-01T00:00:00Z", "region": "eu-west-1", "startUrl": "https://example.com"}"#;
    std::fs::write(cache.join(TOKEN), token).expect("a token");
    let config = "[profile work]\nsso_session = work\nsso_account_id = 123456789012\nsso_role_name = Admin\nregion = eu-west-1\n\n\
                  [sso-session work]\nsso_region = eu-west-1\nsso_start_url = https://example.com\n";
    std::fs::write(home.join(".aws/config"), config).expect("a configuration");
    let expired = caller().without(&["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]);
    let expired = expired.with("AWS_PROFILE", "work").with("HOME", &home.display().to_string());
    let said = expired.refused(&arguments);
    assert!(said.contains("no AWS credentials") && said.contains("`aws sso login`"), "{said}");

    let login = "[profile login]\nlogin_session = arn:aws:iam::123456789012:user/me\nregion = eu-west-1\n";
    std::fs::write(home.join(".aws/config"), login).expect("a configuration");
    let signed_in = caller().without(&["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]);
    let said = signed_in.with("AWS_PROFILE", "login").with("HOME", &home.display().to_string()).refused(&arguments);
    assert!(said.contains("`aws login`") && said.contains("aws configure export-credentials"), "{said}");

    let denied = caller().with("AWS_ENDPOINT_URL_CLOUDFORMATION", &denying_service());
    let said = denied.refused(&arguments);
    let words = "DescribeStacks: AccessDenied: User me is not authorized to perform cloudformation:DescribeStacks; ask an administrator";
    assert!(said.contains(words), "{said}");
}

/// Listens on a free port as a service that denies every call. Returns its URL.
fn denying_service() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let body = "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>User me is not authorized to perform \
                cloudformation:DescribeStacks</Message></Error></ErrorResponse>";
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            let _ = stream.read(&mut [0; 65_536]);
            let head =
                format!("HTTP/1.1 403 Forbidden\r\nContent-Type: text/xml\r\nContent-Length: {}\r\n\r\n", body.len());
            let _ = stream.write_all((head + body).as_bytes());
        }
    });
    url
}

/// Ctrl-C at the question leaves no change set behind, and no stack that only has one.
#[tokio::test]
async fn ctrl_c_at_the_question_changes_nothing() {
    let cloud = Cloud::up("deploy-interrupted", &[]);
    let tree = cloud.directory.join("tree");
    let env = cloud.directory.join("env");
    let deploy = format!("nightly deploy --stack asked --template backup --allow-endpoint --from '{}'", tree.display());
    // `script` makes a terminal, and passes on Ctrl-C (0x03) from its own input.
    let line = format!(
        "(while ! grep -q 'Make these changes' typed; do sleep 0.2; done; printf '\\003'; sleep 5) | \
                        script -qefc \". '{}'; {deploy}\" typed >/dev/null; echo $?",
        env.display()
    );
    let output =
        Command::new("sh").args(["-c", &line]).current_dir(&cloud.directory).output().expect("script, of util-linux");
    let typed = std::fs::read_to_string(cloud.directory.join("typed")).expect("the terminal");
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "130", "{typed}");
    assert!(typed.contains("interrupted; nothing was changed"), "{typed}");
    let cloudformation = aws_sdk_cloudformation::Client::new(&cloud.aws().await);
    let stacks = cloudformation.describe_stacks().send().await.expect("the stacks");
    assert!(stacks.stacks().iter().all(|stack| stack.stack_name() != Some("asked")), "{stacks:?}");
}
