//! What AWS said, or why it said nothing, in one line.

use anyhow::Error;
use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_ec2::{
    config::http::HttpResponse,
    error::{ProvideErrorMetadata, SdkError},
};
use domain::error::cut;
use std::{error::Error as StdError, fmt, iter::successors};

/// Characters of one line that say enough.
const LONGEST: usize = 500;
/// Codes of credentials that have run out.
const EXPIRED: [&str; 3] = ["ExpiredToken", "ExpiredTokenException", "RequestExpired"];
/// Codes of credentials that AWS does not know, and of a Region that the account has not enabled.
const UNKNOWN: [&str; 5] = [
    "AuthFailure",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
];

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
        _ if credentials_problem(&error).is_some() => format!(
            "no AWS credentials ({}): run `aws configure` or `aws sso login`, or set AWS_PROFILE",
            credentials_problem(&error).unwrap_or_default()
        ),
        (Some(code), _) if EXPIRED.contains(&code) => {
            format!("{code}: the AWS credentials have expired: sign in again, with `aws sso login` or as you got them")
        }
        (Some(code), _) if UNKNOWN.contains(&code) => format!(
            "{code}: AWS does not accept the credentials, or this account has not enabled the Region: look at `aws sts get-caller-identity`"
        ),
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

/// Why there are no credentials, if that is it: the innermost cause.
fn credentials_problem(error: &(dyn StdError + 'static)) -> Option<String> {
    let mut chain = successors(Some(error), |&error| error.source());
    chain.find(|cause| cause.is::<CredentialsError>())?;
    chain.last().map(ToString::to_string).or(Some("none were found".to_owned()))
}

/// An error and all that caused it, each said once.
fn causes(error: &(dyn StdError + 'static)) -> String {
    successors(Some(error), |&error| error.source()).fold(String::new(), |text, cause| match cause.to_string() {
        said if text.is_empty() => said,
        said if text.contains(&said) => text,
        said => format!("{text}: {said}"),
    })
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
