//! What became of the states that the history does not tell of.
//!
//! The local cloud writes no events of the states within a Map or a Parallel, only the services' answers, without a state's name.
//! So each item is walked through its states:
//! - Where the item came out well its output is the evidence: what a Catch wrote (`failure.FindExpired`) says that its state failed,
//!   and any other state on the way succeeded. A Choice is decided anew, on the output as far as it was there by then.
//! - Where it did not, each answer of a service takes the walk past one Task, each Map Run past its Map; there it stops, in progress,
//!   failed or aborted as the whole is. An error that a Task catches on the way to a Fail state is told by its name.
//!
//! With several items at once the answers cannot be told apart; then the walk of one item may take those of another.

use serde_json::Value;
use std::collections::{BTreeSet, VecDeque};

use super::choice::{self, pointer};
use super::definition::{Kind, Machine, State};
use super::execution::{Counts, Event, Status, What};
use super::history::{Told, Visit};
use super::runs::Runs;
use super::trace::{Outcome, Trace};

/// Works out what became of the states within each Map and Parallel of which the history tells nothing.
pub fn fill(machine: &Machine, events: &[Event], told: &Told, runs: &Runs, trace: &mut Trace) {
    for visit in &told.visits {
        let Some(state) = machine.find(&visit.state) else { continue };
        if let Some(error) = caught_error(state, visit) {
            trace.edit(&state.name).error.get_or_insert(error);
        }
        let named = |inner: &&State| told.visits.iter().any(|visit| visit.state == inner.name);
        if state.is_distributed()
            || state.inside.is_empty()
            || state.inside.iter().flat_map(Machine::all).any(|one| named(&one))
        {
            continue;
        }
        let within = &events[visit.entered..visit.exited.unwrap_or(events.len())];
        within_container(state, visit, &mut Walk { runs, trace, steps: steps(within), errors: errors(within) });
    }
}

/// Works out how far an execution came whose history names no state: a child execution on the local cloud.
pub fn nameless(
    machine: &Machine,
    events: &[Event],
    output: Option<&Value>,
    status: Status,
    runs: &Runs,
    trace: &mut Trace,
) {
    let last = match status {
        Status::Running => Outcome::InProgress,
        Status::Succeeded => Outcome::Succeeded,
        Status::Failed => Outcome::Failed,
        Status::TimedOut | Status::Aborted => Outcome::Aborted,
    };
    let mut walk = Walk { runs, trace, steps: steps(events), errors: errors(events) };
    walk.item(machine, &Value::Null, output.filter(|_| status == Status::Succeeded), last);
}

/// What was reached was reached from somewhere: where there is one way to it alone, that one was taken.
pub fn backwards(machine: &Machine, trace: &mut Trace) {
    let ways = machine.states.iter().flat_map(|from| from.arrows.iter().map(move |arrow| (from, arrow)));
    for state in machine.states.iter().rev() {
        let to: Vec<_> = ways.clone().filter(|(_, arrow)| arrow.to.as_ref() == Some(&state.name)).collect();
        if let [(from, arrow)] = to.as_slice()
            && trace.of(&state.name).outcome() != Outcome::NotReached
            && trace.of(&from.name).outcome() == Outcome::NotReached
        {
            trace.add(&from.name, if arrow.catch { Outcome::Caught } else { Outcome::Succeeded }, 1, None);
            trace.take(&from.name, Some(&state.name));
        }
        state.inside.iter().for_each(|inside| backwards(inside, trace));
    }
}

fn within_container(state: &State, visit: &Visit, walk: &mut Walk) {
    let given = pointer(state.source["ItemsPath"].as_str().unwrap_or("$"));
    let given = given.and_then(|path| visit.input.pointer(&path)).and_then(Value::as_array);
    let well = visit.outcome == Outcome::Succeeded;
    let came_out = handed_on(state, &visit.output).filter(|_| well);
    if let (Kind::Map, Some(total)) = (state.kind, given.or(came_out).map(Vec::len)) {
        let succeeded = if well { total } else { 0 };
        walk.trace.edit(&state.name).items.get_or_insert(Counts { total, succeeded, ..Counts::default() });
    }
    // The answers of several at once are in no order.
    if well && came_out.is_none_or(|items| items.len() > 1) {
        walk.steps.clear();
    }
    if let Some(items) = came_out {
        for (number, item) in items.iter().enumerate() {
            let machine = if state.kind == Kind::Parallel { state.inside.get(number) } else { state.inside.first() };
            machine.iter().for_each(|machine| walk.item(machine, &Value::Null, Some(item), Outcome::Succeeded));
        }
        return;
    }
    let last = match visit.outcome {
        Outcome::Caught | Outcome::Failed => Outcome::Failed,
        Outcome::Succeeded => return,
        other => other,
    };
    let selected = ["ItemSelector", "Parameters"].iter().any(|key| state.source.get(key).is_some());
    // What several are at the moment of a failure is not told: the one that failed is walked.
    let items = given.filter(|_| last != Outcome::Failed).cloned().unwrap_or_else(|| vec![Value::Null]);
    for machine in &state.inside {
        for item in &items {
            walk.item(machine, if selected { &Value::Null } else { item }, None, last);
        }
    }
}

/// What the state's items came to, of its whole output.
fn handed_on<'a>(state: &State, output: &'a Value) -> Option<&'a Vec<Value>> {
    if state.source.get("ResultSelector").is_some() || state.source.get("OutputPath").is_some() {
        return None;
    }
    let path = state.source.get("ResultPath").map_or(Some("$"), Value::as_str)?;
    output.pointer(&pointer(path)?)?.as_array()
}

fn caught_error(state: &State, visit: &Visit) -> Option<String> {
    let catches = state.source["Catch"].as_array().filter(|_| visit.outcome == Outcome::Caught)?;
    let mut paths = catches.iter().filter_map(|catch| pointer(catch["ResultPath"].as_str().unwrap_or("$")));
    paths.find_map(|path| visit.output.pointer(&path)?["Error"].as_str().map(str::to_owned))
}

/// How long each Task that was done took.
fn steps(events: &[Event]) -> VecDeque<f64> {
    let mut began = None;
    let mut steps = VecDeque::new();
    for event in events {
        match event.what {
            What::Began(..) => began = Some(event.at),
            What::Done => steps.push_back(event.at - began.unwrap_or(event.at)),
            _ => {}
        }
    }
    steps
}

fn errors(events: &[Event]) -> Vec<String> {
    events
        .iter()
        .filter_map(|event| if let What::Failed(_, error) = &event.what { error.clone() } else { None })
        .collect()
}

struct Walk<'a> {
    runs: &'a Runs<'a>,
    trace: &'a mut Trace,
    steps: VecDeque<f64>,
    errors: Vec<String>,
}

/// What is known of an item where its walk has come to.
struct Item<'a> {
    machine: &'a Machine,
    data: Value,
    output: Option<&'a Value>,
    last: Outcome,
}

impl Walk<'_> {
    fn item(&mut self, machine: &Machine, input: &Value, output: Option<&Value>, last: Outcome) {
        let mut data = output.unwrap_or(input).clone();
        for path in machine.states.iter().flat_map(catch_paths) {
            choice::remove(&mut data, &path.0);
        }
        let mut item = Item { machine, data, output, last };
        let (mut seen, mut name) = (BTreeSet::new(), Some(machine.start.clone()));
        while let Some(state) =
            name.take().and_then(|name| machine.get(&name)).filter(|state| seen.insert(state.name.clone()))
        {
            name = self.pass(state, &mut item);
            if name.is_some() {
                self.trace.take(&state.name, name.as_deref());
            }
        }
    }

    /// Notes what became of the state; returns the one after it, if the walk goes on.
    fn pass(&mut self, state: &State, item: &mut Item) -> Option<String> {
        let next = state.next().flatten().map(str::to_owned);
        let (outcome, seconds, next) = match state.kind {
            Kind::Task | Kind::Map | Kind::Parallel => self.work(state, next, item),
            Kind::Choice => match choice::target(&state.source, &item.data) {
                Some(target) => (Outcome::Succeeded, None, Some(target.to_owned())),
                None => {
                    match state.arrows.iter().filter_map(|arrow| arrow.to.clone()).find(|to| self.runs.contains_key(to))
                    {
                        Some(target) => (Outcome::Succeeded, None, Some(target)),
                        None => (item.last, None, None),
                    }
                }
            },
            Kind::Fail => (Outcome::Failed, None, None),
            Kind::Pass | Kind::Wait | Kind::Succeed => (Outcome::Succeeded, None, next),
        };
        self.trace.add(&state.name, outcome, 1, seconds);
        if next.is_none() && state.ends_with(outcome) {
            self.trace.take(&state.name, None);
        }
        next
    }

    fn work(&mut self, state: &State, next: Option<String>, item: &mut Item) -> (Outcome, Option<f64>, Option<String>) {
        if let Some(output) = item.output {
            if let Some((path, to)) = catch_paths(state).into_iter().find(|(path, _)| output.pointer(path).is_some()) {
                self.trace.edit(&state.name).error =
                    output.pointer(&path).and_then(|caught| caught["Error"].as_str()).map(str::to_owned);
                item.data = output.clone();
                return (Outcome::Caught, None, Some(to));
            }
            let seconds = if state.kind == Kind::Task { self.steps.pop_front() } else { None };
            return (Outcome::Succeeded, seconds, next);
        }
        if item.last == Outcome::Failed
            && let Some((error, to)) =
                self.errors.iter().rev().find_map(|error| Some((error, refusal(item.machine, state, error)?)))
        {
            self.trace.edit(&state.name).error = Some(error.clone());
            return (Outcome::Caught, None, Some(to));
        }
        let passed = if state.is_distributed() { self.runs.over(&state.name) } else { self.steps.pop_front() };
        match passed {
            Some(seconds) => {
                // What its result changed is not known.
                if state.source.get("ResultPath") != Some(&Value::Null) {
                    item.data = Value::Null;
                }
                (Outcome::Succeeded, Some(seconds), next)
            }
            None => {
                self.trace.edit(&state.name).error =
                    self.errors.last().filter(|_| item.last == Outcome::Failed).cloned();
                (item.last, None, None)
            }
        }
    }
}

/// Where a state's caught errors are written, where that tells it from other states, and where they lead.
fn catch_paths(state: &State) -> Vec<(String, String)> {
    let catches = state.source["Catch"].as_array().into_iter().flatten();
    let path = |catch: &Value| pointer(catch["ResultPath"].as_str()?).filter(|path| !path.is_empty());
    catches.filter_map(|catch| Some((path(catch)?, catch["Next"].as_str()?.to_owned()))).collect()
}

/// Where the state's Catch of this very error leads, if that way ends in a Fail state.
fn refusal(machine: &Machine, state: &State, error: &str) -> Option<String> {
    let names =
        |catch: &&Value| catch["ErrorEquals"].as_array().is_some_and(|errors| errors.iter().any(|one| one == error));
    let to = state.source["Catch"].as_array()?.iter().find(names)?["Next"].as_str()?;
    let (mut at, mut seen) = (machine.get(to)?, BTreeSet::new());
    while at.kind != Kind::Fail {
        at = machine.get(at.next()??).filter(|at| seen.insert(at.name.clone()))?;
    }
    Some(to.to_owned())
}
