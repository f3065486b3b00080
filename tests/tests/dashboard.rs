//! Compares the dashboards of the runs and the drills with the stacks and the metrics. The dashboards show every metric, and no metric
//! that does not exist.

use regex::Regex;
use report::metrics;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tests::{functions, pascal, template, text};

const CONDITIONS: [&str; 2] = ["HasBackupStack", "RunsEveryWeek"];
const DASHBOARDS: [&str; 2] = ["Dashboard", "DrillDashboard"];

/// Returns the properties of a resource, with `<name>` for each reference.
fn properties(resource: &str) -> Value {
    let yaml = template::properties(resource);
    substituted(serde_json::to_value(yaml).expect("JSON"))
}

fn substituted(value: Value) -> Value {
    let names = Regex::new(r"\$\{([\w:.]+)\}").expect("a pattern");
    let in_text = |text: &str| json!(names.replace_all(text, "<$1>"));
    match value {
        Value::Object(object) if object.len() == 1 => match object.into_iter().next().expect("one") {
            (name, Value::String(of)) if name == "Ref" => json!(format!("<{of}>")),
            (name, of) if name == "Fn::GetAtt" => json!(format!("<{}>", of[0].as_str().expect("a name"))),
            (name, Value::String(text)) if name == "Fn::Sub" => in_text(&text),
            (name, of) if name == "Fn::Sub" => in_text(of[0].as_str().expect("a text")),
            // The name of the backup, if it differs from the name of the stack, and the alarm of a schedule that runs every week.
            (name, of) if name == "Fn::If" && CONDITIONS.contains(&of[0].as_str().unwrap_or_default()) => {
                substituted(of[1].clone())
            }
            (name, of) => json!({ name: substituted(of) }),
        },
        Value::Object(object) => object.into_iter().map(|(key, inner)| (key, substituted(inner))).collect(),
        Value::Array(items) => items.into_iter().map(substituted).collect(),
        other => other,
    }
}

/// Returns the widgets of all dashboards.
fn widgets() -> Vec<Value> {
    DASHBOARDS.into_iter().flat_map(widgets_of).collect()
}

fn widgets_of(dashboard: &str) -> Vec<Value> {
    let body = properties(dashboard)["DashboardBody"]["Fn::ToJsonString"].clone();
    body["widgets"].as_array().expect("widgets").clone()
}

fn widgets_of_type(widgets: &[Value], kind: &str) -> Vec<Value> {
    let found: Vec<_> = widgets.iter().filter(|widget| widget["type"] == kind).cloned().collect();
    assert!(!found.is_empty(), "no widget of type {kind}");
    found
}

/// Returns the resources of a type in the form of a substitution.
fn resources(kind: &str) -> BTreeSet<String> {
    let resources = template::resources();
    let found = resources.iter().filter(|(_, resource)| resource["Type"].as_str() == Some(kind));
    found.map(|(name, _)| format!("<{}>", name.as_str().expect("a name"))).collect()
}

/// Returns the namespace, the name and the dimensions of each metric in a widget. A `.` is replaced with the value in the row above.
fn metrics() -> Vec<Vec<String>> {
    let mut all = Vec::new();
    for widget in widgets_of_type(&widgets(), "metric") {
        let mut above: Vec<String> = Vec::new();
        for metric in widget["properties"]["metrics"].as_array().expect("metrics") {
            let words = metric.as_array().expect("a metric").iter().filter_map(Value::as_str).enumerate();
            above = words.map(|(at, word)| if word == "." { above[at].clone() } else { word.to_owned() }).collect();
            all.push(above.clone());
        }
    }
    all
}

#[test]
fn no_widget_overlaps_another_or_leaves_the_grid() {
    let mut taken = BTreeSet::new();
    let of_all = DASHBOARDS
        .into_iter()
        .flat_map(|dashboard| widgets_of(dashboard).into_iter().map(move |widget| (dashboard, widget)));
    for (dashboard, widget) in of_all {
        let number = |key: &str| widget[key].as_u64().unwrap_or_else(|| panic!("{key} of {widget}"));
        let (across, down) = (number("x")..number("x") + number("width"), number("y")..number("y") + number("height"));
        assert!(across.end <= 24 && !across.is_empty() && !down.is_empty(), "{widget}");
        for (x, y) in across.flat_map(|x| down.clone().map(move |y| (x, y))) {
            assert!(taken.insert((dashboard, x, y)), "something else is at {x}, {y} already: {widget}");
        }
    }
}

#[test]
fn every_graph_shows_the_stacks_region_and_whole_nights() {
    for kind in ["metric", "log"] {
        for widget in widgets_of_type(&widgets(), kind) {
            assert_eq!(widget["properties"]["region"], "<AWS::Region>", "{widget}");
            assert!(kind == "log" || widget["properties"]["period"] == 86_400, "{widget}");
        }
    }
}

#[test]
fn the_dashboard_shows_every_metric_and_no_other() {
    let own: BTreeSet<_> = metrics().into_iter().filter(|metric| metric[0] == metrics::NAMESPACE).collect();
    let of = |name| [metrics::NAMESPACE, name, "BackupStack", "<BackupStack>"].map(str::to_owned).to_vec();
    assert_eq!(own, BTreeSet::from(metrics::ALL.map(of)));
    let alarm = properties("NoCompleteNightAlarm");
    assert_eq!(alarm["Dimensions"], json!([{"Name": "BackupStack", "Value": "<BackupStack>"}]));
    assert_eq!(alarm["Namespace"], metrics::NAMESPACE);
}

/// The dimension of each AWS namespace on the dashboards, with the type of its resource.
const DIMENSIONS: [(&str, &str, &str); 2] = [
    ("AWS/Lambda", "FunctionName", "AWS::Lambda::Function"),
    ("AWS/States", "StateMachineArn", "AWS::StepFunctions::StateMachine"),
];

#[test]
fn every_aws_metric_belongs_to_a_resource_of_the_stack() {
    for metric in metrics().iter().filter(|metric| metric[0] != metrics::NAMESPACE) {
        let is_of =
            |namespace: &str, dimension: &str| (namespace, dimension) == (metric[0].as_str(), metric[2].as_str());
        let known = DIMENSIONS.iter().find(|(namespace, dimension, _)| is_of(namespace, dimension));
        let (.., kind) = known.unwrap_or_else(|| panic!("whose is {metric:?}?"));
        assert!(metric.len() == 4 && resources(kind).contains(&metric[3]), "no {kind} of the stack: {metric:?}");
    }
}

#[test]
fn the_dashboard_shows_every_kind_of_failure() {
    let shown: BTreeSet<_> = metrics().into_iter().map(|metric| format!("{} of {}", metric[1], metric[3])).collect();
    let of_functions = functions().into_iter().map(|function| format!("Errors of <{}Function>", pascal(&function)));
    let ends = ["Failed", "TimedOut", "Aborted"];
    let of_machines = ["StateMachine", "RestoreDrill"]
        .into_iter()
        .flat_map(|machine| ends.map(|end| format!("Executions{end} of <{machine}>")));
    for wanted in of_functions.chain(of_machines) {
        assert!(shown.contains(&wanted), "{wanted} is not shown: {shown:?}");
    }
}

/// The words of the query language that the dashboards use.
const COMMANDS: [&str; 9] = ["asc", "as", "by", "filter", "ispresent", "latest", "sort", "stats", "SOURCE"];

/// Returns whether drill-report logs a field.
fn writes(field: &str) -> bool {
    text("functions/drill-report/src/region.rs").contains(&format!("\"{field}\""))
}

#[test]
fn the_query_asks_the_log_group_of_the_drill_for_what_drill_report_logs() {
    let (source, word) = (Regex::new("^SOURCE '([^']+)'").unwrap(), Regex::new(r"\w+").unwrap());
    let alias = Regex::new(r" as (\w+)").unwrap();
    for widget in widgets_of_type(&widgets(), "log") {
        let query = widget["properties"]["query"].as_str().expect("a query");
        let group = source.captures(query).expect("a SOURCE");
        assert_eq!(&group[1], "<DrillLogGroup>", "{query}");
        let asked = query[group[0].len()..].to_owned();
        let named: BTreeSet<_> = alias.captures_iter(&asked).map(|found| found[1].to_owned()).collect();
        let words = word.find_iter(&asked).map(|found| found.as_str());
        let fields = words.filter(|word| !COMMANDS.contains(word) && !named.contains(*word));
        let fields: BTreeSet<_> = fields.collect();
        assert!(fields.len() > 1, "{query}");
        for field in fields {
            assert!(writes(field), "no line of drill-report has {field}: {query}");
        }
    }
}

#[test]
fn the_dashboard_shows_every_alarm() {
    let widgets = widgets_of_type(&widgets(), "alarm");
    let shown = widgets.iter().flat_map(|widget| widget["properties"]["alarms"].as_array().expect("alarms").clone());
    let shown: Vec<_> = shown.map(|alarm| alarm.as_str().expect("an ARN").to_owned()).collect();
    assert_eq!(BTreeSet::from_iter(shown), resources("AWS::CloudWatch::Alarm"));
}
