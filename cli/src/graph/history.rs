//! Reads the visits of states from a history, with their order and errors. Each event names the previous event of its branch, so the
//! iterations of a Map can be told apart.

use aws_sdk_sfn::types::{ExecutionStatus, HistoryEvent};
use std::collections::{BTreeMap, HashMap};

use super::definition::{Machine, State, StateKind};
use super::outcome::{StateOutcome, Trace};
use crate::ui::progress::MapCounts;

/// One passage through a state.
struct Visit<'a> {
    state: &'a State,
    /// Visit of the enclosing Map.
    within: Option<usize>,
    entered: f64,
    exited: Option<f64>,
    next: Option<&'a str>,
    /// Whether the last attempt failed.
    has_failed: bool,
    error: Option<&'a str>,
}

/// Position after an event in its branch: the innermost visit that is open, and the visit that the event ended.
#[derive(Clone, Copy, Default)]
struct Position {
    open: Option<usize>,
    left: Option<usize>,
}

struct Reader<'a> {
    machine: &'a Machine,
    visits: Vec<Visit<'a>>,
    map_runs: BTreeMap<String, &'a State>,
}

/// Adds the history of an execution to a trace. `ended` is the end time, or the current time if the execution is running. Returns the Map
/// of each Map Run by the ARN of the Map Run.
pub fn read<'a>(
    machine: &'a Machine,
    events: &'a [HistoryEvent],
    status: &ExecutionStatus,
    ended: f64,
    trace: &mut Trace,
) -> BTreeMap<String, &'a State> {
    let mut reader = Reader { machine, visits: Vec::new(), map_runs: BTreeMap::new() };
    let mut places = HashMap::<i64, Position>::new();
    for event in events {
        let before = places.get(&event.previous_event_id()).copied().unwrap_or_default();
        places.insert(event.id(), reader.event(event, before, trace));
    }
    for (number, visit) in reader.visits.iter().enumerate() {
        let (name, outcome) = (visit.state.name.as_str(), reader.outcome(number, status));
        trace.add(name, outcome, 1, Some(reader.end_of(number).unwrap_or(ended) - visit.entered));
        if let Some(error) = visit.error {
            trace.edit(name).error = Some(error.to_owned());
        }
        if visit.next.is_some() || visit.state.ends_with(outcome) {
            trace.take(name, visit.next);
        }
    }
    reader.map_runs
}

impl<'a> Reader<'a> {
    fn event(&mut self, event: &'a HistoryEvent, before: Position, trace: &mut Trace) -> Position {
        let (at, kind) = (event.timestamp().as_secs_f64(), event.r#type().as_str());
        if let Some(entered) = event.state_entered_event_details() {
            return self.enter(entered.name(), at, before);
        }
        if let Some(exited) = event.state_exited_event_details() {
            let left = self.nearest(before.open, |visit| visit.state.name == exited.name());
            let Some(number) = left else { return before };
            self.visits[number].exited = Some(at);
            return Position { open: self.visits[number].within, left };
        }
        // An event of a Map may follow an event of a state inside the Map.
        let is_map = kind.starts_with("Map");
        let open = self.nearest(before.open, |visit| !is_map || visit.state.kind == StateKind::Map);
        if let Some(number) = open {
            let state = self.visits[number].state;
            if let Some(how) = kind.strip_prefix("MapIteration") {
                count(trace.edit(&state.name).items.get_or_insert_default(), how);
            } else if kind.ends_with("Failed") || kind.ends_with("TimedOut") {
                // A failed Map has the last error inside it.
                let inner = before.open.and_then(|inner| self.visits[inner].error);
                let visit = &mut self.visits[number];
                (visit.has_failed, visit.error) = (true, error(event).or(inner).or(visit.error));
            } else if kind.ends_with("Scheduled") || kind.ends_with("Started") {
                self.visits[number].has_failed = false;
            }
            if let Some(map) = event.map_state_started_event_details().filter(|_| !state.is_distributed) {
                let total = u64::try_from(map.length()).unwrap_or_default();
                trace.edit(&state.name).items.get_or_insert_default().total += total;
            }
            if let Some(arn) = event.map_run_started_event_details().and_then(|run| run.map_run_arn()) {
                self.map_runs.insert(arn.to_owned(), state);
            }
        }
        Position { open: if kind == "MapIterationFailed" { before.open } else { open.or(before.open) }, left: None }
    }

    fn enter(&mut self, name: &'a str, entered: f64, before: Position) -> Position {
        if let Some(left) = before.left {
            self.visits[left].next = Some(name);
        }
        let Some(state) = self.machine.find(name) else { return before };
        let (within, exited, next, error) = (before.open, None, None, None);
        self.visits.push(Visit { state, within, entered, exited, next, has_failed: false, error });
        Position { open: Some(self.visits.len() - 1), left: None }
    }

    /// Returns the innermost visit, from this one outwards, that `wanted` accepts.
    fn nearest(&self, from: Option<usize>, wanted: impl Fn(&Visit) -> bool) -> Option<usize> {
        std::iter::successors(from, |visit| self.visits[*visit].within).find(|visit| wanted(&self.visits[*visit]))
    }

    /// Returns the end of a visit: the time when the state or an enclosing Map was left.
    fn end_of(&self, number: usize) -> Option<f64> {
        let around = std::iter::successors(Some(number), |visit| self.visits[*visit].within);
        around.filter_map(|visit| self.visits[visit].exited).next()
    }

    fn outcome(&self, number: usize, status: &ExecutionStatus) -> StateOutcome {
        let (visit, unfinished) = (&self.visits[number], StateOutcome::unfinished(status));
        let is_caught = visit.next.is_some_and(|next| visit.state.catches_into(next));
        match visit.exited {
            _ if visit.state.kind == StateKind::Fail => StateOutcome::Failed,
            Some(_) if is_caught || visit.has_failed => StateOutcome::Caught,
            Some(_) => StateOutcome::Succeeded,
            // A retry may follow.
            None if unfinished == StateOutcome::InProgress && self.end_of(number).is_none() => StateOutcome::InProgress,
            None if visit.has_failed => StateOutcome::Failed,
            None if visit.within.is_some() => StateOutcome::Aborted,
            None => unfinished,
        }
    }
}

/// Counts an iteration of a Map that started or ended.
fn count(items: &mut MapCounts, how: &str) {
    if how == "Started" {
        items.in_flight += 1;
    } else {
        items.in_flight = items.in_flight.saturating_sub(1);
        items.done += 1;
        items.failed += u64::from(how != "Succeeded");
    }
}

fn error(event: &HistoryEvent) -> Option<&str> {
    let all = [
        event.task_failed_event_details().and_then(|details| details.error()),
        event.task_timed_out_event_details().and_then(|details| details.error()),
        event.task_start_failed_event_details().and_then(|details| details.error()),
        event.task_submit_failed_event_details().and_then(|details| details.error()),
        event.map_run_failed_event_details().and_then(|details| details.error()),
        event.evaluation_failed_event_details().and_then(|details| details.error()),
    ];
    all.into_iter().flatten().next()
}
