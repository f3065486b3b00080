//! The Night: the calendar date that a run is for.

use jiff::{Span, Timestamp, civil::Date, tz::TimeZone};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

use crate::Error;

/// The local calendar date of a run's scheduled time, in the time zone of the schedule. Written as `2026-12-31`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(try_from = "String", into = "String")]
pub struct Night(Date);

impl Night {
    /// Returns the Night of a scheduled time in `zone`.
    pub fn from_time(time: Timestamp, zone: &TimeZone) -> Self {
        Self(zone.to_datetime(time).date())
    }

    pub fn date(self) -> Date {
        self.0
    }

    /// Returns the number of Nights from this one to `tonight`. The number is 0 for `tonight` itself, and negative for a later Night.
    pub fn nights_before(self, tonight: Night) -> i64 {
        (tonight.0 - self.0).get_days().into()
    }

    /// Returns the Night that is `months` calendar months after this one. Returns none if the calendar ends before.
    pub fn after_months(self, months: u32) -> Option<Night> {
        self.after(Span::new().try_months(months).ok()?)
    }

    /// Returns the Night that is `nights` Nights after this one. Returns none if the calendar ends before.
    pub fn after_nights(self, nights: i64) -> Option<Night> {
        self.after(Span::new().try_days(nights).ok()?)
    }

    fn after(self, span: Span) -> Option<Night> {
        self.0.checked_add(span).ok().map(Self)
    }
}

/// Returns the IANA time zone with a name such as `Europe/Berlin`. Uses the built-in database, because Lambda does not guarantee one.
///
/// # Errors
/// [`crate::ErrorName::BadInput`] for any other text.
pub fn zone(name: &str) -> Result<TimeZone, Error> {
    // The database accepts a name in any case, and has a zone for 'unknown'. EventBridge Scheduler accepts neither.
    let exact = |zone: &TimeZone| zone.iana_name() == Some(name) && !zone.is_unknown();
    TimeZone::get(name).ok().filter(exact).ok_or_else(|| {
        Error::bad_input("TimeZone", format!("{name:?}"), "must be an IANA time zone, such as Europe/Berlin")
    })
}

impl fmt::Display for Night {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl FromStr for Night {
    type Err = String;

    /// Parses exactly the output of `Display`: four digits, two digits, two digits.
    fn from_str(text: &str) -> Result<Self, String> {
        text.parse()
            .map(Self)
            .ok()
            .filter(|night| night.to_string() == text)
            .ok_or_else(|| format!("{text:?} is not a date such as 2026-12-31"))
    }
}

impl From<Date> for Night {
    fn from(date: Date) -> Self {
        Self(date)
    }
}

impl TryFrom<String> for Night {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Night> for String {
    fn from(night: Night) -> String {
        night.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn night_of(time: &str, name: &str) -> String {
        Night::from_time(time.parse().unwrap(), &zone(name).unwrap()).to_string()
    }

    #[test]
    fn is_the_local_date_of_the_scheduled_time() {
        assert_eq!(night_of("2026-12-31T04:30:00Z", "UTC"), "2026-12-31");
        assert_eq!(night_of("2026-12-31T14:30:00Z", "Pacific/Kiritimati"), "2027-01-01");
        assert_eq!(night_of("2026-12-31T10:59:59Z", "Pacific/Pago_Pago"), "2026-12-30");
    }

    #[test]
    fn stays_one_date_a_night_through_both_daylight_saving_changes() {
        assert_eq!(night_of("2026-03-29T02:30:00Z", "Europe/Berlin"), "2026-03-29");
        assert_eq!(night_of("2026-10-25T03:30:00Z", "Europe/Berlin"), "2026-10-25");
    }

    #[test]
    fn refuses_what_it_would_not_write() {
        for text in ["2026-1-05", "2026-02-29", "26-01-05", " 2026-01-05", "2026-01-05T00:00:00Z", ""] {
            assert!(text.parse::<Night>().is_err(), "{text}");
        }
        assert!("2028-02-29".parse::<Night>().is_ok());
    }

    #[test]
    fn names_the_zone_that_does_not_exist() {
        for name in ["Mars/Phobos", "europe/berlin", "Etc/Unknown", "+02:00", ""] {
            let error = zone(name).unwrap_err().to_string();
            assert_eq!(error, format!("BadInput: TimeZone {name:?} must be an IANA time zone, such as Europe/Berlin"));
        }
    }

    proptest! {
        #[test]
        fn reads_back_every_night_that_it_writes(days in -100_000i64..1_000_000) {
            let night = Night::from_time(Timestamp::from_second(days * 86_400).unwrap(), &TimeZone::UTC);
            prop_assert_eq!(night.to_string().parse::<Night>(), Ok(night));
        }
    }
}
