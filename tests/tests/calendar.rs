//! Compares the Night with the calendar of the model, which has its own copy of the time zone database.

use chrono::{DateTime, Days, NaiveDate, TimeDelta, TimeZone, Utc};
use serde_json::json;
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
