//! Third-party checkers without findings: four for the templates, and statelint for the state machines. Also the diagrams in docs/design.md.

use serde_json::Value;
use std::process::Command;
use tests::{asl, mermaid, page, root, template};

fn output_text(command: &mut Command) -> (bool, String) {
    let output = command.current_dir(root()).output().expect("a tool under target");
    (output.status.success(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
}

fn silent(command: &mut Command) {
    let (succeeded, said) = output_text(command);
    assert!(succeeded && said.trim().is_empty(), "{said}");
}

const TEMPLATES: [&str; 4] =
    ["infra/template.yaml", "infra/environment.yaml", "infra/backup.yaml", "infra/restore-drill.yaml"];

fn cfn_lint(templates: &[&str]) -> Command {
    let mut command = Command::new("target/venv/bin/cfn-lint");
    command.args(templates);
    command
}

/// Writes the templates with expanded loops, for a checker without support for loops.
fn expanded(checker: &str) -> Vec<String> {
    let folder = format!("target/tests/expanded-{checker}");
    std::fs::create_dir_all(root().join(&folder)).expect("a folder");
    let write = |path: &str| {
        let name = path.rsplit('/').next().expect("a name");
        let written = format!("{folder}/{name}");
        std::fs::write(root().join(&written), template::expanded(name)).expect("written");
        written
    };
    TEMPLATES.map(write).into()
}

/// Returns a checker command. It is silent if each finding has a suppression with a reason, and each suppression has a finding.
fn check<T: AsRef<std::ffi::OsStr>>(checker: &str, templates: &[T]) -> Command {
    let mut command = Command::new("target/checkers/bin/python");
    command.args(["tests/checkers/check.py", checker, "tests/checkers/suppressions.yaml"]).args(templates);
    command
}

#[test]
fn cfn_lint_finds_nothing_in_the_templates() {
    silent(&mut cfn_lint(&TEMPLATES));
}

#[test]
fn checkov_finds_nothing_without_a_reason_in_full() {
    silent(&mut check("checkov", &expanded("checkov")));
}

#[test]
fn cloudformation_validate_finds_nothing_without_a_reason() {
    silent(&mut check("cloudformation-validate", &TEMPLATES));
}

#[test]
fn cfn_guard_finds_nothing_without_a_reason_in_full() {
    silent(&mut check("cfn-guard", &expanded("cfn-guard")));
}

/// A checker that does nothing is also silent. So is a suppression of a finding that the checker no longer reports.
#[test]
fn each_checker_finds_the_open_doors_of_a_template_made_bad_on_purpose_in_full() {
    let bad = ["tests/checkers/open-doors.yaml"];
    let (succeeded, all) = output_text(&mut cfn_lint(&bad));
    assert!(!succeeded && all.contains("E3030"), "{all}");
    let doors = [
        ("checkov", ["OpenToTheWorld: CKV_AWS_24", "BareBucket: CKV_AWS_20"]),
        ("cloudformation-validate", ["OpenToTheWorld: W2508", "BareBucket: W3030"]),
        ("cfn-guard", ["OpenToTheWorld: INCOMING_SSH_DISABLED", "BareBucket: s3_bucket_versioning_enabled_check"]),
    ];
    for (checker, found) in doors {
        let (succeeded, all) = output_text(&mut check(checker, &bad));
        let stale = "LedgerBucket: the suppression is no longer needed";
        let expected = found.into_iter().chain((checker != "cloudformation-validate").then_some(stale));
        assert!(!succeeded && expected.into_iter().all(|line| all.contains(line)), "{checker}: {all}");
    }
}

/// Fields that AWS adds to the States Language and that statelint does not know (Step Functions developer guide, "Using Map state in
/// Distributed mode").
const OF_AWS_ALONE: [&str; 3] = ["Label", "InputType", "WriterConfig"];

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
fn the_page_shows_the_state_machines_as_they_are() {
    for machine in asl::MACHINES {
        let start = format!("<!-- {machine} -->\n```mermaid\n");
        page::assert_shows("docs/design.md", &start, "```\n", &mermaid::diagram(machine));
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
    page::assert_shows("docs/design.md", "<!-- budget -->\n", "<!-- end -->\n", &table);
}
