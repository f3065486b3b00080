//! What the Map Runs tell of their Distributed Maps and of the states within them.

use serde_json::Value;
use std::{collections::BTreeMap, ops::Deref};

use super::definition::{Kind, Machine, State};
use super::execution::{Counts, Execution, MapRun, Status};
use super::history::{self, Told};
use super::infer;
use super::trace::{Outcome, Trace};

/// The Map Runs of each Map, by its name: one a Region, say.
pub struct Runs<'a>(BTreeMap<String, Vec<&'a MapRun>>);

impl<'a> Deref for Runs<'a> {
    type Target = BTreeMap<String, Vec<&'a MapRun>>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<'a> Runs<'a> {
    /// Finds each run's Map: the one that the history names, or the one of its label.
    pub fn of(machine: &Machine, told: &Told, execution: &'a Execution) -> Self {
        let mut runs = BTreeMap::<_, Vec<_>>::new();
        for run in &execution.map_runs {
            let labelled =
                || machine.all().into_iter().find(|state| state.is_distributed() && state.label() == run.label());
            let named = told.map_runs.get(&run.arn).cloned();
            if let Some(name) = named.or_else(|| labelled().map(|state| state.name.clone())) {
                runs.entry(name).or_default().push(run);
            }
        }
        Self(runs)
    }

    /// How long all of the Map's runs took, if there are any and they are over.
    pub fn over(&self, map: &str) -> Option<f64> {
        let over = self.get(map)?.iter().all(|run| run.status != Status::Running);
        self.lasting(map).filter(|_| over)
    }

    /// From the beginning of the Map's first run to the end of its last one, or until now.
    fn lasting(&self, map: &str) -> Option<f64> {
        let runs = self.get(map)?;
        let first = runs.iter().map(|run| run.started).reduce(f64::min)?;
        Some(runs.iter().map(|run| run.stopped).reduce(f64::max)? - first)
    }

    /// Notes the runs' counts with their Maps, and what became of the states within.
    pub fn note(&self, machine: &Machine, trace: &mut Trace) {
        for (name, runs) in &self.0 {
            let Some(map) = machine.find(name) else { continue };
            for run in runs.iter().skip(trace.of(name).entered()) {
                trace.add(name, outcome(run.status), 1, Some(run.stopped - run.started));
            }
            let counts = runs.iter().map(|run| run.counts).fold(Counts::default(), Counts::and);
            let passages = trace.edit(name);
            passages.items = Some(counts);
            passages.seconds = passages.seconds.or_else(|| self.lasting(name));
            for inside in &map.inside {
                within(inside, counts, runs, trace);
            }
        }
    }
}

fn outcome(status: Status) -> Outcome {
    match status {
        Status::Running => Outcome::InProgress,
        Status::Succeeded => Outcome::Succeeded,
        Status::Failed | Status::TimedOut => Outcome::Failed,
        Status::Aborted => Outcome::Aborted,
    }
}

fn within(machine: &Machine, counts: Counts, runs: &[&MapRun], trace: &mut Trace) {
    let path = straight(machine);
    for state in &path {
        trace.add(&state.name, Outcome::Succeeded, counts.succeeded, None);
        if let Some(next) = state.next().filter(|_| counts.succeeded > 0) {
            trace.take(&state.name, next);
        }
    }
    let failed: Vec<_> = runs.iter().flat_map(|run| &run.failed).collect();
    for child in &failed {
        let told = history::read(machine, &child.events, child.status, trace);
        if told.visits.is_empty() {
            infer::nameless(machine, &child.events, None, child.status, &Runs(BTreeMap::new()), trace);
        }
    }
    // A child execution that nobody looked into failed where alone it can have, or somewhere.
    let works: Vec<_> = path.iter().filter(|state| state.kind == Kind::Task).collect();
    if let [only] = works.as_slice() {
        trace.add(&only.name, Outcome::Failed, counts.failed.saturating_sub(failed.len()), None);
    }
    if let Some(first) = path.first() {
        trace.add(&first.name, Outcome::InProgress, counts.running, None);
    }
}

/// The states that every child execution that succeeds goes through: those until the first Choice.
fn straight(machine: &Machine) -> Vec<&State> {
    let (mut path, mut at) = (Vec::<&State>::new(), machine.get(&machine.start));
    while let Some(state) = at.filter(|state| !path.iter().any(|one| one.name == state.name)) {
        path.push(state);
        at = state.next().flatten().and_then(|next| machine.get(next));
    }
    path
}

/// What became of every state of the execution.
pub fn trace(machine: &Machine, execution: &Execution) -> Trace {
    let mut trace = Trace::default();
    let told = history::read(machine, &execution.events, execution.status, &mut trace);
    let runs = Runs::of(machine, &told, execution);
    if told.visits.is_empty() {
        let output = Some(&execution.output).filter(|output| **output != Value::Null);
        infer::nameless(machine, &execution.events, output, execution.status, &runs, &mut trace);
    }
    infer::fill(machine, &execution.events, &told, &runs, &mut trace);
    runs.note(machine, &mut trace);
    infer::backwards(machine, &mut trace);
    trace
}
