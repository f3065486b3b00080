//! Tests of the picture.

use aws_sdk_sfn::types::ExecutionStatus;
use nightly::graph::{self, caption, draw, fetch::FetchedExecution, layout, layout::Layout, outcome::StateOutcome};
use strum::VariantArray;
use xmltree::Element;

use super::{story::*, trace};

/// Returns executions of the test's machine and of every state machine of this project.
fn executions() -> Vec<FetchedExecution> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../statemachine");
    let files = std::fs::read_dir(folder).expect("the state machines").map(|file| file.expect("a file").path());
    let others = files.map(|file| {
        let text = std::fs::read_to_string(file).expect("a definition");
        let definition = serde_yaml_ng::from_str::<serde_json::Value>(&text).expect("YAML").to_string();
        FetchedExecution { definition, ..Story::default().ends(ExecutionStatus::Running, None) }
    });
    [complete(), one_failed(), running(), stopped(), failed_iteration()].into_iter().chain(others).collect()
}

fn drawn(execution: &FetchedExecution) -> Element {
    Element::parse(graph::draw(execution).expect("a picture").as_bytes()).expect("XML")
}

fn all<'a>(element: &'a Element, name: &str) -> Vec<&'a Element> {
    let children = element.children.iter().filter_map(|child| child.as_element());
    let own = (element.name == name).then_some(element);
    own.into_iter().chain(children.flat_map(|child| all(child, name))).collect()
}

#[test]
fn every_state_is_in_the_picture_once_with_its_title() {
    for execution in executions() {
        let picture = drawn(&execution);
        let groups = all(&picture, "g").into_iter().filter(|group| group.attributes.contains_key("id"));
        let title = |group: &Element| group.get_child("title")?.get_text().map(|title| title.trim().to_owned());
        let mut shown: Vec<_> = groups.map(|group| (group.attributes["id"].clone(), title(group))).collect();
        let mut names: Vec<_> = trace(&execution).0.all().into_iter().map(|state| state.name.clone()).collect();
        shown.sort();
        names.sort_by_key(|name| format!("state-{name}"));
        assert_eq!(shown.len(), names.len());
        for ((id, title), name) in shown.into_iter().zip(names) {
            assert_eq!(id, format!("state-{name}"));
            assert!(title.as_ref().is_some_and(|title| title.starts_with(&name)), "{title:?}");
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
    assert!(says.contains("Failed: Tag, Incomplete"), "{says}");
    assert!(says.contains("Volumes (2 of 2 done, 1 failed)"), "{says}");
}

#[test]
fn each_outcome_has_a_mark_of_its_own() {
    let marks = StateOutcome::VARIANTS.iter().map(|&outcome| {
        let mark = draw::mark(outcome, 0.0, 0.0).to_string();
        all(&Element::parse(mark.as_bytes()).expect("XML"), "path").first().map(|sign| sign.attributes["d"].clone())
    });
    let marks: Vec<_> = marks.collect();
    for (number, mark) in marks.iter().enumerate() {
        assert!(!marks[..number].contains(mark), "{mark:?}");
    }
}

#[test]
fn no_box_lies_over_another_and_each_is_within_its_container() {
    for execution in executions() {
        let (machine, trace) = trace(&execution);
        let level = layout::layout(&machine, &|state| caption::line(state, &trace.state(&state.name)));
        assert_eq!(checked(&level), machine.all().len() + 2, "with Start and End");
    }
}

#[test]
fn the_ways_that_were_taken_are_drawn_as_such() {
    let taken = |execution: &FetchedExecution, class: &str| {
        let picture = drawn(execution);
        all(&picture, "path").iter().filter(|path| path.attributes.get("class").is_some_and(|one| one == class)).count()
    };
    assert_eq!(taken(&complete(), "way taken"), 9, "from Start to End, and within the Maps");
    assert_eq!(taken(&running(), "way taken"), 5, "not to the end");
    assert_eq!([taken(&failed_iteration(), "way catch taken"), taken(&complete(), "way catch taken")], [1, 0]);
}

/// Counts the boxes.
fn checked(level: &Layout) -> usize {
    for (number, one) in level.boxes.iter().enumerate() {
        let (rect, near) = (one.rect, 0.01);
        let (right, bottom) = (rect.x + rect.width, rect.y + rect.height);
        let is_within = rect.x > -near && rect.y > -near && right < level.width + near && bottom < level.height + near;
        assert!(is_within, "{} {rect:?} is not in {} x {}", one.name, level.width, level.height);
        for other in level.boxes[..number].iter().map(|other| other.rect) {
            let beside = right <= other.x || other.x + other.width <= rect.x;
            assert!(
                beside || bottom <= other.y || other.y + other.height <= rect.y,
                "{} lies over {other:?}",
                one.name
            );
        }
        let (x, y) = one.inner_corner();
        let fits = x + one.inside.width < right + near && y + one.inside.height < bottom + near;
        assert!(one.inside.boxes.is_empty() || fits && x > rect.x - near, "{}", one.name);
    }
    level.boxes.iter().map(|one| 1 + checked(&one.inside)).sum()
}
