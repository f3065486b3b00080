//! What became of each state of an execution.

use std::collections::{BTreeMap, BTreeSet};

use super::outcome::Outcome;
use crate::ui::progress::Counts;

/// A state's passages: one for each time that it was entered.
#[derive(Clone, Debug, Default)]
pub struct Passages {
    ended: BTreeMap<Outcome, u64>,
    /// The longest passage that is known.
    pub seconds: Option<f64>,
    /// The last error.
    pub error: Option<String>,
    /// A Map's items.
    pub items: Option<Counts>,
}

impl Passages {
    /// Returns the worst outcome. A Map that tolerated failed items has caught their errors.
    pub fn outcome(&self) -> Outcome {
        let worst = self.ended.keys().max().copied().unwrap_or_default();
        let tolerated = self.items.is_some_and(|items| items.failed > 0);
        if worst == Outcome::Succeeded && tolerated { Outcome::Caught } else { worst }
    }

    /// Returns how often the state was entered.
    pub fn entered(&self) -> u64 {
        self.ended.values().sum()
    }

    /// Returns how many passages had this outcome.
    pub fn count(&self, outcome: Outcome) -> u64 {
        self.ended.get(&outcome).copied().unwrap_or_default()
    }
}

/// What became of all states, and which ways were taken.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    states: BTreeMap<String, Passages>,
    taken: BTreeSet<(String, Option<String>)>,
}

impl Trace {
    /// Returns what became of a state.
    pub fn state(&self, state: &str) -> Passages {
        self.states.get(state).cloned().unwrap_or_default()
    }

    /// Returns what became of a state, for changes.
    pub fn edit(&mut self, state: &str) -> &mut Passages {
        self.states.entry(state.to_owned()).or_default()
    }

    /// Adds passages of a state.
    pub fn add(&mut self, state: &str, outcome: Outcome, times: u64, seconds: Option<f64>) {
        if times > 0 {
            let passages = self.edit(state);
            *passages.ended.entry(outcome).or_default() += times;
            passages.seconds = passages.seconds.into_iter().chain(seconds).reduce(f64::max);
        }
    }

    /// Adds the way from a state to another, or to the end.
    pub fn take(&mut self, from: &str, to: Option<&str>) {
        self.taken.insert((from.to_owned(), to.map(str::to_owned)));
    }

    /// Whether the way was taken.
    pub fn took(&self, from: &str, to: Option<&str>) -> bool {
        self.taken.contains(&(from.to_owned(), to.map(str::to_owned)))
    }
}
