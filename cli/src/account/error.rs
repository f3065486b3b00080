//! Errors of AWS calls, in one line.

use anyhow::Error;
use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_ec2::{
    config::http::HttpResponse,
    error::{ProvideErrorMetadata, SdkError},
};
use domain::error::cut;
use std::{error::Error as StdError, fmt, iter::successors};

/// Maximum length of the line, in characters.
const LONGEST_LINE: usize = 500;
/// Error codes for expired credentials.
const EXPIRED: [&str; 3] = ["ExpiredToken", "ExpiredTokenException", "RequestExpired"];
/// Error codes for a call that no policy allows.
const DENIED: [&str; 3] = ["AccessDenied", "AccessDeniedException", "UnauthorizedOperation"];
/// Maximum length of the service's message about a denied call, in characters. An encoded message may follow it.
const LONGEST_DENIAL: usize = 300;
/// Error codes for credentials that AWS does not accept, or for a Region that the account has not enabled.
const UNKNOWN: [&str; 5] = [
    "AuthFailure",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
];

/// Error of an AWS call.
#[derive(Debug)]
pub struct Problem {
    line: String,
    /// Whether a retry may succeed.
    may_pass: bool,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.line)
    }
}

impl StdError for Problem {}

/// Returns the error of `call`, with the service's code and message or the reason why there is no answer.
pub fn from_sdk<E>(call: &str, error: SdkError<E, HttpResponse>) -> Error
where
    E: ProvideErrorMetadata + StdError + 'static,
{
    let text = match (error.code(), error.message()) {
        (Some(code), _) if EXPIRED.contains(&code) => {
            format!("{code}: the AWS credentials have expired: sign in again, with `aws sso login` or as you got them")
        }
        (Some(code), _) if UNKNOWN.contains(&code) => format!(
            "{code}: AWS does not accept the credentials, or this account has not enabled the Region: look at `aws sts get-caller-identity`"
        ),
        (Some(code), Some(message)) if DENIED.contains(&code) => format!(
            "{code}: {}; ask an administrator for this permission (docs/deploying.md, Permissions)",
            cut(message, LONGEST_DENIAL)
        ),
        (Some(code), Some(message)) => format!("{code}: {message}"),
        (Some(code), None) => code.to_owned(),
        _ => credentials_problem(&error).unwrap_or_else(|| causes(&error)),
    };
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    Problem { line: format!("{call}: {}", cut(&line, LONGEST_LINE)), may_pass: passes(&error) }.into()
}

/// Returns whether a retry may succeed.
pub fn may_pass(error: &Error) -> bool {
    error.downcast_ref::<Problem>().is_some_and(|problem| problem.may_pass)
}

/// Returns an error text with the innermost cause, if there are no credentials.
fn credentials_problem(error: &(dyn StdError + 'static)) -> Option<String> {
    let chain: Vec<_> = successors(Some(error), |&error| error.source()).collect();
    chain.iter().find(|cause| cause.is::<CredentialsError>())?;
    let cause = chain.last()?;
    if cause.to_string().contains("credentials-login") {
        return Some(
            "this profile is of `aws login`, which nightly cannot read: first run \
             `eval \"$(aws configure export-credentials --format env)\"`"
                .to_owned(),
        );
    }
    Some(format!("no AWS credentials ({cause}): run `aws configure` or `aws sso login`, or set AWS_PROFILE"))
}

/// Joins an error and its causes without repetitions.
fn causes(error: &(dyn StdError + 'static)) -> String {
    successors(Some(error), |&error| error.source()).fold(String::new(), |text, cause| match cause.to_string() {
        said if text.is_empty() => said,
        said if text.contains(&said) => text,
        said => format!("{text}: {said}"),
    })
}

fn passes<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> bool {
    match error {
        // Missing credentials are also a dispatch failure, but not a connection problem.
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

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_ec2::{error::ErrorMetadata, operation::describe_volumes::DescribeVolumesError};

    fn error_text(error: SdkError<DescribeVolumesError, HttpResponse>) -> String {
        from_sdk("DescribeVolumes", error).to_string()
    }

    #[test]
    fn credentials_that_are_missing_expired_or_unknown_are_said_with_the_remedy() {
        let missing = SdkError::construction_failure(CredentialsError::not_loaded("no profile named prod"));
        let text = error_text(missing);
        assert!(text.starts_with("DescribeVolumes: no AWS credentials (no profile named prod"), "{text}");
        let refused = |code: &str| {
            let error = DescribeVolumesError::generic(ErrorMetadata::builder().code(code).message("no").build());
            error_text(SdkError::service_error(error, HttpResponse::new(400.try_into().unwrap(), "".into())))
        };
        for (code, remedy) in [
            ("ExpiredToken", "sign in again"),
            ("AuthFailure", "does not accept the credentials"),
            (
                "UnauthorizedOperation",
                "DescribeVolumes: UnauthorizedOperation: no; ask an administrator for this permission",
            ),
        ] {
            assert!(refused(code).contains(remedy), "{}", refused(code));
        }
    }
}
