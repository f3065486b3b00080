//! The Intervals and their due dates.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};
use strum::Display;

use crate::Night;

/// The retention class of a snapshot, ordered from the shortest to the longest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Display, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Interval {
    /// Due every Night.
    Daily,
    /// Due on the 1st of January, April, July and October.
    Quarterly,
    /// Due on 31 December. Never expires.
    Annual,
}

/// The Intervals due on one Night, always including `Daily`. Written as `Daily+Annual`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(try_from = "String", into = "String")]
pub struct Intervals(Vec<Interval>);

impl Intervals {
    /// Returns every Interval due on `night`.
    pub fn due(night: Night) -> Self {
        let date = night.date();
        let mut due = vec![Interval::Daily];
        if date.day() == 1 && matches!(date.month(), 1 | 4 | 7 | 10) {
            due.push(Interval::Quarterly);
        }
        if (date.month(), date.day()) == (12, 31) {
            due.push(Interval::Annual);
        }
        Self(due)
    }

    /// Returns the longest Interval, which governs retention.
    pub fn governing(&self) -> Interval {
        self.0.iter().copied().max().unwrap_or(Interval::Daily)
    }

    pub fn contains(&self, interval: Interval) -> bool {
        self.0.contains(&interval)
    }
}

impl FromStr for Interval {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "Daily" => Ok(Self::Daily),
            "Quarterly" => Ok(Self::Quarterly),
            "Annual" => Ok(Self::Annual),
            _ => Err(format!("{text:?} is not Daily, Quarterly or Annual")),
        }
    }
}

impl fmt::Display for Intervals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<String> = self.0.iter().map(Interval::to_string).collect();
        f.write_str(&names.join("+"))
    }
}

impl FromStr for Intervals {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.split('+').map(str::parse).collect::<Result<_, _>>().map(Self)
    }
}

impl TryFrom<String> for Intervals {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Intervals> for String {
    fn from(intervals: Intervals) -> String {
        intervals.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn due(night: &str) -> String {
        Intervals::due(night.parse().unwrap()).to_string()
    }

    #[test]
    fn quarterly_is_due_on_the_first_day_of_a_quarter_only() {
        for first in ["2026-01-01", "2026-04-01", "2026-07-01", "2026-10-01"] {
            assert_eq!(due(first), "Daily+Quarterly");
        }
        for other in ["2026-02-01", "2026-08-01", "2026-12-01", "2026-04-02", "2026-03-31"] {
            assert_eq!(due(other), "Daily");
        }
    }

    #[test]
    fn annual_is_due_on_the_last_day_of_the_year_and_governs() {
        assert_eq!(due("2026-12-31"), "Daily+Annual");
        assert_eq!(Intervals::due("2026-12-31".parse().unwrap()).governing(), Interval::Annual);
        assert_eq!(Intervals::due("2027-01-01".parse().unwrap()).governing(), Interval::Quarterly);
    }

    #[test]
    fn reads_back_what_it_writes_and_nothing_else() {
        for text in ["Daily", "Daily+Quarterly", "Daily+Annual"] {
            assert_eq!(text.parse::<Intervals>().unwrap().to_string(), text);
        }
        for text in ["", "daily", "Daily,Annual", "Daily+", "Weekly"] {
            assert!(text.parse::<Intervals>().is_err(), "{text}");
        }
    }
}
