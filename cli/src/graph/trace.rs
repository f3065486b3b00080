//! What became of each state of an execution.

use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

use super::execution::Counts;

/// What became of a state; the last is the worst, and colours it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It was never entered.
    #[default]
    NotReached,
    /// It did its work.
    Succeeded,
    /// It is at work.
    InProgress,
    /// It was given up.
    Aborted,
    /// It failed, and the execution went on: the error was caught, or the Map tolerates failed items.
    Caught,
    /// It failed, and took the execution, the iteration or the child execution with it.
    Failed,
}

impl Outcome {
    /// All, in the order of the legend.
    pub const ALL: [Self; 6] =
        [Self::Succeeded, Self::Caught, Self::Failed, Self::InProgress, Self::Aborted, Self::NotReached];

    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::NotReached => "not reached",
            Self::Succeeded => "succeeded",
            Self::InProgress => "in progress",
            Self::Aborted => "aborted",
            Self::Caught => "error caught",
            Self::Failed => "failed",
        }
    }
}

/// A state's passages: one for each time that it was entered.
#[derive(Clone, Debug, Default)]
pub struct Passages {
    /// How many ended how.
    pub ended: BTreeMap<Outcome, usize>,
    /// The longest passage that is known.
    pub seconds: Option<f64>,
    /// The last error.
    pub error: Option<String>,
    /// A Map's items.
    pub items: Option<Counts>,
}

impl Passages {
    /// The worst. A Map that tolerated failed items has caught their errors.
    pub fn outcome(&self) -> Outcome {
        let worst = self.ended.keys().max().copied().unwrap_or_default();
        let tolerated = self.items.is_some_and(|items| items.failed > 0);
        if worst == Outcome::Succeeded && tolerated { Outcome::Caught } else { worst }
    }

    /// How often the state was entered.
    pub fn entered(&self) -> usize {
        self.ended.values().sum()
    }

    /// How many of its passages ended so.
    pub fn count(&self, outcome: Outcome) -> usize {
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
    /// What became of a state.
    pub fn of(&self, state: &str) -> Passages {
        self.states.get(state).cloned().unwrap_or_default()
    }

    /// Notes passages of a state.
    pub fn add(&mut self, state: &str, outcome: Outcome, times: usize, seconds: Option<f64>) {
        if times > 0 {
            let passages = self.states.entry(state.to_owned()).or_default();
            *passages.ended.entry(outcome).or_default() += times;
            passages.seconds = passages.seconds.into_iter().chain(seconds).reduce(f64::max);
        }
    }

    /// Notes more of a state, whether it was entered or not.
    pub fn edit(&mut self, state: &str) -> &mut Passages {
        self.states.entry(state.to_owned()).or_default()
    }

    /// Notes that the way from a state to another, or to the end, was taken.
    pub fn take(&mut self, from: &str, to: Option<&str>) {
        self.taken.insert((from.to_owned(), to.map(str::to_owned)));
    }

    /// Whether it was.
    pub fn took(&self, from: &str, to: Option<&str>) -> bool {
        self.taken.contains(&(from.to_owned(), to.map(str::to_owned)))
    }
}
