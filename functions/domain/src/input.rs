//! The inputs of a run and of a drill. A run takes `{"time": "2026-12-31T04:30:00Z", "dryRun": true}`, a drill takes `{"time":
//! "2026-12-31T04:30:00Z", "all": true}`. Every key is optional.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use std::str::FromStr;

use crate::Error;

/// The input of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunInput {
    /// Scheduled time. Defaults to the start of the execution.
    pub time: Timestamp,
    pub dry_run: bool,
}

impl RunInput {
    /// Parses the input of an execution. `started` is the start time of the execution.
    ///
    /// # Errors
    /// [`crate::ErrorName::BadInput`] for an unknown key, and for a value of the wrong type.
    pub fn read(input: &Value, started: Timestamp) -> Result<Self, Error> {
        let object =
            input.as_object().ok_or_else(|| Error::bad_input("input", input, "must be a JSON object, such as {}"))?;
        let mut start = Self { time: started, dry_run: false };
        for (key, value) in object {
            match key.as_str() {
                "time" => start.time = time(value)?,
                "dryRun" => start.dry_run = boolean(key, value)?,
                _ => return Err(Error::bad_input(key, value, "is not a known key; use time or dryRun")),
            }
        }
        Ok(start)
    }
}

/// The input of a drill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DrillInput {
    /// Scheduled time. Defaults to the start of the execution.
    pub time: Timestamp,
    /// Whether the drill takes every volume, not only the week's share.
    pub all: bool,
}

impl DrillInput {
    /// Parses the input of an execution, like [`RunInput::read`].
    pub fn read(input: &Value, started: Timestamp) -> Result<Self, Error> {
        let object =
            input.as_object().ok_or_else(|| Error::bad_input("input", input, "must be a JSON object, such as {}"))?;
        let mut start = Self { time: started, all: false };
        for (key, value) in object {
            match key.as_str() {
                "time" => start.time = time(value)?,
                "all" => start.all = boolean(key, value)?,
                _ => return Err(Error::bad_input(key, value, "is not a known key; use time or all")),
            }
        }
        Ok(start)
    }
}

fn time(value: &Value) -> Result<Timestamp, Error> {
    value
        .as_str()
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| Error::bad_input("time", value, "must be an RFC 3339 time, such as 2026-12-31T04:30:00Z"))
}

fn boolean(key: &str, value: &Value) -> Result<bool, Error> {
    value.as_bool().ok_or_else(|| Error::bad_input(key, value, "must be true or false"))
}

/// How far a scheduled time may lie after the start of its execution, because two clocks may differ.
const SKEW: SignedDuration = SignedDuration::from_hours(1);

/// Rejects a scheduled time in the future. Its snapshots would hold today's data under a later Night. Until that Night, retention would
/// count them as newer than every real snapshot.
///
/// # Errors
/// [`crate::ErrorName::BadInput`] if `time` is more than an hour after `now`, the start of the execution.
pub fn require_past(time: Timestamp, now: Timestamp) -> Result<(), Error> {
    if time.duration_since(now) <= SKEW {
        return Ok(());
    }
    Err(Error::bad_input(
        "time",
        time,
        format!("is in the future (the time is now {now:.0}); use the input {{}} to run for today"),
    ))
}

/// Parses a parameter that is a count.
///
/// # Errors
/// [`crate::ErrorName::BadInput`] unless the text is a whole number of 1 or more.
pub fn count<T: FromStr + PartialOrd + From<u8>>(parameter: &str, text: &str) -> Result<T, Error> {
    let number = text.parse().ok().filter(|number| *number >= T::from(1));
    number.ok_or_else(|| Error::bad_input(parameter, format!("{text:?}"), "must be a whole number of at least 1"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn read(input: Value) -> Result<RunInput, String> {
        RunInput::read(&input, Timestamp::UNIX_EPOCH).map_err(|error| error.to_string())
    }

    #[test]
    fn takes_the_executions_own_start_where_no_time_is_given() {
        assert_eq!(read(json!({})), Ok(RunInput { time: Timestamp::UNIX_EPOCH, dry_run: false }));
    }

    #[test]
    fn takes_a_time_of_any_offset() {
        let start = read(json!({"time": "2027-01-01T01:30:00+14:00", "dryRun": true})).unwrap();
        assert_eq!(start.time.to_string(), "2026-12-31T11:30:00Z");
        assert!(start.dry_run);
    }

    #[test]
    fn names_the_field_and_the_value_of_bad_input() {
        for (input, message) in [
            (
                json!({"time": "yesterday"}),
                "BadInput: time \"yesterday\" must be an RFC 3339 time, such as 2026-12-31T04:30:00Z",
            ),
            (json!({"time": 7}), "BadInput: time 7 must be an RFC 3339 time, such as 2026-12-31T04:30:00Z"),
            (json!({"tiem": "x"}), "BadInput: tiem \"x\" is not a known key; use time or dryRun"),
            (json!({"dryRun": "yes"}), "BadInput: dryRun \"yes\" must be true or false"),
            (json!([]), "BadInput: input [] must be a JSON object, such as {}"),
        ] {
            assert_eq!(read(input), Err(message.to_owned()));
        }
    }

    #[test]
    fn a_drill_takes_a_time_and_all_and_nothing_else() {
        let read = |input| DrillInput::read(&input, Timestamp::UNIX_EPOCH).map_err(|error| error.to_string());
        assert_eq!(read(json!({})), Ok(DrillInput { time: Timestamp::UNIX_EPOCH, all: false }));
        let all = read(json!({"time": "2026-11-29T06:00:00Z", "all": true})).unwrap();
        assert_eq!((all.time.to_string(), all.all), ("2026-11-29T06:00:00Z".to_owned(), true));
        let unknown = "BadInput: dryRun true is not a known key; use time or all";
        assert_eq!(read(json!({"dryRun": true})), Err(unknown.to_owned()));
        assert_eq!(read(json!({"all": 1})), Err("BadInput: all 1 must be true or false".to_owned()));
        assert_eq!(read(json!([])), Err("BadInput: input [] must be a JSON object, such as {}".to_owned()));
    }

    proptest! {
        #[test]
        fn no_text_as_a_time_makes_it_panic(text in ".*") {
            let _ = read(json!({"time": text}));
        }
    }

    #[test]
    fn a_time_in_the_future_is_refused_but_for_an_hour_between_two_clocks() {
        let now = "2026-12-31T04:30:00Z".parse().unwrap();
        let at = |time: &str| require_past(time.parse().unwrap(), now).map_err(|error| error.to_string());
        assert_eq!(at("2026-12-31T05:30:00Z"), Ok(()));
        assert_eq!(at("2020-01-01T00:00:00Z"), Ok(()));
        let refused = at("2026-12-31T05:30:01Z").unwrap_err();
        assert!(refused.starts_with("BadInput: time 2026-12-31T05:30:01Z is in the future"), "{refused}");
    }
}
