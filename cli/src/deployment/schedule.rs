//! The times of a schedule, from its EventBridge Scheduler expression.

use anyhow::{Context, Result, bail};
use croner::parser::{CronParser, Seconds};
use jiff::{Zoned, civil::DateTime};

/// Name of the parameter with the largest number of days between two runs. The deployment computes it.
pub const PARAMETER: &str = "DaysBetweenRuns";
/// The value for more than a week, which no CloudWatch alarm can look back.
const MOST_DAYS: i64 = 8;
/// Number of runs that are looked at: more than a year of daily ones, and several years of monthly ones.
const RUNS: usize = 400;

/// A date from which the days between the runs are counted, so that the number does not depend on the day of the deployment.
const FIRST: DateTime = DateTime::constant(2028, 1, 1, 0, 0, 0, 0);

/// Returns the largest number of days between two runs, from 1 to 8. 8 means more than a week.
pub fn days_between_runs(expression: &str) -> i64 {
    let days = match (rate(expression), cron(expression)) {
        (Some(days), _) => Some(days),
        (None, Ok(cron)) => {
            let runs: Vec<_> = cron.iter_after(FIRST).take(RUNS).map(|run| run.date()).collect();
            let days = runs.windows(2).map(|pair| i64::from((pair[1] - pair[0]).get_days()));
            days.max()
        }
        // CloudFormation refuses an expression that nobody understands. `at(…)` is a single run.
        (None, Err(_)) if expression.starts_with("at(") => None,
        (None, Err(_)) => Some(1),
    };
    days.unwrap_or(MOST_DAYS).clamp(1, MOST_DAYS)
}

/// Returns the next run of a cron expression.
///
/// # Errors
/// The expression is not `cron(…)`, or has no run after `now`.
pub fn next_run(expression: &str, now: &Zoned) -> Result<Zoned> {
    cron(expression)?.iter_after(now.clone()).next().context("no run is left")
}

/// Returns the days of an expression such as `rate(12 hours)`, rounded up.
fn rate(expression: &str) -> Option<i64> {
    let (number, unit) = expression.strip_prefix("rate(")?.strip_suffix(')')?.split_once(' ')?;
    let number: i64 = number.parse().ok()?;
    let in_a_day = match unit.strip_suffix('s').unwrap_or(unit) {
        "minute" => 24 * 60,
        "hour" => 24,
        _ => 1,
    };
    Some(number / in_a_day + i64::from(number % in_a_day > 0))
}

/// Parses an expression such as `cron(30 4 ? * MON-FRI *)`, with the fields minute, hour, day of the month, month, day of the week (1 is
/// Sunday) and year (EventBridge Scheduler user guide, "Schedule types").
fn cron(expression: &str) -> Result<croner::Cron> {
    let inner = expression.strip_prefix("cron(").and_then(|rest| rest.strip_suffix(')'));
    let Some(inner) = inner else { bail!("{expression:?} is not a cron expression") };
    // croner reads six fields as those with seconds.
    let pattern = format!("0 {}", inner.replace('?', "*"));
    let parser =
        CronParser::builder().seconds(Seconds::Required).alternative_weekdays(true).sloppy_ranges(true).build();
    parser.parse(&pattern).with_context(|| format!("{expression:?} is not a cron expression"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_days_between_runs_are_the_longest_pause() {
        for (expression, days) in [
            ("cron(30 4 * * ? *)", 1),
            ("cron(30 4,16 * * ? *)", 1),
            ("cron(0/15 * * * ? *)", 1),
            ("cron(30 4 ? * MON-FRI *)", 3),
            ("cron(30 4 ? * 2-6 *)", 3),
            ("cron(30 4 ? * SUN *)", 7),
            ("cron(30 4 ? * MON,THU *)", 4),
            ("cron(30 4 1 * ? *)", 8),
            ("cron(30 4 L * ? *)", 8),
            ("cron(30 4 1/2 * ? *)", 2),
            ("rate(1 day)", 1),
            ("rate(2 days)", 2),
            ("rate(36 hours)", 2),
            ("rate(90 minutes)", 1),
            ("rate(30 days)", 8),
            ("at(2027-01-01T04:30:00)", 8),
            ("nonsense", 1),
        ] {
            assert_eq!(days_between_runs(expression), days, "{expression}");
        }
    }

    #[test]
    fn the_next_run_is_in_the_zone_of_the_schedule() {
        let next = |expression, now: &str| {
            let now = now.parse::<jiff::Timestamp>().unwrap().in_tz("Europe/Berlin").unwrap();
            next_run(expression, &now).map(|next| next.strftime("%F %H:%M %Z").to_string()).ok()
        };
        let daily = "cron(30 4 * * ? *)";
        assert_eq!(next(daily, "2026-11-27T03:00:00Z").as_deref(), Some("2026-11-27 04:30 CET"));
        assert_eq!(next(daily, "2026-11-27T04:00:00Z").as_deref(), Some("2026-11-28 04:30 CET"));
        assert_eq!(next("cron(30 4 ? * MON-FRI *)", "2026-11-27T04:00:00Z").as_deref(), Some("2026-11-30 04:30 CET"));
        assert_eq!(next("rate(1 day)", "2026-11-27T04:00:00Z"), None);
    }
}
