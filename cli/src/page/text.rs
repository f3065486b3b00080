//! Dates and lists in words.

use domain::Night;

/// `Thursday, 31 December 2026`
pub fn long_date(night: Night) -> String {
    night.date().strftime("%A, %-d %B %Y").to_string()
}

/// `a`, `a and b`, `a, b and c`
pub fn listed(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_and_a_list_are_said_in_full() {
        assert_eq!(long_date("2026-12-31".parse().expect("a Night")), "Thursday, 31 December 2026");
        assert_eq!(listed(&["a", "b", "c"]), "a, b and c");
    }
}
