//! The Intervals that are due for a volume on a Night, among them those that it missed.

use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt};

use jiff::civil::Weekday;

use crate::{
    Interval, Intervals, Night,
    plan::{Plan, Plans},
};

/// An Interval and one of its due dates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DueDate {
    pub interval: Interval,
    /// The date on which it was due.
    pub night: Night,
}

impl DueDate {
    /// Returns the latest due date up to and including `night`. Returns none if the calendar begins after it.
    pub fn last(interval: Interval, night: Night, weekly_on: Weekday) -> Option<Self> {
        Some(Self { interval, night: interval.last_due(night, weekly_on)? })
    }
}

/// Writes `Annual of 2026-12-31`.
impl fmt::Display for DueDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.interval, self.night)
    }
}

/// The Nights of a volume's managed snapshots, as far as they decide what is due. Pending and archived snapshots count, failed ones do not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    first: Option<Night>,
    newest: BTreeMap<Interval, Night>,
}

impl History {
    /// Adds a snapshot that did not fail. Do not add those of the Night that is being decided.
    pub fn add(&mut self, night: Night, intervals: &Intervals) {
        self.first = Some(self.first.map_or(night, |first| first.min(night)));
        for interval in intervals.iter() {
            let newest = self.newest.entry(interval).or_insert(night);
            *newest = night.max(*newest);
        }
    }

    /// Returns the Intervals of a plan whose latest due date passed without a snapshot. A volume without a snapshot before that date, such as
    /// a new one, did not miss it.
    pub fn missed(&self, plan: &Plan, night: Night, weekly_on: Weekday) -> Vec<DueDate> {
        let due = plan.iter().filter_map(|(interval, _)| DueDate::last(interval, night, weekly_on));
        due.filter(|due| due.night < night && self.lacks(due)).collect()
    }

    fn lacks(&self, due: &DueDate) -> bool {
        let existed = self.first.is_some_and(|first| first < due.night);
        existed && self.newest.get(&due.interval).is_none_or(|newest| *newest < due.night)
    }
}

/// Returns the Intervals of a plan that are due for a volume: those of the date, and those that it missed. For a volume without a snapshot,
/// this is at least the plan's shortest Interval. Returns none if nothing is due.
pub fn due(plan: &Plan, night: Night, weekly_on: Weekday, history: &History) -> Option<Intervals> {
    let dated = plan.iter().map(|(interval, _)| interval);
    let dated = dated.filter(|interval| interval.last_due(night, weekly_on) == Some(night));
    let missed = history.missed(plan, night, weekly_on).into_iter().map(|due| due.interval);
    let is_new = history.first.is_none();
    Intervals::new(dated.chain(missed)).or_else(|| Intervals::new(is_new.then(|| plan.shortest())))
}

/// Returns the Intervals of a snapshot that were not due on its Night, each with the date for which the snapshot makes it up.
pub fn made_up(night: Night, intervals: &Intervals, plans: &Plans) -> Vec<DueDate> {
    let due = intervals.iter().filter_map(|interval| DueDate::last(interval, night, plans.weekly_on));
    due.filter(|due| due.night != night).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn night(text: &str) -> Night {
        text.parse().unwrap()
    }

    fn due_after(keep: &str, tonight: &str, past: &[(&str, &str)]) -> String {
        let plans = Plans::read(keep, "", "Sunday").unwrap();
        let mut history = History::default();
        for (of, intervals) in past {
            history.add(night(of), &intervals.parse().unwrap());
        }
        let due = due(plans.get("default").unwrap(), night(tonight), Weekday::Sunday, &history);
        due.map(|due| due.to_string()).unwrap_or_default()
    }

    const USUAL: &str = "Daily=7,Quarterly=5,Annual=forever";

    #[test]
    fn an_annual_that_failed_is_made_up_the_next_night_and_once() {
        let past = [("2026-12-30", "Daily")];
        assert_eq!(due_after(USUAL, "2026-12-31", &past), "Daily+Annual");
        assert_eq!(due_after(USUAL, "2027-01-01", &past), "Daily+Quarterly+Annual");
        assert_eq!(due_after(USUAL, "2027-01-05", &past), "Daily+Quarterly+Annual", "after a week of failed runs");
        let made_up = [past[0], ("2027-01-01", "Daily+Quarterly+Annual")];
        assert_eq!(due_after(USUAL, "2027-01-02", &made_up), "Daily");
    }

    #[test]
    fn a_schedule_without_sundays_makes_the_weekly_on_monday() {
        let past = [("2026-11-20", "Daily"), ("2026-11-27", "Daily")];
        assert_eq!(due_after("Daily=7,Weekly=4", "2026-11-30", &past), "Daily+Weekly");
    }

    #[test]
    fn a_new_volume_missed_nothing_but_is_snapshotted_at_once() {
        assert_eq!(due_after(USUAL, "2026-06-10", &[]), "Daily");
        assert_eq!(due_after(USUAL, "2026-06-11", &[("2026-06-10", "Daily")]), "Daily");
        assert_eq!(due_after("Daily=0,Weekly=4,Monthly=12", "2026-11-27", &[]), "Weekly");
        assert_eq!(due_after("Daily=0,Weekly=4,Monthly=12", "2026-11-28", &[("2026-11-27", "Weekly")]), "");
        let past = [("2026-11-27", "Weekly"), ("2026-11-29", "Weekly")];
        assert_eq!(due_after("Daily=0,Weekly=4,Monthly=12", "2026-12-01", &past), "Monthly");
    }

    #[test]
    fn an_interval_that_a_plan_gets_is_made_up_if_the_volume_was_there() {
        let past = [("2026-11-01", "Daily"), ("2026-11-26", "Daily")];
        assert_eq!(due_after("Daily=7,Weekly=4,Monthly=12", "2026-11-27", &past), "Daily+Weekly");
        assert_eq!(due_after("Daily=7,Weekly=4,Monthly=12", "2026-12-02", &past), "Daily+Weekly+Monthly");
    }

    #[test]
    fn a_later_snapshot_of_the_interval_will_do_for_an_earlier_night() {
        let past = [("2026-12-01", "Daily"), ("2027-01-01", "Daily+Annual"), ("2027-01-08", "Daily")];
        assert_eq!(due_after("Daily=7,Annual=forever", "2027-01-05", &past), "Daily");
    }

    #[test]
    fn a_snapshot_says_what_it_makes_up() {
        let plans = Plans::read(USUAL, "", "Sunday").unwrap();
        let made_up = made_up(night("2027-01-01"), &"Daily+Quarterly+Annual".parse().unwrap(), &plans);
        assert_eq!(made_up, [DueDate { interval: Interval::Annual, night: night("2026-12-31") }]);
    }
}
