//! The pace of the calls that EC2 limits by a token bucket.
//!
//! CreateSnapshot and DeleteSnapshot each have a bucket of 100 tokens per account and Region. EC2 adds 5 tokens per second (EC2 developer
//! guide, "Request throttling for the Amazon EC2 API"), and refuses a call without a token. So each child execution of a Map calls at a
//! time that depends on its index. The first children use most of the tokens in the bucket. The others call a little slower than the bucket
//! refills, because the account has other callers.

use std::time::Duration;

use crate::Error;

/// Number of the bucket's 100 tokens that a run uses at once.
const AT_ONCE: u64 = 80;
/// Share of the bucket's refill rate that a run uses.
const SHARE: f64 = 0.95;

/// The times at which the child executions of a Map may call.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pace {
    per_second: f64,
}

impl Pace {
    /// Parses the parameter `SnapshotsPerSecond`, which is EC2's rate.
    ///
    /// # Errors
    /// [`crate::ErrorName::BadInput`] unless it is a number of 0.1 or more. At a lower rate, a run of 12 hours would handle too few
    /// volumes.
    pub fn read(per_second: &str) -> Result<Self, Error> {
        let number = per_second.parse().ok().filter(|number: &f64| number.is_finite() && *number >= 0.1);
        let per_second = number.ok_or_else(|| {
            Error::bad_input(
                "SnapshotsPerSecond",
                format!("{per_second:?}"),
                "must be a number of at least 0.1, such as 5",
            )
        })?;
        Ok(Self { per_second })
    }

    /// Returns the time from the start of the Map until the child with this index may call.
    pub fn due(self, index: u64) -> Duration {
        Duration::from_secs_f64(index.saturating_sub(AT_ONCE) as f64 / (SHARE * self.per_second))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_go_at_once_and_the_others_a_little_slower_than_the_bucket_fills() {
        let pace = Pace::read("5").unwrap();
        assert_eq!((pace.due(0), pace.due(80)), (Duration::ZERO, Duration::ZERO));
        assert_eq!(pace.due(80 + 475), Duration::from_secs(100));
    }

    #[test]
    fn a_rate_that_is_none_is_bad_input() {
        for text in ["", "0", "1e-320", "-5", "five", "inf", "NaN"] {
            let error = Pace::read(text).unwrap_err().to_string();
            assert_eq!(
                error,
                format!("BadInput: SnapshotsPerSecond {text:?} must be a number of at least 0.1, such as 5")
            );
        }
    }
}
