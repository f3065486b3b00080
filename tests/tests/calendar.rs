//! Compares the Night with the calendar of the model, which has its own copy of the time zone database.

use chrono::{DateTime, Datelike, Days, NaiveDate, TimeDelta, TimeZone, Utc, Weekday};
use domain::{Interval, Night, plan::Plans};
use serde_json::json;
use strum::VariantArray;
use tests::model;

const ZONES: [&str; 7] = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "America/Santiago",
    "Pacific/Kiritimati",
    "Pacific/Pago_Pago",
    "Australia/Lord_Howe",
];

fn night(time: DateTime<Utc>, zone: &jiff::tz::TimeZone) -> String {
    let time = jiff::Timestamp::from_second(time.timestamp()).expect("a time");
    domain::Night::from_time(time, zone).to_string()
}

fn time_zone(name: &str) -> jiff::tz::TimeZone {
    domain::night::zone(name).expect("a zone")
}

/// Only past years, because one database may learn of a new time zone law before the other.
#[test]
fn every_zone_has_the_same_nights_in_both_databases() {
    let zones: Vec<_> = chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name()).collect();
    assert!(zones.len() > 500, "{}", zones.len());
    for zone in zones {
        let (mut time, end, same) = (utc(2022, 12, 30), utc(2025, 1, 2), time_zone(zone));
        while time < end {
            assert_eq!(night(time, &same), model::night(time, zone).to_string(), "{time} in {zone}");
            // The hour of day drifts, so that clock changes and year ends meet every hour in some zone.
            time += TimeDelta::minutes(11 * 60 + 20);
        }
    }
}

fn utc(year: i32, month: u32, day: u32) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(year, month, day, 0, 30, 0).single().expect("a time")
}

#[test]
fn a_schedule_of_every_local_day_is_one_night_each_whatever_the_clock_does() {
    for zone in ZONES {
        let (tz, same) = (zone.parse::<chrono_tz::Tz>().expect("a zone"), time_zone(zone));
        let mut date = NaiveDate::from_ymd_opt(2027, 12, 25).expect("a date");
        for _ in 0..400 {
            for (hour, minute) in [(0, 0), (2, 30), (4, 30), (23, 59)] {
                // Scheduler skips a local time that does not exist. If a local time exists twice, both have the same Night.
                let local = tz.from_local_datetime(&date.and_hms_opt(hour, minute, 0).expect("a time"));
                for scheduled in local.earliest().into_iter().chain(local.latest()) {
                    assert_eq!(night(scheduled.to_utc(), &same), date.to_string(), "{scheduled} in {zone}");
                }
            }
            date = date + Days::new(1);
        }
    }
}

const DAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// Over 60 years, with leap years and a century that is none.
#[test]
fn each_interval_is_due_on_the_dates_that_the_model_says() {
    for (number, day) in DAYS.iter().enumerate() {
        let plans = Plans::read("Daily=1,Weekly=1,Monthly=1,Quarterly=1,Annual=1", "", day).expect("plans");
        let weekly_on = Weekday::try_from(u8::try_from(number).expect("a day")).expect("a day");
        let mut date = NaiveDate::from_ymd_opt(2070, 1, 1).expect("a date");
        let mut last = std::collections::BTreeMap::new();
        while date.year() < 2130 {
            let night: Night = date.to_string().parse().expect("a Night");
            let due = plans.due_on(night).expect("a daily");
            for interval in Interval::VARIANTS {
                let falls = model::falls_on(&interval.to_string(), date, weekly_on);
                assert_eq!(due.contains(*interval), falls, "{interval} on {date}, weekly on {day}");
                if falls {
                    let before = last.insert(*interval, night);
                    let nights = before.map_or(1, |before| before.nights_before(night));
                    assert!(nights <= interval.nights(), "{interval}: {nights} Nights before {date}");
                }
                let expected = last.get(interval).copied();
                let is_expected = expected.is_none() || interval.last_due(night, plans.weekly_on) == expected;
                assert!(is_expected, "{interval}: the last before {date}");
            }
            date = date + Days::new(1);
        }
    }
}

/// A run of every local day makes one weekly in 7 Nights and one monthly in each month, although some days have 23 or 25 hours.
#[test]
fn each_week_has_one_weekly_and_each_month_one_monthly_whatever_the_clock_does() {
    let plans = Plans::read("Daily=1,Weekly=1,Monthly=1", "", "Sunday").expect("plans");
    for zone in ZONES {
        let (tz, same) = (zone.parse::<chrono_tz::Tz>().expect("a zone"), time_zone(zone));
        let mut date = NaiveDate::from_ymd_opt(2027, 2, 1).expect("a date");
        let (mut weeklies, mut monthlies) = (Vec::<Night>::new(), 0);
        for _ in 0..730 {
            let local = tz.from_local_datetime(&date.and_hms_opt(2, 30, 0).expect("a time"));
            // Scheduler skips a local time that does not exist. The weekly of that day is made up by the next run.
            if let Some(scheduled) = local.latest() {
                let night: Night = night(scheduled.to_utc(), &same).parse().expect("a Night");
                let due = plans.due_on(night).expect("a daily");
                weeklies.extend(due.contains(Interval::Weekly).then_some(night));
                monthlies += usize::from(due.contains(Interval::Monthly));
            } else {
                weeklies.extend(
                    (date.weekday() == Weekday::Sun).then(|| date.to_string().parse::<Night>().expect("a Night")),
                );
            }
            date = date + Days::new(1);
        }
        assert!(weeklies.windows(2).all(|pair| pair[0].nights_before(pair[1]) == 7), "{zone}");
        assert_eq!((weeklies.len(), monthlies), (104, 24), "{zone}");
    }
}

#[test]
fn a_start_that_is_delayed_past_midnight_belongs_to_the_night_that_it_was_scheduled_for() {
    let started = "2027-01-01T03:10:00Z".parse().expect("a time");
    let zone = domain::night::zone("Europe/Berlin").expect("a zone");
    let night = |input| {
        let start = domain::input::RunInput::read(&input, started).expect("a start");
        domain::Night::from_time(start.time, &zone).to_string()
    };
    assert_eq!(night(json!({"time": "2026-12-31T22:59:59Z"})), "2026-12-31");
    assert_eq!(night(json!({})), "2027-01-01");
}
