//! Durations in JSON: whole milliseconds.

use serde::{Deserialize, Deserializer, Serializer, de::Error};
use std::time::Duration;

/// The longest duration, 100 years, which the clock can still add to the present.
pub const MOST: Duration = Duration::from_millis(100 * 365 * 24 * 60 * 60 * 1_000);

pub fn serialize<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
}

pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let milliseconds = u64::deserialize(deserializer)?;
    let time = Duration::from_millis(milliseconds);
    let most = MOST.as_millis();
    if time > MOST {
        return Err(D::Error::custom(format!("{milliseconds} is more than {most} milliseconds, which is 100 years")));
    }
    Ok(time)
}
