//! `nightly graph`: what became of each state, and the picture of it.

mod picture;
mod story;

use nightly::graph::{
    caption,
    definition::Machine,
    execution::Execution,
    runs, told,
    trace::Outcome::{self, *},
};
use story::*;

fn outcomes(execution: &Execution, of: Outcome) -> Vec<String> {
    let states = told(execution).states.into_iter();
    let mut names: Vec<_> = states.filter(|state| state.outcome == of).map(|state| state.name).collect();
    names.sort();
    names
}

fn line(execution: &Execution, state: &str) -> String {
    let machine = Machine::read(&execution.definition);
    let trace = runs::trace(&machine, execution);
    caption::line(machine.find(state).expect("a state"), &trace.of(state))
}

fn error(execution: &Execution, state: &str) -> Option<String> {
    told(execution).states.into_iter().find(|one| one.name == state).expect("a state").error
}

#[test]
fn a_complete_night_reached_what_it_needed_and_no_more() {
    let night = complete();
    let names = "BackUpRegions, DiscoverRegions, DiscoverVolumes, FindExpired, IsAnythingExpired, IsNightComplete, IsThereWork, \
                 ListRegions, NightComplete, RegionDone, ReportNight, SnapshotOne, SnapshotVolumes, TagSnapshot";
    assert_eq!(outcomes(&night, Succeeded).join(", "), names);
    assert_eq!(outcomes(&night, NotReached).len(), told(&night).states.len() - 14);
    assert_eq!(line(&night, "SnapshotVolumes"), "2 of 2 done · 3.2s");
    assert_eq!(line(&night, "DiscoverRegions"), "1 of 1 done · 3s");
    assert_eq!(line(&night, "DiscoverVolumes"), "Lambda · 1s");
    assert_eq!(line(&night, "DeleteExpired"), "Distributed Map");
}

#[test]
fn a_child_execution_that_failed_marks_its_state_and_its_map() {
    let night = one_failed();
    assert_eq!(outcomes(&night, Failed), ["NightIncomplete", "TagSnapshot"]);
    assert_eq!(outcomes(&night, Caught), ["SnapshotVolumes"]);
    assert_eq!(line(&night, "SnapshotVolumes"), "2 of 2 done, 1 failed · 3.2s");
    assert_eq!(line(&night, "SnapshotOne"), "Lambda · 2 of 2 · 1s");
    assert_eq!(line(&night, "TagSnapshot"), "Lambda · 1 of 2");
    assert_eq!(error(&night, "TagSnapshot").as_deref(), Some("Refused"));
    assert_eq!(line(&night, "DeleteExpired"), "1 of 1 done · 3.2s");
}

#[test]
fn a_step_that_failed_for_a_region_is_caught_and_ends_that_region() {
    let mut night = complete();
    let mut region = region(2);
    region["failure"]["FindExpired"] = serde_json::json!({"Error": "Throttled", "Cause": "x"});
    let output = serde_json::json!({"regions": [region]});
    for event in &mut night.events {
        if let nightly::graph::execution::What::Exited(state, handed_on) = &mut event.what
            && state == "BackUpRegions"
        {
            *handed_on = output.clone();
        }
    }
    assert_eq!(outcomes(&night, Caught), ["FindExpired"]);
    assert_eq!(error(&night, "FindExpired").as_deref(), Some("Throttled"));
    assert!(outcomes(&night, NotReached).contains(&"IsAnythingExpired".to_owned()));
    assert!(outcomes(&night, Succeeded).contains(&"RegionDone".to_owned()));
}

#[test]
fn a_region_that_was_not_discovered_is_passed_by() {
    let failed = serde_json::json!({"region": "eu-west-1", "failure": {"DiscoverVolumes": {"Error": "Refused"}}});
    let regions = serde_json::json!([failed, backed_up(0, 0)]);
    let night = discovered(regions.clone()).answered().exited("BackUpRegions", serde_json::json!({"regions": regions}));
    let night = night.execution(nightly::graph::execution::Status::Running, vec![]);
    assert_eq!(outcomes(&night, Caught), ["DiscoverVolumes"]);
    assert_eq!(line(&night, "DiscoverVolumes"), "Lambda · 1 of 2");
    assert_eq!(line(&night, "FindExpired"), "Lambda", "one Region alone came there, and how long it took is not known");
    assert!(outcomes(&night, NotReached).contains(&"SnapshotVolumes".to_owned()));
    assert_eq!(line(&night, "RegionDone"), "Succeed · 2 of 2");
}

#[test]
fn refused_input_is_caught_where_it_was_found_and_fails_where_it_was_told() {
    let night = refused();
    assert_eq!(outcomes(&night, Caught), ["DiscoverRegions", "DiscoverVolumes"]);
    assert_eq!(outcomes(&night, Failed), ["NightIncomplete", "RefuseInput"]);
    assert_eq!(error(&night, "DiscoverRegions").as_deref(), Some("BadInput"));
    assert!(outcomes(&night, Succeeded).contains(&"ReadRefusal".to_owned()));
    assert!(outcomes(&night, NotReached).contains(&"BackUpRegions".to_owned()));
}

#[test]
fn a_running_night_shows_where_it_is() {
    let night = running();
    assert_eq!(outcomes(&night, InProgress), ["BackUpRegions", "SnapshotOne", "SnapshotVolumes"]);
    assert_eq!(line(&night, "SnapshotVolumes"), "2 of 5 done, 3 in progress · 3.2s");
    assert!(outcomes(&night, NotReached).contains(&"FindExpired".to_owned()));
    assert!(outcomes(&night, Succeeded).contains(&"IsThereWork".to_owned()));
}

#[test]
fn the_history_of_aws_tells_the_regions_apart() {
    let night = of_aws();
    assert_eq!(outcomes(&night, Caught), ["DiscoverVolumes"]);
    assert_eq!(outcomes(&night, Aborted), ["BackUpRegions", "IsThereWork"]);
    assert_eq!(outcomes(&night, Succeeded), ["DiscoverRegions", "ListRegions", "RegionNotDiscovered"]);
    assert_eq!(line(&night, "DiscoverRegions"), "2 of 2 done · 19s");
    assert_eq!(line(&night, "DiscoverVolumes"), "Lambda · 1 of 2 · 13s");
}

#[test]
fn a_child_execution_of_the_local_cloud_is_told_by_its_answers() {
    let mut child =
        Story::default().answered().failed("Refused").execution(nightly::graph::execution::Status::Failed, vec![]);
    let machine = Machine::read(&child.definition);
    child.definition = machine.of_label("SnapshotVolumes").expect("the Map's inside").clone();
    assert_eq!(outcomes(&child, Succeeded), ["SnapshotOne"]);
    assert_eq!(outcomes(&child, Failed), ["TagSnapshot"]);
}
