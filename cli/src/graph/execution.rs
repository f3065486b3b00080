//! Outcomes of an execution's states, from its own history and from those of its child executions.

use super::definition::{Machine, State, StateKind};
use super::fetch::{FetchedExecution, MapRun};
use super::history;
use super::outcome::{StateOutcome, Trace};

/// Returns the outcome of every state of an execution.
pub fn trace(machine: &Machine, execution: &FetchedExecution) -> Trace {
    let mut trace = Trace::default();
    let maps = history::read(machine, &execution.events, &execution.status, execution.ended, &mut trace);
    for (arn, run) in &execution.map_runs {
        if let Some(map) = maps.get(arn) {
            add_run(&mut trace, map, run);
        }
    }
    trace
}

/// Adds the counts of a Map Run to its Map, and the outcomes of its child executions to the states inside.
fn add_run(trace: &mut Trace, map: &State, run: &MapRun) {
    let items = trace.edit(&map.name).items.get_or_insert_default();
    *items = *items + run.counts;
    let Some(inside) = &map.inside else { return };
    let path = straight(inside);
    for state in &path {
        let succeeded = run.counts.done - run.counts.failed;
        trace.add(&state.name, StateOutcome::Succeeded, succeeded, None);
        if let Some(way) = state.only_way().filter(|_| succeeded > 0) {
            trace.take(&state.name, way.to.as_deref());
        }
    }
    for (status, events) in &run.failed {
        let ended = events.last().map_or(0.0, |event| event.timestamp().as_secs_f64());
        history::read(inside, events, status, ended, trace);
    }
    // If there is only one Task, child executions whose history was not read failed in that Task.
    let mut tasks = path.iter().filter(|state| state.kind == StateKind::Task);
    if let (Some(only), None) = (tasks.next(), tasks.next()) {
        trace.add(&only.name, StateOutcome::Failed, run.counts.failed.saturating_sub(run.failed.len() as u64), None);
    }
    if let Some(first) = path.first() {
        trace.add(&first.name, StateOutcome::InProgress, run.counts.in_flight, None);
    }
}

/// Returns the states that every successful child execution goes through: those up to the first Choice.
fn straight(machine: &Machine) -> Vec<&State> {
    let next = |state: &&State| machine.get(state.only_way()?.to.as_ref()?);
    std::iter::successors(machine.get(&machine.start), next).take(machine.states.len()).collect()
}
