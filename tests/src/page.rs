//! The parts of the documentation that the tests write.

use crate::{root, text};

/// Holds what stands between `start` and `end` in a page of the checkout against `now`; `UPDATE=1 make test` writes it there.
pub fn shows(path: &str, start: &str, end: &str, now: &str) {
    let page = text(path);
    let (before, rest) = page.split_once(start).unwrap_or_else(|| panic!("{path} has no {start}"));
    let (shown, after) = rest.split_once(end).unwrap_or_else(|| panic!("{path} has no {end} after {start}"));
    if shown != now && std::env::var_os("UPDATE").is_some() {
        std::fs::write(root().join(path), [before, start, now, end, after].concat()).expect("the page is written");
    } else {
        assert_eq!(shown, now, "{path} is not as it should be; UPDATE=1 make test writes it anew");
    }
}
