//! The Intervals and their due dates.

use jiff::{ToSpan, civil::Weekday};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, fmt, str::FromStr};
use strum::{Display, EnumString, VariantArray};

use crate::Night;

/// The retention class of a snapshot, ordered from the shortest to the longest.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Display, EnumString, VariantArray, Serialize, Deserialize,
)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Interval {
    /// Due every Night.
    Daily,
    /// Due on one day of the week, Sunday by default.
    Weekly,
    /// Due on the 1st of each month.
    Monthly,
    /// Due on the 1st of January, April, July and October.
    Quarterly,
    /// Due on 31 December.
    Annual,
}

impl Interval {
    /// Returns the latest due date up to and including `night`. Returns none if the calendar begins after it.
    pub fn last_due(self, night: Night, weekly_on: Weekday) -> Option<Night> {
        let date = night.date();
        let due = match self {
            Self::Daily => date,
            Self::Weekly => date.checked_sub(i64::from(date.weekday().since(weekly_on)).days()).ok()?,
            Self::Monthly => date.first_of_month(),
            Self::Quarterly => date.with().day(1).month((date.month() - 1) / 3 * 3 + 1).build().ok()?,
            Self::Annual if (date.month(), date.day()) == (12, 31) => date,
            Self::Annual => date.first_of_year().yesterday().ok()?,
        };
        Some(due.into())
    }

    /// Returns the Night on which a snapshot of `night` is `count` units old. The unit is a Night, 7 Nights, or 1, 3 or 12 calendar months.
    /// Returns none if the calendar ends before.
    pub fn old_on(self, night: Night, count: u32) -> Option<Night> {
        match self {
            Self::Daily => night.after_nights(count.into()),
            Self::Weekly => night.after_nights(7 * i64::from(count)),
            Self::Monthly => night.after_months(count),
            Self::Quarterly => night.after_months(count.checked_mul(3)?),
            Self::Annual => night.after_months(count.checked_mul(12)?),
        }
    }

    /// Returns the largest number of Nights between two due dates.
    pub fn nights(self) -> i64 {
        match self {
            Self::Daily => 1,
            Self::Weekly => 7,
            Self::Monthly => 31,
            Self::Quarterly => 92,
            Self::Annual => 366,
        }
    }

    /// Returns the due dates in words.
    pub fn due_dates(self) -> &'static str {
        match self {
            Self::Daily => "every Night",
            Self::Weekly => "Sunday, or the day in `WeeklyOn`",
            Self::Monthly => "the 1st of each month",
            Self::Quarterly => "1 January, April, July and October",
            Self::Annual => "31 December",
        }
    }

    /// Returns an age in the unit of this Interval, such as `7 Nights` or `15 months`.
    pub fn age(self, count: u32) -> String {
        let (factor, unit) = match self {
            Self::Daily => (1, "Night"),
            Self::Weekly => (1, "week"),
            Self::Monthly => (1, "month"),
            Self::Quarterly => (3, "month"),
            Self::Annual => (1, "year"),
        };
        let count = u64::from(count) * factor;
        if count == 1 { format!("1 {unit}") } else { format!("{count} {unit}s") }
    }

    /// Returns the word for a snapshot of this Interval, such as `daily`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Daily => "daily",
            Self::Weekly => "weekly",
            Self::Monthly => "monthly",
            Self::Quarterly => "quarterly",
            Self::Annual => "annual",
        }
    }
}

/// One or more Intervals. Written as `Daily+Annual`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(try_from = "String", into = "String")]
pub struct Intervals(BTreeSet<Interval>);

impl Intervals {
    /// Returns none if there is no Interval.
    pub fn new(intervals: impl IntoIterator<Item = Interval>) -> Option<Self> {
        Some(Self(intervals.into_iter().collect())).filter(|intervals| !intervals.0.is_empty())
    }

    /// Returns the Intervals from the shortest to the longest.
    pub fn iter(&self) -> impl Iterator<Item = Interval> {
        self.0.iter().copied()
    }

    /// Returns the longest Interval, which governs retention.
    pub fn governing(&self) -> Interval {
        self.0.last().copied().unwrap_or(Interval::Daily)
    }

    pub fn contains(&self, interval: Interval) -> bool {
        self.0.contains(&interval)
    }
}

impl fmt::Display for Intervals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<String> = self.iter().map(|interval| interval.to_string()).collect();
        f.write_str(&names.join("+"))
    }
}

/// Parses the name of an Interval.
///
/// # Errors
/// A sentence with the known names.
pub fn interval(text: &str) -> Result<Interval, String> {
    text.parse().map_err(|_| format!("{text:?} is not Daily, Weekly, Monthly, Quarterly or Annual"))
}

impl FromStr for Intervals {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.split('+').map(interval).collect::<Result<_, _>>().map(Self)
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

    fn last_due(interval: Interval, night: &str) -> String {
        interval.last_due(night.parse().unwrap(), Weekday::Sunday).unwrap().to_string()
    }

    #[test]
    fn quarterly_is_due_on_the_first_day_of_a_quarter_only() {
        for first in ["2026-01-01", "2026-04-01", "2026-07-01", "2026-10-01"] {
            assert_eq!(last_due(Interval::Quarterly, first), first);
        }
        for (other, last) in [("2026-02-01", "2026-01-01"), ("2026-06-30", "2026-04-01"), ("2026-12-31", "2026-10-01")]
        {
            assert_eq!(last_due(Interval::Quarterly, other), last);
        }
    }

    #[test]
    fn annual_is_due_on_the_last_day_of_the_year() {
        assert_eq!(last_due(Interval::Annual, "2026-12-31"), "2026-12-31");
        assert_eq!(last_due(Interval::Annual, "2026-12-30"), "2025-12-31");
        assert_eq!(last_due(Interval::Annual, "2027-01-01"), "2026-12-31");
    }

    #[test]
    fn weekly_is_due_on_its_day_of_the_week_and_monthly_on_the_first() {
        assert_eq!(last_due(Interval::Weekly, "2026-11-29"), "2026-11-29");
        assert_eq!(last_due(Interval::Weekly, "2026-11-28"), "2026-11-22");
        let monday = Interval::Weekly.last_due("2026-11-29".parse().unwrap(), Weekday::Monday);
        assert_eq!(monday.unwrap().to_string(), "2026-11-23");
        assert_eq!(last_due(Interval::Monthly, "2028-02-29"), "2028-02-01");
        assert_eq!(last_due(Interval::Daily, "2028-02-29"), "2028-02-29");
    }

    #[test]
    fn is_old_after_its_own_unit() {
        let old_on = |interval: Interval, night: &str, count| {
            interval.old_on(night.parse().unwrap(), count).map(|night| night.to_string()).unwrap_or_default()
        };
        assert_eq!(old_on(Interval::Daily, "2026-12-31", 7), "2027-01-07");
        assert_eq!(old_on(Interval::Weekly, "2026-12-27", 2), "2027-01-10");
        assert_eq!(old_on(Interval::Monthly, "2026-12-31", 2), "2027-02-28");
        assert_eq!(old_on(Interval::Quarterly, "2026-01-01", 5), "2027-04-01");
        assert_eq!(old_on(Interval::Annual, "2028-02-29", 1), "2029-02-28");
        assert_eq!(old_on(Interval::Annual, "2026-12-31", 9_999), "");
        assert_eq!(old_on(Interval::Annual, "2026-12-31", u32::MAX), "");
    }

    #[test]
    fn reads_back_what_it_writes_and_nothing_else() {
        for text in ["Daily", "Daily+Quarterly", "Daily+Weekly+Monthly+Quarterly+Annual"] {
            assert_eq!(text.parse::<Intervals>().unwrap().to_string(), text);
        }
        for text in ["", "daily", "Daily,Annual", "Daily+", "Hourly"] {
            assert!(text.parse::<Intervals>().is_err(), "{text}");
        }
        assert_eq!(Intervals::new([]), None);
    }
}
