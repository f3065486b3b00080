//! Formats numbers, times and names.

use domain::Night;
use jiff::{
    SignedDuration, SignedDurationRound, Timestamp, Unit,
    fmt::friendly::{FractionalUnit, SpanPrinter},
    tz::TimeZone,
};

/// Separates the thousands: `10,000`.
pub fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let parts: Vec<_> = digits.as_bytes().rchunks(3).rev().map(|part| String::from_utf8_lossy(part)).collect();
    parts.join(",")
}

/// Returns a count with its noun: `1 volume`, `10,000 volumes`.
pub fn plural(count: usize, noun: &str) -> String {
    let ending = if count == 1 { "" } else { "s" };
    format!("{} {noun}{ending}", grouped(count))
}

/// Formats a duration: `0.3s`, `3m 20s`, `2h 5m 9s`. Durations below a minute have tenths.
pub fn duration(took: SignedDuration) -> String {
    let to = if took.as_secs() < 60 { (Unit::Millisecond, 100) } else { (Unit::Second, 1) };
    let rounded = took.round(SignedDurationRound::new().smallest(to.0).increment(to.1));
    let printer = SpanPrinter::new().fractional(Some(FractionalUnit::Second));
    printer.duration_to_string(&rounded.unwrap_or(took))
}

/// Formats an age in one unit, rounded down: `12m`, `9h`, `3d`.
pub fn age(age: SignedDuration) -> String {
    match (age.as_mins().max(0), age.as_hours()) {
        (minutes, 0) => format!("{minutes}m"),
        (_, hours @ 0..48) => format!("{hours}h"),
        (_, hours) => format!("{}d", hours / 24),
    }
}

/// Formats a time in a time zone: `2026-12-31 04:30`.
pub fn minute(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M").to_string()
}

/// Formats a date: `Thursday, 31 December 2026`.
pub fn long_date(night: Night) -> String {
    night.date().strftime("%A, %-d %B %Y").to_string()
}

/// Joins names: `a`, `a and b`, `a, b and c`.
pub fn listed(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// Replaces characters that move the cursor or reverse the line. Text from an account, such as a tag, may contain them.
pub fn safe(text: &str) -> String {
    let moves = |character: char| {
        character.is_control()
            || matches!(character, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}')
    };
    text.chars().map(|character| if moves(character) { ' ' } else { character }).collect()
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
    fn durations_have_tenths_below_a_minute() {
        let of = |milliseconds| duration(SignedDuration::from_millis(milliseconds));
        assert_eq!([0, 320, 14_000, 59_940].map(of), ["0s", "0.3s", "14s", "59.9s"]);
        assert_eq!([74_400, 3_852_300].map(of), ["1m 14s", "1h 4m 12s"]);
    }

    #[test]
    fn an_age_is_in_its_largest_unit() {
        let of = |minutes| age(SignedDuration::from_mins(minutes));
        assert_eq!([-5, 59, 60, 47 * 60 + 59, 48 * 60].map(of), ["0m", "59m", "1h", "47h", "2d"]);
    }

    #[test]
    fn a_date_and_a_list_are_said_in_full() {
        assert_eq!(long_date("2026-12-31".parse().expect("a Night")), "Thursday, 31 December 2026");
        assert_eq!(listed(&["a", "b", "c"]), "a, b and c");
    }

    #[test]
    fn a_name_cannot_move_the_cursor() {
        assert_eq!(safe("web\n\u{1b}[2J\u{202e}x"), "web  [2J x");
    }
}
