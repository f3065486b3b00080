//! What a history says: which states were entered and left, in which order, and with which errors.
//!
//! Each event names the event before it in its branch, so the iterations of a Map can be told apart.

use aws_sdk_sfn::types::{ExecutionStatus, HistoryEvent};
use std::collections::{BTreeMap, HashMap};

use super::definition::{Kind, Machine};
use super::outcome::{Outcome, last_outcome};
use super::trace::Trace;
use crate::ui::progress::Counts;

/// One passage of a state.
struct Visit<'a> {
    state: &'a str,
    kind: Option<Kind>,
    /// The visit of the Map or the Parallel that it is in.
    within: Option<usize>,
    entered: f64,
    /// When it was over, with or without an exit.
    over: Option<f64>,
    has_exited: bool,
    next: Option<&'a str>,
    /// How the last attempt ended, if not well.
    failed: Option<Outcome>,
    error: Option<&'a str>,
}

/// Where an event leaves its branch.
#[derive(Clone, Copy, Default)]
struct Place {
    /// The innermost visit that is open.
    open: Option<usize>,
    /// The visit that this event ended.
    left: Option<usize>,
}

struct Reader<'a> {
    machine: &'a Machine,
    visits: Vec<Visit<'a>>,
    places: HashMap<i64, Place>,
    map_runs: BTreeMap<String, String>,
}

/// Reads the history of an execution that has this status and ended then, or is running now. Returns the state of each Map Run,
/// by the run's ARN.
pub fn read(
    machine: &Machine,
    events: &[HistoryEvent],
    status: &ExecutionStatus,
    ended: f64,
    trace: &mut Trace,
) -> BTreeMap<String, String> {
    let mut reader = Reader { machine, visits: Vec::new(), places: HashMap::new(), map_runs: BTreeMap::new() };
    for event in events {
        let before = reader.places.get(&event.previous_event_id()).copied().unwrap_or_default();
        let place = reader.event(event, before, trace);
        reader.places.insert(event.id(), place);
    }
    for visit in &reader.visits {
        let outcome = outcome(visit, machine, status);
        trace.add(visit.state, outcome, 1, Some(visit.over.unwrap_or(ended) - visit.entered));
        if let Some(error) = visit.error {
            trace.edit(visit.state).error = Some(error.to_owned());
        }
        if visit.next.is_some() || machine.find(visit.state).is_some_and(|state| state.ends_with(outcome)) {
            trace.take(visit.state, visit.next);
        }
    }
    reader.map_runs
}

fn outcome(visit: &Visit, machine: &Machine, status: &ExecutionStatus) -> Outcome {
    let caught = |next| machine.find(visit.state).is_some_and(|state| state.catches_into(next));
    let is_running = last_outcome(status) == Outcome::InProgress;
    match visit.failed {
        _ if visit.kind == Some(Kind::Fail) => Outcome::Failed,
        Some(_) if visit.has_exited => Outcome::Caught,
        None if visit.has_exited => {
            if visit.next.is_some_and(caught) {
                Outcome::Caught
            } else {
                Outcome::Succeeded
            }
        }
        // A retry may follow if nothing around it is over.
        Some(outcome) if visit.over.is_some() || !is_running => outcome,
        _ if visit.within.is_some() && !is_running => Outcome::Aborted,
        _ => last_outcome(status),
    }
}

impl<'a> Reader<'a> {
    fn event(&mut self, event: &'a HistoryEvent, before: Place, trace: &mut Trace) -> Place {
        let (at, kind) = (event.timestamp().as_secs_f64(), event.r#type().as_str());
        if let Some(entered) = event.state_entered_event_details() {
            return self.enter(entered.name(), at, before);
        }
        if let Some(exited) = event.state_exited_event_details() {
            let Some(left) = self.nearest(before.open, |visit| visit.state == exited.name()) else { return before };
            (self.visits[left].over, self.visits[left].has_exited) = (Some(at), true);
            return Place { open: self.visits[left].within, left: Some(left) };
        }
        if let Some((name, outcome)) = iteration(event) {
            let map = self.nearest(before.open, |visit| visit.state == name);
            if matches!(outcome, Outcome::Failed | Outcome::Aborted) {
                self.close(before.open, map, at, outcome);
            }
            count(trace.edit(name).items.get_or_insert_default(), outcome);
            return Place { open: map, left: None };
        }
        let family = match kind {
            _ if kind.starts_with("Execution") => return before,
            _ if kind.starts_with("Map") => Some(Kind::Map),
            _ if kind.starts_with("Parallel") => Some(Kind::Parallel),
            _ => None,
        };
        let open = self.nearest(before.open, |visit| family.is_none() || visit.kind == family);
        if let Some(visit) = open {
            match kind {
                _ if kind.ends_with("Failed") || kind.ends_with("TimedOut") => {
                    self.fail(event, before, visit, Outcome::Failed)
                }
                _ if kind.ends_with("Aborted") => self.fail(event, before, visit, Outcome::Aborted),
                _ if kind.ends_with("Scheduled") || kind.ends_with("Started") => self.begin(event, visit, trace),
                _ => {}
            }
        }
        Place { open: open.or(before.open), left: None }
    }

    fn enter(&mut self, state: &'a str, at: f64, before: Place) -> Place {
        if let Some(left) = before.left {
            self.visits[left].next = Some(state);
        }
        let kind = self.machine.find(state).map(|state| state.kind);
        let (within, over, next, failed, error) = (before.open, None, None, None, None);
        self.visits.push(Visit { state, kind, within, entered: at, over, has_exited: false, next, failed, error });
        Place { open: Some(self.visits.len() - 1), left: None }
    }

    /// A state's work begins, for the first time or after a failure.
    fn begin(&mut self, event: &'a HistoryEvent, visit: usize, trace: &mut Trace) {
        let state = self.visits[visit].state;
        self.visits[visit].failed = None;
        let is_distributed = self.machine.find(state).is_some_and(|state| state.is_distributed);
        if let Some(map) = event.map_state_started_event_details().filter(|_| !is_distributed) {
            trace.edit(state).items.get_or_insert_default().total += u64::try_from(map.length()).unwrap_or_default();
        }
        if let Some(arn) = event.map_run_started_event_details().and_then(|run| run.map_run_arn()) {
            self.map_runs.insert(arn.to_owned(), state.to_owned());
        }
    }

    fn fail(&mut self, event: &'a HistoryEvent, before: Place, visit: usize, outcome: Outcome) {
        self.close(before.open, Some(visit), event.timestamp().as_secs_f64(), outcome);
        let visit = &mut self.visits[visit];
        (visit.failed, visit.error) = (Some(outcome), error(event).or(visit.error));
    }

    /// Ends the open visits inside a Map or a Parallel, which takes over their error.
    fn close(&mut self, from: Option<usize>, container: Option<usize>, at: f64, outcome: Outcome) {
        let mut next = from;
        while let Some(visit) = next.filter(|_| next != container) {
            let one = &mut self.visits[visit];
            one.over.get_or_insert(at);
            one.failed.get_or_insert(outcome);
            let error = one.error;
            next = one.within;
            if let Some(container) = container {
                self.visits[container].error = error.or(self.visits[container].error);
            }
        }
    }

    /// Returns the innermost open visit, seen from this one, that is wanted.
    fn nearest(&self, from: Option<usize>, wanted: impl Fn(&Visit) -> bool) -> Option<usize> {
        std::iter::successors(from, |visit| self.visits[*visit].within).find(|visit| wanted(&self.visits[*visit]))
    }
}

/// Returns the Map whose iteration began or ended with this event, and how.
fn iteration(event: &HistoryEvent) -> Option<(&str, Outcome)> {
    let (started, succeeded) =
        (event.map_iteration_started_event_details(), event.map_iteration_succeeded_event_details());
    let (failed, aborted) = (event.map_iteration_failed_event_details(), event.map_iteration_aborted_event_details());
    let outcome = match () {
        () if started.is_some() => Outcome::InProgress,
        () if succeeded.is_some() => Outcome::Succeeded,
        () if failed.is_some() => Outcome::Failed,
        () => Outcome::Aborted,
    };
    Some((started.or(succeeded).or(failed).or(aborted)?.name()?, outcome))
}

fn count(items: &mut Counts, outcome: Outcome) {
    if outcome == Outcome::InProgress {
        items.in_flight += 1;
    } else {
        items.in_flight = items.in_flight.saturating_sub(1);
        items.done += 1;
        items.failed += u64::from(outcome != Outcome::Succeeded);
    }
}

fn error(event: &HistoryEvent) -> Option<&str> {
    let all = [
        event.task_failed_event_details().and_then(|details| details.error()),
        event.task_timed_out_event_details().and_then(|details| details.error()),
        event.task_start_failed_event_details().and_then(|details| details.error()),
        event.task_submit_failed_event_details().and_then(|details| details.error()),
        event.lambda_function_failed_event_details().and_then(|details| details.error()),
        event.lambda_function_timed_out_event_details().and_then(|details| details.error()),
        event.map_run_failed_event_details().and_then(|details| details.error()),
        event.evaluation_failed_event_details().and_then(|details| details.error()),
    ];
    all.into_iter().flatten().next()
}
