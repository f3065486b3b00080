//! The conversion of SDK errors to the error names that the state machine acts on.

use aws_runtime::retries::classifiers::{THROTTLING_ERRORS, TRANSIENT_ERRORS};
use aws_sdk_ec2::{
    config::http::HttpResponse,
    error::{ProvideErrorMetadata, SdkError},
};
use domain::{Error, ErrorName, error::cut};
use std::{error::Error as StdError, iter::successors};

/// Codes with which EC2 requires 15 seconds or more between snapshots. None is in the SDK's own list of throttling codes (AWSEC2 API
/// reference, "Error codes for the Amazon EC2 API").
const TOO_SOON: [&str; 3] =
    ["SnapshotCreationPerVolumeRateExceeded", "ConcurrentSnapshotLimitExceeded", "PendingSnapshotLimitExceeded"];

/// Maximum number of characters of an SDK's text in an error.
const LONGEST_MESSAGE: usize = 1_000;

/// Converts the SDK error of `call`, such as `CreateSnapshot`. If the service responded, the message contains its code and its message.
pub fn from_sdk<E>(call: &str, error: SdkError<E, HttpResponse>) -> Error
where
    E: ProvideErrorMetadata + StdError + 'static,
{
    let status = error.raw_response().map(|response| response.status().as_u16());
    let name = match &error {
        SdkError::ConstructionFailure(_) => ErrorName::Refused,
        // A response without a code did not come from the service. It is the page of a proxy, or its body was cut short.
        SdkError::ServiceError(_) => error.code().map_or(ErrorName::Transient, |code| named(code, status)),
        _ => ErrorName::Transient,
    };
    let text = match (error.code(), error.message()) {
        (Some(code), Some(message)) => format!("{call}: {code}: {message}"),
        (Some(code), None) => format!("{call}: {code}"),
        _ => format!("{call}: {}", with_sources(&error)),
    };
    Error { name, message: cut(&text, LONGEST_MESSAGE) }
}

/// Formats an error and its sources, such as `dispatch failure: io error: …: Connection refused (os error 111)`.
fn with_sources(error: &dyn StdError) -> String {
    successors(Some(error), |&error| error.source()).map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

fn named(code: &str, status: Option<u16>) -> ErrorName {
    if TOO_SOON.contains(&code) {
        ErrorName::SnapshotTooSoon
    } else if THROTTLING_ERRORS.contains(&code) {
        ErrorName::Throttled
    } else if TRANSIENT_ERRORS.contains(&code) || status.is_some_and(|status| status >= 500) {
        ErrorName::Transient
    } else {
        ErrorName::Refused
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_is_the_decision_that_it_calls_for() {
        assert_eq!(named("SnapshotCreationPerVolumeRateExceeded", Some(400)), ErrorName::SnapshotTooSoon);
        assert_eq!(named("RequestLimitExceeded", Some(503)), ErrorName::Throttled);
        assert_eq!(named("RequestLimitExceeded", Some(400)), ErrorName::Throttled);
        assert_eq!(named("ThrottledException", Some(400)), ErrorName::Throttled);
        assert_eq!(named("InternalError", Some(500)), ErrorName::Transient);
        // S3 returns the status 400 if an upload is too slow.
        assert_eq!(named("RequestTimeout", Some(400)), ErrorName::Transient);
        assert_eq!(named("UnauthorizedOperation", Some(403)), ErrorName::Refused);
        assert_eq!(named("InvalidVolume.NotFound", Some(400)), ErrorName::Refused);
    }
}
