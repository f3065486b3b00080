//! Tests the page of a run in a headless Chromium: at phone and desktop width, light and dark, with the keyboard, and with an
//! accessibility checker. The pages and their screenshots are in `target/tests/page`.

mod nights;

use domain::plan::Plans;
use jiff::SignedDuration;
use nightly::{chart, page::page};
use serde_json::Value;
use std::{fs, path::PathBuf, process::Command, sync::LazyLock};
use tests::root;

const PICTURE: &str = "docs/night.png";
/// Maximum size of the README's picture in bytes, for readers with slow connections.
const LARGEST_PICTURE: u64 = 300_000;
const PAGES: [&str; 4] = ["complete", "incomplete", "dry-run", "large"];

/// The findings of each page. `broken` is a page with one of each defect.
static FOUND: LazyLock<Vec<Value>> = LazyLock::new(|| {
    let folder = folder();
    fs::create_dir_all(folder.join("tmp")).expect("a folder");
    // The browser unpacks itself to this folder on its first start, and each test is a process of its own.
    let lock = fs::File::create(folder.join("lock")).expect("a lock");
    lock.lock().expect("the lock");
    let graph = include_str!("graph.svg");
    let plans = Plans::read("Daily=7,Weekly=4,Monthly=12,Quarterly=5,Annual=forever", "", "Sunday").expect("plans");
    let chart = chart::kept(&plans, "2026-12-31".parse().expect("a Night"), 1_000);
    let nights = [nights::complete(), nights::incomplete(), nights::dry_run(), nights::large()];
    for (name, night) in PAGES.iter().zip(&nights) {
        let took = SignedDuration::from_secs(252);
        let html = page(&nights::report(night), took, graph, &chart);
        fs::write(folder.join(format!("{name}.html")), html).expect("the page is written");
    }
    fs::write(folder.join("broken.html"), include_str!("broken.html")).expect("the page is written");
    check()
});

fn folder() -> PathBuf {
    root().join("target/tests/page")
}

fn check() -> Vec<Value> {
    let mut command = Command::new(root().join("target/node/bin/node"));
    command.arg(root().join("tests/browser/check.mjs")).arg(folder());
    command.args(PAGES.iter().chain(&["broken"]).map(|name| folder().join(format!("{name}.html"))));
    // The browser unpacks itself to the folder for temporary files.
    command.current_dir(root().join("target/browser")).env("TMPDIR", folder().join("tmp"));
    let output = command.output().expect("node in target/node: make test puts it there");
    assert!(output.status.success(), "check.mjs: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("what was found, as JSON")
}

/// Returns the findings of each page at each width in each theme, without the broken page.
fn found() -> impl Iterator<Item = (String, &'static Value)> {
    let at = |one: &Value| format!("{} at {} px, {}", one["page"], one["width"], one["theme"]);
    FOUND.iter().filter(|one| one["page"] != "broken").map(move |one| (at(one), one))
}

fn assert_nothing(what: &str) {
    assert_eq!(found().count(), 16, "four pages, two widths, two themes");
    for (at, one) in found() {
        assert_eq!(one[what], Value::Array(vec![]), "{at}: {what}");
    }
}

/// One test for all rules, because starting the browser takes most of the time.
#[test]
fn the_page_keeps_every_rule_in_a_browser_and_a_page_with_defects_does_not() {
    a_page_has_nothing_to_say_on_the_console_and_asks_the_network_for_nothing();
    a_page_is_as_wide_as_the_screen();
    a_page_keeps_the_rules_of_accessibility_and_of_contrast();
    the_keyboard_reaches_all_that_can_be_followed_or_scrolled_and_shows_where_it_is();
    a_hostile_name_runs_no_script_and_hides_nothing();
    a_page_with_one_of_each_defect_does_not_pass();
}

fn a_page_has_nothing_to_say_on_the_console_and_asks_the_network_for_nothing() {
    assert_nothing("messages");
    assert_nothing("requests");
}

fn a_page_is_as_wide_as_the_screen() {
    assert_nothing("wide");
}

fn a_page_keeps_the_rules_of_accessibility_and_of_contrast() {
    assert_nothing("violations");
}

fn the_keyboard_reaches_all_that_can_be_followed_or_scrolled_and_shows_where_it_is() {
    assert_nothing("unreached");
    assert_nothing("unmarked");
    for (at, one) in found() {
        let scrolls = one["scrolling"].as_array().expect("a list").len();
        assert!(one["reachable"].as_u64() >= Some(8), "{at}: the links and the pictures");
        assert!(one["width"] != 390 || scrolls >= 1, "{at}: the pictures scroll within themselves");
    }
}

fn a_hostile_name_runs_no_script_and_hides_nothing() {
    for (at, one) in found() {
        assert_eq!(one["ran"], false, "{at}");
    }
}

fn a_page_with_one_of_each_defect_does_not_pass() {
    let broken: Vec<_> = FOUND.iter().filter(|one| one["page"] == "broken").collect();
    assert_eq!(broken.len(), 4);
    for one in broken {
        for what in ["messages", "requests", "wide", "violations", "unreached", "unmarked"] {
            assert!(!one[what].as_array().expect("a list").is_empty(), "{what} of {one}");
        }
        assert_eq!(one["ran"], true);
        let violations = one["violations"].to_string();
        assert!(
            ["color-contrast", "image-alt", "html-has-lang"].iter().all(|rule| violations.contains(rule)),
            "{violations}"
        );
    }
}

#[test]
fn the_readme_has_a_picture_of_a_night() {
    if std::env::var_os("UPDATE").is_some() {
        LazyLock::force(&FOUND);
        fs::copy(folder().join("complete-1280-light-top.png"), root().join(PICTURE)).expect("the picture is copied");
    }
    let picture = fs::read(root().join(PICTURE))
        .unwrap_or_else(|error| panic!("{PICTURE}: {error}; UPDATE=1 make test draws it"));
    assert!((picture.len() as u64) < LARGEST_PICTURE, "{PICTURE} has {} bytes", picture.len());
    assert_eq!(
        (&picture[1..4], &picture[16..20]),
        (b"PNG".as_slice(), 1_280_u32.to_be_bytes().as_slice()),
        "its width"
    );
}
