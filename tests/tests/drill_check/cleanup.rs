//! A check leaves nothing on the server, even if it is stopped or killed.

use crate::server::{CheckServer, DUMP, check_result, names, signal};
use std::fs;

#[test]
fn a_check_that_takes_too_long_ends_itself() {
    let place = CheckServer::new();
    let path = place.0.join("check");
    let script = fs::read_to_string(&path).expect("the script");
    fs::write(&path, script.replace(" 110m ", " 2s ")).expect("the script");
    place.program("xfs_repair", "exec sleep 600");
    place.fails("or not done after 110 minutes");
}

#[test]
fn a_check_that_is_stopped_while_it_loads_leaves_nothing() {
    let place = CheckServer::with_postgres();
    place.dump(DUMP, &format!("\\! : > {}\nSELECT pg_sleep(600);", place.0.join("loading").display()));
    let check = place.start();
    place.wait_for("loading");
    assert!(place.processes().iter().any(|line| line.contains("postgres -D")), "{:?}", place.processes());
    signal("-TERM", &check.id().to_string());
    let said = check_result(check.wait_with_output().expect("bash"));
    let last = said.stderr.lines().last().unwrap_or_default();
    assert!(!said.good && last.contains("the check was stopped"), "{}", said.stderr);
    place.is_tidy();
}

#[test]
fn what_a_check_that_was_killed_left_is_removed_by_the_next() {
    let place = CheckServer::new();
    let begun = place.0.join("begun").display().to_string();
    place.program("xfs_repair", &format!(": > {begun}\nexec sleep 600"));
    let killed = place.start();
    place.wait_for("begun");
    place.kill_whole(killed);
    assert_eq!(names(&place.0.join("temporary")).len(), 1);
    place.program("xfs_repair", "true");
    place.succeeds();
}

#[test]
fn a_second_check_of_a_volume_waits_for_the_first_and_leaves_what_is_its() {
    let place = CheckServer::new();
    let calls = place.0.join("calls").display().to_string();
    place.program("xfs_repair", &format!("echo begins >> {calls}\n: > {calls}.begun\nsleep 1\necho ends >> {calls}"));
    let first = place.start();
    place.wait_for("calls.begun");
    assert!(check_result(place.start().wait_with_output().expect("bash")).good);
    assert!(check_result(first.wait_with_output().expect("bash")).good);
    let mut calls = place.calls();
    calls.retain(|call| call == "begins" || call == "ends");
    assert_eq!(calls, ["begins", "ends", "begins", "ends"]);
    place.is_tidy();
}

#[test]
fn what_a_killed_check_left_running_ends_with_the_next() {
    let place = CheckServer::with_postgres();
    place.dump(DUMP, &format!("\\! : > {}\nSELECT pg_sleep(600);", place.0.join("loading").display()));
    let first = place.start();
    place.wait_for("loading");
    place.kill(first);
    // The mount has ended with its namespace.
    fs::remove_file(place.0.join("calls")).expect("removed");
    place.dump(DUMP, "SELECT 1;");
    assert_eq!(place.succeeds()["databases"], 1);
}
