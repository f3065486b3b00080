//! Numbers and dates in words.

use domain::Night;
use jiff::{
    SignedDuration,
    fmt::friendly::{FractionalUnit, SpanPrinter},
};

/// `10,000`
pub fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let parts: Vec<_> = digits.as_bytes().rchunks(3).rev().map(|part| String::from_utf8_lossy(part)).collect();
    parts.join(",")
}

/// `1 volume`, `10,000 volumes`
pub fn plural(count: usize, noun: &str) -> String {
    let ending = if count == 1 { "" } else { "s" };
    format!("{} {noun}{ending}", grouped(count))
}

/// `Thursday, 31 December 2026`
pub fn long_date(night: Night) -> String {
    night.date().strftime("%A, %-d %B %Y").to_string()
}

/// `0.3s`, `1h 4m 12s`
pub fn duration(seconds: f64) -> String {
    let (rounded, digits) = if seconds < 59.95 { ((seconds * 10.0).round() / 10.0, 1) } else { (seconds.round(), 0) };
    let took = SignedDuration::try_from_secs_f64(rounded).unwrap_or_default();
    let printer = SpanPrinter::new().fractional(Some(FractionalUnit::Second)).precision(Some(digits));
    printer.duration_to_string(&took)
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
    fn numbers_are_grouped_by_thousands() {
        assert_eq!([0, 7, 999, 1_000, 1_234_567].map(grouped), ["0", "7", "999", "1,000", "1,234,567"]);
        assert_eq!([plural(1, "volume"), plural(0, "step")], ["1 volume", "0 steps"]);
    }

    #[test]
    fn a_date_and_a_duration_are_said_in_full() {
        assert_eq!(long_date("2026-12-31".parse().expect("a Night")), "Thursday, 31 December 2026");
        assert_eq!(duration(3_852.3), "1h 4m 12s");
        assert_eq!([0.0, 3.25, 60.0].map(duration), ["0.0s", "3.3s", "1m 0s"]);
        assert_eq!(listed(&["a", "b", "c"]), "a, b and c");
    }
}
