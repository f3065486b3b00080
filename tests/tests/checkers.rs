//! The checkers of others, silent: cfn-lint on the templates, statelint on the state machine, and the README's picture.

use serde_json::Value;
use std::process::Command;
use tests::{asl, mermaid, page, root};

fn silent(command: &mut Command) {
    let output = command.current_dir(root()).output().expect("a tool of target/venv");
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.trim().is_empty(), "{said}");
}

#[test]
fn cfn_lint_finds_nothing_in_the_templates() {
    let templates = ["environment.yaml", "backup.yaml", "template.yaml"].map(|name| format!("infra/{name}"));
    silent(Command::new("target/venv/bin/cfn-lint").args(templates));
}

/// The fields that AWS adds to the States Language, which statelint does not know (Step Functions developer guide, "Using Map
/// state in Distributed mode").
const OF_AWS_ALONE: [&str; 2] = ["Label", "InputType"];

fn without_fields_of_aws(value: Value) -> Value {
    match value {
        Value::Object(object) => {
            let known = object.into_iter().filter(|(key, _)| !OF_AWS_ALONE.contains(&key.as_str()));
            Value::Object(known.map(|(key, value)| (key, without_fields_of_aws(value))).collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(without_fields_of_aws).collect()),
        other => other,
    }
}

#[test]
fn statelint_finds_nothing_in_the_state_machines() {
    std::fs::create_dir_all(root().join("target/tests")).expect("target/tests");
    for machine in asl::MACHINES {
        let path = root().join(format!("target/tests/{machine}.asl.json"));
        let definition = without_fields_of_aws(asl::definition(machine)).to_string().replace("${Partition}", "aws");
        std::fs::write(&path, definition).expect("the definition");
        silent(Command::new("target/venv/bin/statelint").arg(path));
    }
}

#[test]
fn the_pages_show_the_state_machines_as_they_are() {
    for (page, machine) in ["README.md", "docs/faults.md"].into_iter().zip(asl::MACHINES) {
        page::shows(page, "```mermaid\n", "```\n", &mermaid::diagram(machine));
    }
}

#[test]
fn the_retry_budget_is_what_the_page_says() {
    let mut table = String::from(
        "| task | attempts at most | pauses at most | with every attempt at its time-out |\n|---|---|---|---|\n",
    );
    for (name, task) in asl::states().into_iter().filter(|(_, state)| state["Type"] == "Task") {
        let (attempts, pauses) = asl::budget(&task);
        let whole = pauses + attempts as f64 * task["TimeoutSeconds"].as_f64().expect("a time-out");
        let row = format!("| {name} | {attempts} | {:.0} min | {:.1} h |\n", pauses / 60.0, whole / 3_600.0);
        table += &row;
    }
    page::shows("docs/faults.md", "<!-- budget -->\n", "<!-- end -->\n", &table);
}
