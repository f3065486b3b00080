//! An execution as JSON.

use schemars::JsonSchema;
use serde::Serialize;

use super::{
    caption,
    definition::{Machine, State, StateKind},
    execution,
    fetch::FetchedExecution,
    outcome::{StateOutcome, Trace},
};
use crate::ui::progress::MapCounts;

/// An execution and its states. The states inside a Map follow the Map.
#[derive(Debug, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GraphReport {
    /// Name of the execution.
    execution: String,
    /// Name of the state machine.
    state_machine: String,
    /// The whole execution in a few words.
    summary: String,
    /// Duration, until now if the execution is running.
    seconds: f64,
    states: Vec<StateReport>,
}

#[derive(Debug, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
struct StateReport {
    name: String,
    kind: StateKind,
    /// The worst outcome of the state.
    outcome: StateOutcome,
    /// How often the execution entered the state.
    entered: u64,
    /// How often the state succeeded.
    succeeded: u64,
    /// Progress of a Map with child executions.
    items: Option<MapCounts>,
    /// Duration, summed over all times that the state was entered.
    seconds: Option<f64>,
    error: Option<String>,
}

impl GraphReport {
    pub fn new(machine: &Machine, execution: &FetchedExecution) -> Self {
        let trace = execution::trace(machine, execution);
        Self {
            execution: execution.name.clone(),
            state_machine: execution.machine.clone(),
            summary: caption::summary(execution),
            seconds: milliseconds(execution.ended - execution.started),
            states: machine.all().into_iter().map(|state| StateReport::new(state, &trace)).collect(),
        }
    }
}

impl StateReport {
    fn new(state: &State, trace: &Trace) -> Self {
        let passages = trace.state(&state.name);
        Self {
            name: state.name.clone(),
            kind: state.kind,
            outcome: passages.outcome(),
            entered: passages.entered(),
            succeeded: passages.count(StateOutcome::Succeeded),
            items: passages.items,
            seconds: passages.seconds.map(milliseconds),
            error: passages.error.clone(),
        }
    }
}

fn milliseconds(seconds: f64) -> f64 {
    (seconds * 1000.0).round() / 1000.0
}
