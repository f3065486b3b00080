//! Mermaid state diagrams of the state machines, for docs/design.md.

use serde_json::Value;
use std::fmt::Write;

use crate::asl;

/// Returns the diagram of one of [`asl::MACHINES`].
pub fn diagram(name: &str) -> String {
    let mut text = String::from("stateDiagram-v2\n");
    machine(&asl::definition(name), 1, &mut text);
    text
}

fn machine(machine: &Value, depth: usize, text: &mut String) {
    let mut edge = |from: &str, to: &str, label: &str| {
        let label = if label.is_empty() { String::new() } else { format!(": {label}") };
        let _ = writeln!(text, "{}{from} --> {to}{label}", "  ".repeat(depth));
    };
    edge("[*]", machine["StartAt"].as_str().expect("StartAt"), "");
    let states = machine["States"].as_object().expect("States");
    for (name, state) in states {
        for choice in state["Choices"].as_array().into_iter().flatten() {
            edge(name, choice["Next"].as_str().expect("Next"), &condition(choice));
        }
        if let Some(default) = state["Default"].as_str() {
            edge(name, default, "otherwise");
        }
        if let Some(next) = state["Next"].as_str() {
            edge(name, next, "");
        }
        for (catch, names) in state["Catch"].as_array().into_iter().flatten().zip(asl::error_names(state, "Catch")) {
            edge(
                name,
                catch["Next"].as_str().expect("Next"),
                &format!("on {}", names.join(", ").replace("States.ALL", "any error")),
            );
        }
        if state["End"] == true || state["Type"] == "Succeed" || state["Type"] == "Fail" {
            edge(name, "[*]", if state["Type"] == "Fail" { "FAILED" } else { "" });
        }
    }
    for (name, state) in states.iter().filter(|(_, state)| state["Type"] == "Map") {
        let indent = "  ".repeat(depth);
        let _ = writeln!(text, "{indent}state \"{name}: {}\" as {name} {{", each(state));
        self::machine(&state["ItemProcessor"], depth + 1, text);
        let _ = writeln!(text, "{indent}}}");
    }
}

fn each(map: &Value) -> &'static str {
    let read = map["ItemReader"]["Parameters"]["Key.$"].as_str();
    match read.or(map["ItemsPath"].as_str()) {
        Some("$.workList.key") => "one child execution a volume",
        Some("$.expiry.expired.key") => "one child execution a snapshot",
        Some("$.points.key") => "one child execution a restore point",
        Some("$.regions") => "every Region",
        other => panic!("what is a Map over {other:?}?"),
    }
}

fn condition(choice: &Value) -> String {
    if let Some(all) = choice["And"].as_array() {
        // A rule that only guards another one is left out, unless it is the only rule.
        let guards = ["IsPresent", "IsBoolean", "IsString"];
        let telling: Vec<_> = all.iter().filter(|rule| guards.iter().all(|guard| rule.get(*guard).is_none())).collect();
        let shown = if telling.is_empty() { all.iter().take(1).collect() } else { telling };
        return shown.into_iter().map(condition).collect::<Vec<_>>().join(" and ");
    }
    let variable = choice["Variable"].as_str().expect("Variable").trim_start_matches(['$', '.']).to_owned();
    let variable = variable.trim_start_matches("Execution.Input.");
    let (operator, value) = choice
        .as_object()
        .expect("a choice")
        .iter()
        .find(|(key, _)| !["Variable", "Next"].contains(&key.as_str()))
        .expect("an operator");
    match operator.as_str() {
        "IsPresent" => format!("{variable} is there"),
        "NumericGreaterThan" => format!("{variable} > {value}"),
        _ => format!("{variable} = {value}"),
    }
}
