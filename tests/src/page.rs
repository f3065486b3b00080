//! The parts of the documentation that tests generate.

use crate::{root, text};

/// Compares the text between `start` and `end` of a page with `now`. `UPDATE=1 make test` writes `now` to the page instead.
pub fn assert_shows(path: &str, start: &str, end: &str, now: &str) {
    let (_, shown, _) = parts(path, start, end);
    if shown != now && std::env::var_os("UPDATE").is_some() {
        write(path, start, end, now);
    } else {
        assert_eq!(shown, now, "{path} is not as it should be; UPDATE=1 make test writes it anew");
    }
}

/// Writes `now` between `start` and `end` of a page.
pub fn write(path: &str, start: &str, end: &str, now: &str) {
    let (before, _, after) = parts(path, start, end);
    std::fs::write(root().join(path), [&before, start, now, end, &after].concat()).expect("the page is written");
}

fn parts(path: &str, start: &str, end: &str) -> (String, String, String) {
    let page = text(path);
    let (before, rest) = page.split_once(start).unwrap_or_else(|| panic!("{path} has no {start}"));
    let (shown, after) = rest.split_once(end).unwrap_or_else(|| panic!("{path} has no {end} after {start}"));
    (before.to_owned(), shown.to_owned(), after.to_owned())
}
