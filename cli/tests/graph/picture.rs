//! The picture itself.

use nightly::graph::definition::Machine;
use nightly::graph::execution::{Execution, Family, Status, What};
use nightly::graph::layout::{Level, Placed, Rect, layout};
use nightly::graph::{draw, runs, trace::Outcome};
use serde_json::json;
use xmltree::Element;

use super::story::*;

fn machines() -> Vec<Execution> {
    let other = |name| {
        let mut execution = Story::default().execution(Status::Running, vec![]);
        execution.definition = definition(name);
        execution
    };
    let mut parallel = other("late-failure");
    parallel.definition = json!({"StartAt": "Both", "States": {"Both": {"Type": "Parallel", "End": true, "Branches": [
        {"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "A & <B>"}, "A & <B>": {"Type": "Succeed"}}},
        {"StartAt": "C", "States": {"C": {"Type": "Wait", "Seconds": 1, "End": true}}}]}}});
    let nights = vec![complete(), one_failed(), refused(), running(), of_aws()];
    [nights, vec![other("late-failure"), other("unreported"), parallel]].concat()
}

fn drawn(execution: &Execution) -> Element {
    Element::parse(draw(execution).as_bytes()).expect("XML")
}

fn all<'a>(element: &'a Element, name: &str) -> Vec<&'a Element> {
    let children = element.children.iter().filter_map(|child| child.as_element());
    let own = (element.name == name).then_some(element);
    own.into_iter().chain(children.flat_map(|child| all(child, name))).collect()
}

#[test]
fn every_state_is_in_the_picture_once_with_its_title() {
    for execution in machines() {
        let picture = drawn(&execution);
        let mut shown: Vec<_> =
            all(&picture, "g").into_iter().filter(|group| group.attributes.contains_key("id")).collect();
        let mut names: Vec<_> =
            Machine::read(&execution.definition).all().into_iter().map(|state| state.name.clone()).collect();
        shown.sort_by_key(|group| group.attributes["id"].clone());
        names.sort_by_key(|name| format!("state-{name}"));
        assert_eq!(shown.len(), names.len());
        for (group, name) in shown.iter().zip(names) {
            assert_eq!(group.attributes["id"], format!("state-{name}"));
            let title = group.get_child("title").and_then(|title| title.get_text()).expect("a title");
            assert!(title.trim().starts_with(&name), "{title}");
        }
    }
}

#[test]
fn the_picture_says_in_words_how_it_went() {
    let picture = drawn(&one_failed());
    assert_eq!(picture.attributes["role"], "img");
    assert!(picture.get_child("title").is_some());
    let says = picture.get_child("desc").and_then(|says| says.get_text()).expect("a description").trim().to_owned();
    assert!(says.contains("night-1 of nightly failed after 1m 40s"), "{says}");
    assert!(says.contains("Failed: TagSnapshot, NightIncomplete"), "{says}");
    assert!(says.contains("SnapshotVolumes (2 of 2 done, 1 failed)"), "{says}");
}

#[test]
fn each_outcome_has_a_mark_of_its_own() {
    let marks = Outcome::ALL.map(|outcome| {
        let mark = nightly::graph::theme::mark(outcome, 0.0, 0.0).to_string();
        all(&Element::parse(mark.as_bytes()).expect("XML"), "path").first().map(|sign| sign.attributes["d"].clone())
    });
    for (number, mark) in marks.iter().enumerate() {
        assert!(!marks[..number].contains(mark), "{mark:?}");
    }
}

#[test]
fn no_box_lies_over_another_and_each_within_its_container() {
    for execution in machines() {
        let machine = Machine::read(&execution.definition);
        let trace = runs::trace(&machine, &execution);
        let level = layout(&machine, &|state| nightly::graph::caption::line(state, &trace.of(&state.name)));
        let whole = Rect { x: 0.0, y: 0.0, width: level.width, height: level.height };
        let count = check(&level, whole);
        assert_eq!(count, machine.all().len() + 2, "with Start and End");
    }
}

#[test]
fn the_way_that_was_taken_leads_to_the_end_only_if_the_execution_came_there() {
    let inside = |events: Story, status| {
        let mut child = events.execution(status, vec![]);
        child.definition = Machine::read(&child.definition).of_label("SnapshotVolumes").expect("a Map").clone();
        let picture = drawn(&child);
        let taken = all(&picture, "path").into_iter().filter_map(|path| path.attributes.get("class"));
        taken.filter(|class| class.ends_with("taken") && class.starts_with("way")).count()
    };
    let made = || Story::default().answered();
    assert_eq!(inside(made().answered(), Status::Succeeded), 3, "from Start, between the two, to End");
    assert_eq!(inside(made().failed("Refused"), Status::Failed), 2);
    assert_eq!(inside(made().then(What::Began(Family::Task, None)), Status::Running), 2);
    assert_eq!(inside(Story::default().failed("Refused"), Status::Failed), 1);
}

/// Returns how many boxes there are.
fn check(level: &Level, container: Rect) -> usize {
    for (number, one) in level.boxes.iter().enumerate() {
        assert!(within(one.rect, container), "{} {:?} is not in {container:?}", one.name, one.rect);
        for other in &level.boxes[..number] {
            assert!(apart(one, other), "{} lies over {}", one.name, other.name);
        }
    }
    level.boxes.iter().map(|one| 1 + check(&one.inside, one.rect)).sum()
}

fn within(one: Rect, container: Rect) -> bool {
    let (right, bottom) = (container.x + container.width, container.y + container.height);
    let near = 0.01;
    one.x > container.x - near
        && one.y > container.y - near
        && one.x + one.width < right + near
        && one.y + one.height < bottom + near
}

fn apart(one: &Placed, other: &Placed) -> bool {
    let (one, other) = (one.rect, other.rect);
    let beside = one.x + one.width <= other.x || other.x + other.width <= one.x;
    beside || one.y + one.height <= other.y || other.y + other.height <= one.y
}
