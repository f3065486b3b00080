//! The JSON of each command: it follows the schema in docs/json, and is the golden file in json/ except for ids, times and counts of
//! seconds. `UPDATE=1` rewrites the golden files.

use regex::Regex;
use serde_json::{Map, Value, json};
use std::{env, fs, process::Output};
use tests::{cloud::Cloud, root, text};

/// Compares the output of a command with its schema and its golden file.
pub fn assert_contract(command: &str, output: &Output) {
    let printed = String::from_utf8_lossy(&output.stdout);
    let value: Value = serde_json::from_str(&printed)
        .unwrap_or_else(|error| panic!("{command}: {error}: {printed}{}", String::from_utf8_lossy(&output.stderr)));
    let schema: Value = serde_json::from_str(&text(&format!("docs/json/{command}.schema.json"))).expect("a schema");
    let validator = jsonschema::validator_for(&schema).expect("a valid schema");
    let problems: Vec<_> =
        validator.iter_errors(&value).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(problems.is_empty(), "{command}: {problems:#?}");
    assert_keys(command, &value);
    let masked = serde_json::to_string_pretty(&mask("", &value)).expect("JSON") + "\n";
    let file = root().join("tests/tests/cloud/json").join(format!("{command}.json"));
    if env::var_os("UPDATE").is_some() {
        fs::write(&file, &masked).expect("the golden file");
    }
    assert_eq!(fs::read_to_string(&file).unwrap_or_default(), masked, "{command}; UPDATE=1 make test rewrites it");
}

/// Requires camel case of every key, except the keys of maps that AWS or a person names.
fn assert_keys(path: &str, value: &Value) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| assert_keys(path, item)),
        Value::Object(members) => {
            for (key, member) in members {
                let is_camel = key.starts_with(|first: char| first.is_ascii_lowercase())
                    && key.chars().all(|one| one.is_ascii_alphanumeric());
                assert!(is_camel, "{path}: {key}");
                if !["tags", "outputs"].contains(&key.as_str()) {
                    assert_keys(&format!("{path}.{key}"), member);
                }
            }
        }
        _ => {}
    }
}

/// Replaces every value that differs between runs. Sorts lists, because their order depends on ids.
fn mask(key: &str, value: &Value) -> Value {
    match value {
        Value::String(text) => json!(mask_text(text)),
        Value::Number(_) if key.to_lowercase().contains("seconds") => json!(0),
        Value::Array(items) => {
            let mut items: Vec<_> = items.iter().map(|item| mask(key, item)).collect();
            items.sort_by_key(Value::to_string);
            json!(items)
        }
        Value::Object(members) => {
            json!(members.iter().map(|(key, member)| (key.clone(), mask(key, member))).collect::<Map<_, _>>())
        }
        other => other.clone(),
    }
}

fn mask_text(text: &str) -> String {
    let masks = [
        (r"\d{4}-\d\d-\d\dT[0-9:.]+Z", "TIME"),
        (r"\d{4}-\d\d-\d\d \d\d:\d\d( UTC)?", "TIME"),
        (r"\d{4}-\d\d-\d\d", "DATE"),
        (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "UUID"),
        (r"\b(snap|vol|i|ami|eni|key|vpc|subnet|sg)-[0-9a-f]{8,17}\b", "$1-ID"),
        (r"localhost:\d+|127\.0\.0\.1:\d+", "HOST"),
        (r"\b\d+(\.\d+)? ?(ms|s|m|h)\b", "SPAN"),
        (r"-[0-9a-f]{13}\b", "-SUFFIX"),
        (r"-[0-9a-f]{8}-[0-9a-f]{3}-", "-SUFFIX-"),
        (r"-[0-9A-Z]{12,13}\b", "-SUFFIX"),
        (r"\b\d+ concurrent", "N concurrent"),
        (r"-[0-9a-f]{6}\b", "-SUFFIX"),
    ];
    masks.iter().fold(text.to_owned(), |text, (pattern, name)| {
        Regex::new(pattern).expect("a pattern").replace_all(&text, *name).into_owned()
    })
}

#[tokio::test]
async fn the_json_of_each_command_follows_its_schema_and_its_golden_file() {
    let cloud = Cloud::up_with("json", &["RestoreDrill=true"], &[]);
    let run = |command: &str, arguments: &[&str]| {
        let output = cloud.nightly(&[&[command], arguments, &["--json"]].concat());
        assert_contract(command, &output);
        serde_json::from_slice::<Value>(&output.stdout).expect("JSON")
    };
    run("run", &["--night", "2026-11-20"]);
    run("drill", &["--all"]);
    run("coverage", &["--max-age", "9999h"]);
    let listing = run("list", &[]);
    let point = &listing["volumes"][0]["restorePoints"][0];
    run("plan", &["--keep", "Daily=7,Weekly=4,Annual=forever"]);
    run("why", &[point["snapshotId"].as_str().expect("an id")]);
    run("restore", &["--server", "web-server", "--plan"]);
    run("status", &["2026-11-20"]);
    run("graph", &[]);
    run("check", &[]);
    let tree = cloud.directory.join("tree").display().to_string();
    let other = ["--stack", "other", "--yes", "--allow-endpoint"];
    run("deploy", &[&other[..], &["--template", "backup", "--from", &tree]].concat());
    run("destroy", &other);

    let bad_input = cloud.night(json!({"tiem": 1})).await;
    let output = cloud.nightly(&["run", "--json", "--like", bad_input.execution.rsplit(':').next().expect("a name")]);
    let failed: Value = serde_json::from_slice(&output.stdout).expect("JSON of a run without a report");
    assert!(failed["version"] == 1 && failed["complete"] == false, "{failed}");
    assert!(failed["error"].as_str().expect("an error").contains("tiem"), "{failed}");
}
