//! The state machine, read.

use serde_json::Value;
use std::collections::BTreeMap;

use crate::text;

/// The definition's path in the checkout.
pub const PATH: &str = "statemachine/nightly-backup.asl.json";

/// The definition as it stands, its substitutions not yet made.
pub fn definition() -> Value {
    serde_json::from_str(&text(PATH)).expect("JSON")
}

/// Every state by its name, those inside Maps too.
pub fn states() -> BTreeMap<String, Value> {
    let mut all = BTreeMap::new();
    collect(&definition(), &mut all);
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

/// The error names of each retrier or catcher of a state, in their order.
pub fn error_names(state: &Value, field: &str) -> Vec<Vec<String>> {
    let names = |rule: &Value| rule["ErrorEquals"].as_array().expect("ErrorEquals").iter().map(owned).collect();
    state[field].as_array().map(|rules| rules.iter().map(names).collect()).unwrap_or_default()
}

fn owned(value: &Value) -> String {
    value.as_str().expect("a name").to_owned()
}
