//! Definitions of the state machines.

use serde_json::Value;
use std::collections::BTreeMap;

use crate::text;

pub const MACHINES: [&str; 2] = ["nightly-backup", "restore-drill"];

/// The state machines with their logical IDs in the templates.
pub const RESOURCES: [(&str, &str); 2] = [("nightly-backup", "StateMachine"), ("restore-drill", "RestoreDrill")];

/// Returns the path of a definition, relative to the root of the checkout.
pub fn path(machine: &str) -> String {
    format!("statemachine/{machine}.asl.yaml")
}

/// Returns a definition without its substitutions.
pub fn definition(machine: &str) -> Value {
    serde_yaml_ng::from_str(&text(&path(machine))).expect("YAML")
}

/// Returns every state of every machine by name, including those inside Maps.
pub fn states() -> BTreeMap<String, Value> {
    let mut all = BTreeMap::new();
    MACHINES.iter().for_each(|machine| collect(&definition(machine), &mut all));
    all
}

fn collect(machine: &Value, all: &mut BTreeMap<String, Value>) {
    for (name, state) in machine["States"].as_object().expect("States") {
        assert!(all.insert(name.clone(), state.clone()).is_none(), "two states are named {name}");
        if state["Type"] == "Map" {
            collect(&state["ItemProcessor"], all);
        }
    }
}

/// Returns the error names of each retrier or catcher of a state, in order.
pub fn error_names(state: &Value, field: &str) -> Vec<Vec<String>> {
    let names = |rule: &Value| rule["ErrorEquals"].as_array().expect("ErrorEquals").iter().map(owned).collect();
    state[field].as_array().map(|rules| rules.iter().map(names).collect()).unwrap_or_default()
}

/// Returns the maximum number of attempts at a task, and the maximum total of seconds between them. Each retrier has its own count
/// (Step Functions developer guide, "Retrying after an error").
pub fn budget(task: &Value) -> (u64, f64) {
    let (mut attempts, mut pauses) = (1, 0.0);
    for retrier in task["Retry"].as_array().expect("Retry") {
        let number = |field: &str, default: f64| retrier[field].as_f64().unwrap_or(default);
        let more = number("MaxAttempts", 3.0) as u64;
        let pause = |attempt| number("IntervalSeconds", 1.0) * number("BackoffRate", 2.0).powi(attempt as i32);
        pauses += (0..more).map(|attempt| pause(attempt).min(number("MaxDelaySeconds", f64::MAX))).sum::<f64>();
        attempts += more;
    }
    (attempts, pauses)
}

fn owned(value: &Value) -> String {
    value.as_str().expect("a name").to_owned()
}
