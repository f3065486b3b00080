//! What AWS said, or why it said nothing, in one line.

use anyhow::{Error, Result};
use aws_sdk_ec2::{
    config::http::HttpResponse,
    error::{ProvideErrorMetadata, SdkError},
};
use domain::error::cut;
use std::{error::Error as StdError, fmt, time::Duration};
use tokio::time::timeout;

/// Characters of one line that say enough.
const LONGEST: usize = 500;
/// How long an answer may take, the SDK's own attempts included.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// A call that did not go well.
#[derive(Debug)]
pub struct Problem {
    line: String,
    /// Whether the same call may go well in a moment.
    may_pass: bool,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.line)
    }
}

impl StdError for Problem {}

/// The error of `call`: the service's own code and message; where it did not answer, why.
pub fn of<E>(call: &str, error: SdkError<E, HttpResponse>) -> Error
where
    E: ProvideErrorMetadata + StdError + 'static,
{
    let text = match (error.code(), error.message()) {
        (Some(code), Some(message)) => format!("{code}: {message}"),
        (Some(code), None) => code.to_owned(),
        _ => causes(&error),
    };
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    Problem { line: format!("{call}: {}", cut(&line, LONGEST)), may_pass: passes(&error) }.into()
}

/// Whether the same call may go well in a moment.
pub fn may_pass(error: &Error) -> bool {
    error.downcast_ref::<Problem>().is_some_and(|problem| problem.may_pass)
}

/// What `calls` come to, unless they take too long.
pub async fn in_time<T>(what: &str, calls: impl Future<Output = Result<T>>) -> Result<T> {
    let late = |_| {
        let line = format!("{what}: no answer within {} s", LONGEST_WAIT.as_secs());
        Problem { line, may_pass: true }
    };
    timeout(LONGEST_WAIT, calls).await.map_err(late)?
}

/// An error and all that caused it, each said once.
fn causes(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let said = cause.to_string();
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        next = cause.source();
    }
    text
}

fn passes<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> bool {
    match error {
        // Credentials that cannot be found are a dispatch failure as well, but no connection's.
        SdkError::DispatchFailure(failure) => failure.is_io() || failure.is_timeout(),
        SdkError::ServiceError(answer) => {
            let code = answer.err().code().unwrap_or_default();
            answer.raw().status().as_u16() >= 500
                || code.is_empty()
                || code.contains("Throttl")
                || code.contains("TooMany")
        }
        SdkError::ConstructionFailure(_) => false,
        _ => true,
    }
}
