//! Tests of `nightly graph`: the outcome of each state, and the picture.

mod picture;
mod story;

use nightly::graph::{
    caption,
    definition::Machine,
    execution,
    fetch::FetchedExecution,
    outcome::{
        StateOutcome::{self, *},
        Trace,
    },
};
use story::*;

fn trace(execution: &FetchedExecution) -> (Machine, Trace) {
    let machine = Machine::read(&execution.definition).expect("a definition");
    let trace = execution::trace(&machine, execution);
    (machine, trace)
}

fn outcomes(execution: &FetchedExecution, outcome: StateOutcome) -> Vec<String> {
    let (machine, trace) = trace(execution);
    let states = machine.all().into_iter().map(|state| state.name.clone());
    let mut names: Vec<_> = states.filter(|name| trace.state(name).outcome() == outcome).collect();
    names.sort();
    names
}

fn line(execution: &FetchedExecution, state: &str) -> String {
    let (machine, trace) = trace(execution);
    caption::line(machine.find(state).expect("a state"), &trace.state(state))
}

fn error(execution: &FetchedExecution, state: &str) -> Option<String> {
    trace(execution).1.state(state).error
}

#[test]
fn a_complete_night_reached_what_it_needed_and_no_more() {
    let night = complete();
    let reached = "BackUp, Complete, Discover, Done, IsThereWork, List, Listed, Report, Snapshot, Tag, Volumes";
    assert_eq!(outcomes(&night, Succeeded).join(", "), reached);
    assert_eq!(outcomes(&night, NotReached), ["Incomplete", "Unknown"]);
    assert_eq!(line(&night, "Volumes"), "2 of 2 done · 5s");
    assert_eq!(line(&night, "List"), "Lambda · 3s");
    assert_eq!(line(&night, "Snapshot"), "Lambda · 2 of 2");
    assert_eq!(line(&night, "Incomplete"), "Fail");
}

#[test]
fn a_child_execution_that_failed_marks_its_state_and_its_map() {
    let night = one_failed();
    assert_eq!(outcomes(&night, Failed), ["Incomplete", "Tag"]);
    assert_eq!(outcomes(&night, Caught), ["Report", "Volumes"], "only an error leads from Report to Incomplete");
    assert_eq!(line(&night, "Volumes"), "2 of 2 done, 1 failed · 5s");
    assert_eq!(line(&night, "Snapshot"), "Lambda · 2 of 2 · 3s");
    assert_eq!(line(&night, "Tag"), "Lambda · 1 of 2 · 2s");
    assert_eq!(error(&night, "Tag").as_deref(), Some("Refused"));
}

#[test]
fn a_running_night_shows_where_it_is() {
    let night = running();
    assert_eq!(outcomes(&night, InProgress), ["BackUp", "Snapshot", "Volumes"]);
    assert_eq!(line(&night, "Volumes"), "2 of 5 done, 3 in progress · 1m 22s");
    assert_eq!(outcomes(&night, NotReached), ["Complete", "Done", "Incomplete", "Report", "Unknown"]);
}

#[test]
fn the_regions_of_a_map_are_told_apart() {
    let night = stopped();
    assert_eq!(outcomes(&night, Caught), ["List"]);
    assert_eq!(outcomes(&night, Aborted), ["BackUp"]);
    assert_eq!(outcomes(&night, Succeeded), ["Discover", "Listed", "Unknown"]);
    assert_eq!(line(&night, "Discover"), "2 of 2 done · 21s");
    assert_eq!(line(&night, "List"), "Lambda · 1 of 2 · 13s");
    assert_eq!(line(&night, "BackUp"), "2 items · 1m 17s");
}

#[test]
fn an_iteration_that_fails_ends_the_others_and_its_map_has_its_error() {
    let night = failed_iteration();
    assert_eq!(outcomes(&night, Failed), ["Incomplete", "List"]);
    assert_eq!(outcomes(&night, Caught), ["Discover"]);
    assert_eq!(line(&night, "Discover"), "2 of 2 done, 2 failed · 12s");
    assert_eq!(error(&night, "Discover").as_deref(), Some("Refused"));
    let (_, trace) = trace(&night);
    assert_eq!([Failed, Aborted].map(|outcome| trace.state("List").count(outcome)), [1, 1]);
    assert!(trace.took("Discover", Some("Incomplete")) && trace.took("Incomplete", None));
}
