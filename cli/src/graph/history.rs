//! What the history itself says: which states were entered and left, in what order, and with which errors.
//!
//! On AWS each event names the one that it follows, so that the iterations of a Map can be told apart. The local cloud tells
//! only of the outermost states; what became of those within a Map is worked out in [`super::infer`].

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

use super::definition::{Kind, Machine};
use super::execution::{Counts, Event, Family, Status, What};
use super::trace::{Outcome, Trace};

/// One passage of a state.
#[derive(Clone, Debug)]
pub struct Visit {
    /// The state.
    pub state: String,
    /// Where in the history it was entered.
    pub entered: usize,
    /// Where it was left.
    pub exited: Option<usize>,
    /// What it was given.
    pub input: Value,
    /// What it handed on.
    pub output: Value,
    /// The error that it met last.
    pub error: Option<String>,
    /// How it ended.
    pub outcome: Outcome,
    family: Family,
    trouble: Option<Outcome>,
    given_up: bool,
    next: Option<String>,
}

/// What the history says.
#[derive(Debug, Default)]
pub struct Told {
    /// Every passage of every state that is named.
    pub visits: Vec<Visit>,
    /// The state of each Map Run that the history names, by its ARN.
    pub map_runs: BTreeMap<String, String>,
}

/// Reads the history of an execution that has ended so, or not, into the trace.
pub fn read(machine: &Machine, events: &[Event], status: Status, trace: &mut Trace) -> Told {
    let mut reader = Reader {
        events,
        at: events.iter().enumerate().map(|(at, event)| (event.id, at)).collect(),
        told: Told::default(),
    };
    for at in 0..events.len() {
        reader.event(at, trace);
    }
    let mut told = reader.told;
    for visit in &mut told.visits {
        visit.outcome = outcome(visit, machine, status);
        let end = visit.exited.or_else(|| (status != Status::Running).then(|| events.len() - 1));
        let seconds = end.map(|end| events[end].at - events[visit.entered].at);
        trace.add(&visit.state, visit.outcome, 1, seconds);
        if let Some(error) = &visit.error {
            trace.edit(&visit.state).error = Some(error.clone());
        }
        let ends = machine.find(&visit.state).is_some_and(|state| state.ends_with(visit.outcome));
        match &visit.next {
            Some(next) => trace.take(&visit.state, Some(next)),
            None if ends => trace.take(&visit.state, None),
            None => {}
        }
    }
    told
}

fn outcome(visit: &Visit, machine: &Machine, status: Status) -> Outcome {
    let state = machine.find(&visit.state);
    if visit.exited.is_some() {
        let caught = |next| state.is_some_and(|state| state.catches_into(next));
        let met = visit.trouble.is_some() || visit.next.as_deref().is_some_and(caught);
        return if met { Outcome::Caught } else { Outcome::Succeeded };
    }
    match visit.trouble {
        _ if state.is_some_and(|state| state.kind == Kind::Fail) => Outcome::Failed,
        // A failure that a retry may yet mend is none.
        Some(trouble) if visit.given_up || status != Status::Running => trouble,
        _ if status == Status::Running => Outcome::InProgress,
        _ if status == Status::Failed && machine.get(&visit.state).is_some() => Outcome::Failed,
        _ => Outcome::Aborted,
    }
}

struct Reader<'a> {
    events: &'a [Event],
    at: BTreeMap<i64, usize>,
    told: Told,
}

impl Reader<'_> {
    fn event(&mut self, at: usize, trace: &mut Trace) {
        match &self.events[at].what {
            What::Entered(family, state, input) => self.enter(at, *family, state, input),
            What::Exited(state, output) => {
                if let Some(visit) = self.visit(at, |visit| visit.state == *state) {
                    (visit.exited, visit.output) = (Some(at), output.clone());
                }
            }
            What::Began(family, items) => {
                if let Some(visit) = self.visit(at, |visit| visit.family == *family) {
                    (visit.trouble, visit.given_up) = (None, false);
                    let state = visit.state.clone();
                    if let Some(total) = *items {
                        let all = trace.edit(&state).items.get_or_insert_default();
                        *all = all.and(Counts { total, ..Counts::default() });
                    }
                }
            }
            What::Failed(family, error) => self.trouble(at, *family, Outcome::Failed, error.clone()),
            What::Aborted(family) => self.trouble(at, *family, Outcome::Aborted, None),
            What::Iteration(state, status) => self.iteration(at, state, *status, trace),
            What::MapRun(arn) => {
                if let Some(state) = self.of(at, Family::Map).map(|visit| visit.state.clone()) {
                    self.told.map_runs.insert(arn.clone(), state);
                }
            }
            What::Done | What::Other => {}
        }
    }

    fn enter(&mut self, at: usize, family: Family, state: &str, input: &Value) {
        let before = self.before(at);
        if let Some(visit) = self.told.visits.iter_mut().find(|visit| visit.exited.is_some() && visit.exited == before)
        {
            visit.next = Some(state.to_owned());
        }
        self.told.visits.push(Visit {
            state: state.to_owned(),
            entered: at,
            exited: None,
            input: input.clone(),
            output: Value::Null,
            error: None,
            outcome: Outcome::InProgress,
            family,
            trouble: None,
            given_up: false,
            next: None,
        });
    }

    fn trouble(&mut self, at: usize, family: Family, trouble: Outcome, error: Option<String>) {
        self.give_up(at);
        // A Map Run's failure and its Map's are two events in a row, one failure.
        let same = |what: &What| matches!(what, What::Failed(Family::Map, _) | What::Aborted(Family::Map));
        if family == Family::Map && self.before(at).is_some_and(|before| same(&self.events[before].what)) {
            return;
        }
        if let Some(visit) = self.of(at, family) {
            visit.trouble = Some(trouble);
            visit.error = error.or(visit.error.take());
        }
    }

    /// An iteration or a Map that failed after an attempt did: no retry follows.
    fn give_up(&mut self, at: usize) {
        let attempt =
            self.before(at).filter(|before| matches!(self.events[*before].what, What::Failed(Family::Task, _)));
        if let Some(visit) = attempt.and_then(|attempt| self.of(attempt, Family::Task)) {
            visit.given_up = true;
        }
    }

    fn iteration(&mut self, at: usize, state: &str, status: Status, trace: &mut Trace) {
        self.give_up(at);
        let items = trace.edit(state).items.get_or_insert_default();
        match status {
            Status::Running => items.running += 1,
            Status::Succeeded => items.succeeded += 1,
            Status::Failed | Status::TimedOut => items.failed += 1,
            Status::Aborted => items.aborted += 1,
        }
        if status != Status::Running {
            items.running = items.running.saturating_sub(1);
        }
    }

    /// The event that this one follows. Where that is not told it is the one before it.
    fn before(&self, at: usize) -> Option<usize> {
        match self.events[at].previous {
            0 => at.checked_sub(1),
            id => self.at.get(&id).copied(),
        }
    }

    fn of(&mut self, at: usize, family: Family) -> Option<&mut Visit> {
        self.visit(at, |visit| visit.family == family && (family == Family::Task || visit.trouble.is_none()))
    }

    /// The nearest passage that led to this event, is not over, and is asked for.
    fn visit(&mut self, at: usize, asked: impl Fn(&Visit) -> bool) -> Option<&mut Visit> {
        let mut event = Some(at);
        let mut seen = BTreeSet::new();
        while let Some(at) = event.filter(|at| seen.insert(*at)) {
            if !matches!(self.events[at].what, What::Entered(..)) {
                event = self.before(at);
                continue;
            }
            let open = |visit: &Visit| visit.entered == at && visit.exited.is_none() && asked(visit);
            if let Some(found) = self.told.visits.iter().position(open) {
                return self.told.visits.get_mut(found);
            }
            event = self.before(at);
        }
        None
    }
}
