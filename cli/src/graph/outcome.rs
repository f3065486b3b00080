//! The outcome of each state of an execution.

use aws_sdk_sfn::types::ExecutionStatus;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use strum::{IntoStaticStr, VariantArray};

use crate::ui::progress::MapCounts;

/// Outcome of a state. The last variant is the worst. The worst outcome of a state decides its colour.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, IntoStaticStr, JsonSchema, Serialize, VariantArray,
)]
#[serde(rename_all = "camelCase")]
#[strum(serialize_all = "kebab-case")]
pub enum StateOutcome {
    #[default]
    NotReached,
    Succeeded,
    InProgress,
    Aborted,
    /// The state failed, but the execution continued, because the error was caught or the Map tolerates failed items.
    Caught,
    /// The state failed, and with it the execution, the iteration or the child execution.
    Failed,
}

impl StateOutcome {
    pub fn words(self) -> String {
        self.class().replace('-', " ")
    }

    /// Returns the CSS class in the picture.
    pub fn class(self) -> &'static str {
        self.into()
    }

    /// Returns the outcome of a state that was never left, in an execution with this status.
    pub fn unfinished(status: &ExecutionStatus) -> Self {
        match status {
            ExecutionStatus::Running | ExecutionStatus::PendingRedrive => Self::InProgress,
            ExecutionStatus::Failed => Self::Failed,
            _ => Self::Aborted,
        }
    }
}

/// Passages through a state: one for each time that the state was entered.
#[derive(Clone, Debug, Default)]
pub struct Passages {
    ended: BTreeMap<StateOutcome, u64>,
    pub seconds: Option<f64>,
    pub error: Option<String>,
    pub items: Option<MapCounts>,
}

impl Passages {
    /// Returns the worst outcome. A Map that tolerated failed items has caught their errors.
    pub fn outcome(&self) -> StateOutcome {
        let worst = self.ended.keys().max().copied().unwrap_or_default();
        let tolerated = self.items.is_some_and(|items| items.failed > 0);
        if worst == StateOutcome::Succeeded && tolerated { StateOutcome::Caught } else { worst }
    }

    pub fn entered(&self) -> u64 {
        self.ended.values().sum()
    }

    pub fn count(&self, outcome: StateOutcome) -> u64 {
        self.ended.get(&outcome).copied().unwrap_or_default()
    }
}

/// Outcomes of all states, and the transitions that were taken.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    states: BTreeMap<String, Passages>,
    taken: BTreeSet<(String, Option<String>)>,
}

impl Trace {
    pub fn state(&self, state: &str) -> Passages {
        self.states.get(state).cloned().unwrap_or_default()
    }

    pub fn edit(&mut self, state: &str) -> &mut Passages {
        self.states.entry(state.to_owned()).or_default()
    }

    /// Adds passages through a state.
    pub fn add(&mut self, state: &str, outcome: StateOutcome, times: u64, seconds: Option<f64>) {
        if times > 0 {
            let passages = self.edit(state);
            *passages.ended.entry(outcome).or_default() += times;
            passages.seconds = passages.seconds.into_iter().chain(seconds).reduce(f64::max);
        }
    }

    /// Adds the transition from a state to another, or to the end.
    pub fn take(&mut self, from: &str, to: Option<&str>) {
        self.taken.insert((from.to_owned(), to.map(str::to_owned)));
    }

    pub fn took(&self, from: &str, to: Option<&str>) -> bool {
        self.taken.contains(&(from.to_owned(), to.map(str::to_owned)))
    }
}
