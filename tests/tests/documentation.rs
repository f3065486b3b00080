//! Tests the documentation: its commands run, its links resolve, and its tables match the code.

use domain::{
    Interval,
    plan::{Keep, Plans},
};
use regex::Regex;
use serde_json::json;
use serde_yaml_ng::Value;
use std::{
    collections::BTreeSet,
    io::{Read, Write},
    net::TcpListener,
    process::Command,
};
use strum::VariantArray;
use tests::{aws_commands, cloud::Cloud, commands, commands::Place, page, root, template, text};

const README: &str = "README.md";

#[test]
fn every_command_of_the_readme_that_needs_no_aws_runs_on_a_local_cloud() {
    run(vec![README.to_owned()]);
}

#[test]
fn every_command_of_the_other_pages_that_needs_no_aws_runs_on_a_local_cloud_in_full() {
    run(commands::pages().into_iter().filter(|page| page != README).collect());
}

fn run(pages: Vec<String>) {
    commands::build();
    std::thread::scope(|scope| {
        for page in pages {
            scope.spawn(move || {
                let blocks = commands::blocks(&page);
                if blocks.iter().any(|block| block.place == Place::Here) {
                    let name = page.replace('/', "-").replace(".md", "").to_lowercase();
                    commands::run(&page, &blocks, &Cloud::down(&format!("page-{name}"), vec![]));
                }
            });
        }
    });
}

#[test]
fn every_command_for_a_server_is_the_shells_language() {
    for page in commands::pages() {
        for block in commands::blocks(&page).iter().filter(|block| block.place == Place::Server) {
            let syntax = Command::new("bash").args(["-n", "-c", &block.commands]).output().expect("bash");
            assert!(syntax.status.success(), "{page}:{}: {}", block.line, String::from_utf8_lossy(&syntax.stderr));
        }
    }
}

#[tokio::test]
async fn every_command_that_needs_aws_runs_on_a_local_cloud() {
    let mut cloud = Cloud::up_with("page-aws", &["RestoreDrill=true"], &[("REGION", "eu-west-1")]);
    cloud.region = "eu-west-1";
    cloud.night(json!({})).await;
    let examples = [
        ("i-0123456789abcdef0", cloud.servers().await.remove(0)),
        ("snap-0123456789abcdef0", cloud.snapshots().await.into_keys().next().expect("a snapshot")),
        ("arn:aws:sns:eu-west-1:123456789012:nightly-backup-Topic-EXAMPLE", cloud.exported("TOPIC_ARN")),
        ("2336412f37fb687f5d51e6e2425e90c5", subscription_token(&cloud).await),
    ];
    for page in commands::pages() {
        let blocks = commands::blocks(&page);
        if blocks.iter().any(|block| block.commands.contains("create-bucket")) {
            lose_the_ledger(&cloud);
        }
        aws_commands::run(&page, &blocks, &cloud, &examples);
    }
}

/// Subscribes an endpoint of this test to the topic. Returns the token that SNS sends to it.
async fn subscription_token(cloud: &Cloud) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("its address"));
    let topic = aws_sdk_sns::Client::new(&cloud.aws().await).subscribe().topic_arn(cloud.exported("TOPIC_ARN"));
    topic.protocol("http").endpoint(address).send().await.expect("a subscription");
    let mut connection = listener.accept().expect("SNS").0;
    let mut received = String::new();
    while !received.ends_with('}') {
        let mut part = [0; 4096];
        let read = connection.read(&mut part).expect("a request");
        received += &String::from_utf8_lossy(&part[..read]);
    }
    connection.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").expect("an answer");
    let body = &received[received.find('{').expect("JSON")..];
    let message: serde_json::Value = serde_json::from_str(body).expect("JSON");
    message["Token"].as_str().expect("a token").to_owned()
}

/// Deletes the ledger bucket and its objects.
fn lose_the_ledger(cloud: &Cloud) {
    let script = format!(". {}; aws s3 rb --force s3://$LEDGER_BUCKET", cloud.directory.join("env").display());
    assert!(commands::shell(&script).status().expect("bash").success());
}

#[test]
fn every_link_between_the_pages_leads_somewhere() {
    let link = Regex::new(r"\]\(([^)#\s]*)(?:#([^)\s]+))?\)").expect("a pattern");
    for page in commands::pages() {
        let folder = page.rsplit_once('/').map(|(folder, _)| folder).unwrap_or_default();
        for found in link.captures_iter(&text(&page)).filter(|found| !found[1].contains(":")) {
            let place = if found[1].is_empty() { page.clone() } else { format!("{folder}/{}", &found[1]) };
            let place = place.trim_start_matches('/').to_owned();
            assert!(root().join(&place).exists(), "{page} links to {place}, which is not there");
            if let Some(anchor) = found.get(2) {
                assert!(anchors(&place).contains(anchor.as_str()), "{page} links to {place}#{}", anchor.as_str());
            }
        }
    }
}

/// Returns the anchors that GitHub generates for the headings of a page.
fn anchors(page: &str) -> BTreeSet<String> {
    let named = |heading: &str| {
        let kept =
            heading.to_lowercase().chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c)).collect::<String>();
        kept.replace(' ', "-")
    };
    let text = text(page);
    let headings = text.lines().filter(|line| line.starts_with('#'));
    headings.map(|line| named(line.trim_start_matches('#').trim())).collect()
}

#[test]
fn every_alarm_is_explained_to_the_operator() {
    let page = text("docs/operating.md");
    for name in ["backup.yaml", "restore-drill.yaml", "environment.yaml"] {
        let template = template::read(name);
        let resources = template["Resources"].as_mapping().expect("Resources").iter();
        let alarms = resources.filter(|(_, resource)| resource["Type"] == "AWS::CloudWatch::Alarm");
        for alarm in alarms.map(|(alarm, _)| alarm.as_str().expect("a name")) {
            assert!(
                page.contains(&format!("`{alarm}`")),
                "docs/operating.md does not say what {alarm} of {name} means"
            );
        }
    }
}

/// Compares the explanations with the text of the emails.
#[test]
fn every_error_that_a_mail_knows_is_explained_to_the_operator() {
    let mut table = String::from("| error | means | do |\n|---|---|---|\n");
    for (codes, advice) in report::advice::all() {
        let codes: Vec<_> = codes.iter().map(|code| format!("`{code}`")).collect();
        table += &format!("| {} | {} | {} |\n", codes.join(", "), advice.means, advice.remedy);
    }
    page::assert_shows("docs/operating.md", "<!-- advice -->\n", "<!-- end -->\n", &table);
}

#[test]
fn what_is_kept_is_what_the_code_keeps_by_default() {
    let parameters = &template::read("backup.yaml")["Parameters"];
    let default = |name: &str| parameters[name]["Default"].as_str().expect("a default").to_owned();
    let plans = Plans::read(&default("Keep"), &default("Plans"), &default("WeeklyOn")).expect("plans");
    let plan = plans.get("default").expect("the default plan");
    let mut table = "| Interval | due on | by default, one expires when |\n|---|---|---|\n".to_owned();
    for interval in Interval::VARIANTS {
        let expires = match plan.keep(*interval) {
            None => "not made".to_owned(),
            Some(Keep::Forever) => "never".to_owned(),
            Some(Keep::Count(count)) => format!("it is {} old **and** {count} newer ones exist", interval.age(count)),
        };
        table += &format!("| {interval} | {} | {expires} |\n", interval.due_dates());
    }
    page::assert_shows("README.md", "<!-- kept -->\n", "<!-- end -->\n", &table);
}

#[test]
fn the_parameters_are_listed_as_the_template_has_them() {
    let (backup, whole) = (template::read("backup.yaml"), template::read("template.yaml"));
    let mut table = String::from("| parameter | default | |\n|---|---|---|\n");
    for (name, parameter) in backup["Parameters"].as_mapping().expect("Parameters") {
        // `make deploy` sets the parameters without a default.
        let Some(default) = parameter["Default"].as_str().map(str::to_owned).or_else(|| number(&parameter["Default"]))
        else {
            continue;
        };
        let default = if default.is_empty() { default } else { format!("`{default}`") };
        let name = name.as_str().expect("a name");
        // template.yaml and `nightly deploy` set them.
        if ["DaysBetweenRuns", "RootStack"].contains(&name) {
            continue;
        }
        let alone = if whole["Parameters"][name].is_null() { " Only with `TEMPLATE=backup`." } else { "" };
        let says = parameter["Description"].as_str().expect("a description");
        table += &format!("| `{name}` | {default} | {says}{alone} |\n");
    }
    page::assert_shows("docs/parameters.md", "<!-- parameters -->\n", "<!-- end -->\n", &table);
}

fn number(value: &Value) -> Option<String> {
    value.as_f64().map(|number| number.to_string())
}
