//! The faults.

use serde::{Deserialize, Serialize};
use std::time::Duration;

use crate::{Call, answer::Answer, milliseconds};

/// A fault that strikes a call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Fault {
    /// The call takes effect. The connection is cut instead of an answer.
    LostAnswer,
    /// The call takes effect. The answer is 500 `InternalError`.
    ErrorAfterEffect,
    /// The call has no effect. The answer is a server error: 503 `Unavailable`, or `InternalError` with any other status.
    ServerError(u16),
    /// The call has no effect. The connection is silent for this time and is then cut.
    #[serde(rename = "hang_ms", with = "milliseconds")]
    Hang(Duration),
    /// The call has no effect. The connection is cut at once.
    Reset,
    /// The call has no effect. The answer is 403 `UnauthorizedOperation`.
    Denied,
    /// The call has no effect. The answer is 503 `RequestLimitExceeded`.
    Throttled,
    /// The call has no effect. The answer is this error.
    Refused {
        /// The HTTP status.
        status: u16,
        /// EC2's code, for example `SnapshotLimitExceeded`.
        code: String,
        /// EC2's message.
        message: String,
    },
    /// The call has no effect. The answer is 200 with this body.
    Says(String),
    /// The call takes effect. The answer is 200 with a body that is not XML.
    Malformed,
}

impl Fault {
    /// Returns the answer that replaces EC2's; `Err` if the call takes effect first.
    pub(crate) async fn answer(&self, call: &Call) -> Result<Answer, Answer> {
        Ok(match self {
            Self::LostAnswer => return Err(Answer::Cut),
            Self::ErrorAfterEffect => return Err(server_error(500)),
            Self::ServerError(status) => server_error(*status),
            Self::Hang(time) => {
                tokio::time::sleep(*time).await;
                Answer::Cut
            }
            Self::Reset => Answer::Cut,
            Self::Denied => {
                let message =
                    format!("You are not authorized to perform this operation. ec2:{} is denied.", call.action);
                Answer::error(403, "UnauthorizedOperation", &message)
            }
            Self::Throttled => throttled(),
            Self::Refused { status, code, message } => Answer::error(*status, code, message),
            Self::Says(body) => Answer::Http { status: 200, body: body.clone() },
            Self::Malformed => {
                return Err(Answer::Http { status: 200, body: "<html>a proxy's page, cut sh".to_owned() });
            }
        })
    }

    /// Refuses a status that HTTP does not know as an error.
    pub(crate) fn check(&self) -> Result<(), String> {
        match self {
            Self::ServerError(status) if !(500..600).contains(status) => {
                Err(format!("fault.server_error: {status} is not a status from 500 to 599"))
            }
            Self::Refused { status, .. } if !(400..600).contains(status) => {
                Err(format!("fault.refused.status: {status} is not a status from 400 to 599"))
            }
            _ => Ok(()),
        }
    }
}

/// Returns EC2's answer to a call whose token bucket is empty.
pub(crate) fn throttled() -> Answer {
    Answer::error(503, "RequestLimitExceeded", "Request limit exceeded.")
}

fn server_error(status: u16) -> Answer {
    match status {
        503 => Answer::error(503, "Unavailable", "The server is overloaded and can't handle the request."),
        _ => Answer::error(status, "InternalError", "An internal error has occurred."),
    }
}
