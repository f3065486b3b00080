//! What became of each state of an execution.

use aws_sdk_sfn::types::ExecutionStatus;
use std::collections::{BTreeMap, BTreeSet};

use super::definition::{Kind, Machine, State};
use super::fetch::{Execution, MapRun};
use super::history;
use crate::ui::progress::Counts;

/// What became of a state; the last is the worst, and colours it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// It was never entered.
    #[default]
    NotReached,
    /// It succeeded.
    Succeeded,
    /// It is running.
    InProgress,
    /// It was stopped.
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

    /// Its class in the picture, and its name for scripts.
    pub fn class(self) -> &'static str {
        match self {
            Self::NotReached => "not-reached",
            Self::Succeeded => "succeeded",
            Self::InProgress => "in-progress",
            Self::Aborted => "aborted",
            Self::Caught => "caught",
            Self::Failed => "failed",
        }
    }
}

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
    /// Works out what became of every state of an execution.
    pub fn of(machine: &Machine, execution: &Execution) -> Self {
        let mut trace = Self::default();
        let runs = history::read(machine, &execution.events, &execution.status, execution.ended, &mut trace);
        for (arn, run) in &execution.map_runs {
            if let Some(map) = runs.get(arn).and_then(|state| machine.find(state)) {
                trace.add_run(map, run);
            }
        }
        trace
    }

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

    /// Adds a Map Run: its counts to its Map, and what its child executions did to the states inside.
    fn add_run(&mut self, map: &State, run: &MapRun) {
        let items = self.edit(&map.name).items.get_or_insert_default();
        *items = *items + run.counts;
        let Some(inside) = map.inside.first() else { return };
        let path = straight(inside);
        for state in &path {
            let succeeded = run.counts.done - run.counts.failed;
            self.add(&state.name, Outcome::Succeeded, succeeded, None);
            if let Some(way) = state.only_way().filter(|_| succeeded > 0) {
                self.take(&state.name, way.to.as_deref());
            }
        }
        for (status, events) in &run.failed {
            let ended = events.last().map_or(0.0, |event| event.timestamp().as_secs_f64());
            history::read(inside, events, status, ended, self);
        }
        // A failed child execution that was not read failed in the only Task, if there is only one.
        let tasks: Vec<_> = path.iter().filter(|state| state.kind == Kind::Task).collect();
        if let [only] = tasks.as_slice() {
            self.add(&only.name, Outcome::Failed, run.counts.failed.saturating_sub(run.failed.len() as u64), None);
        }
        if let Some(first) = path.first() {
            self.add(&first.name, Outcome::InProgress, run.counts.in_flight, None);
        }
    }
}

/// Returns the states that every successful child execution goes through: those up to the first Choice.
fn straight(machine: &Machine) -> Vec<&State> {
    let (mut path, mut at) = (Vec::<&State>::new(), machine.get(&machine.start));
    while let Some(state) = at.filter(|state| path.iter().all(|one| one.name != state.name)) {
        path.push(state);
        at = state.only_way().and_then(|way| machine.get(way.to.as_ref()?));
    }
    path
}

/// Returns the outcome of whatever was still running when the execution got this status.
pub fn last_outcome(status: &ExecutionStatus) -> Outcome {
    match status {
        ExecutionStatus::Running | ExecutionStatus::PendingRedrive => Outcome::InProgress,
        ExecutionStatus::Failed => Outcome::Failed,
        _ => Outcome::Aborted,
    }
}
