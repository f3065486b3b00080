//! What goes wrong on demand.

use std::time::Duration;

use crate::{Call, answer::Answer};

/// What goes wrong with a call.
#[derive(Clone, Debug)]
pub enum Fault {
    /// The call takes effect, and its answer is lost: the connection is cut.
    LostAnswer,
    /// The call takes effect, and a server error is answered.
    ErrorAfterEffect,
    /// Nothing takes effect; a server error is answered: 500 `InternalError` or 503 `Unavailable`.
    ServerError(u16),
    /// Nothing takes effect; the connection stays silent for a time and is then cut.
    Hang(Duration),
    /// Nothing takes effect; the connection is cut at once.
    Reset,
    /// Nothing takes effect; the caller lacks the permission.
    Denied,
    /// Nothing takes effect; EC2 is busy: `RequestLimitExceeded`.
    Throttled,
    /// Nothing takes effect; any error of EC2's.
    Refused {
        /// The HTTP status.
        status: u16,
        /// EC2's code.
        code: String,
        /// EC2's message.
        message: String,
    },
    /// Nothing takes effect; this is answered with status 200.
    Says(String),
    /// The call takes effect; the answer is 200 and no XML.
    Malformed,
}

impl Fault {
    /// What is answered instead of EC2's answer; `Err` where the call takes effect first.
    pub(crate) async fn instead(&self, call: &Call) -> Result<Answer, Answer> {
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
            Self::Says(body) => Answer::Said { status: 200, body: body.clone() },
            Self::Malformed => {
                return Err(Answer::Said { status: 200, body: "<html>a proxy's page, cut sh".to_owned() });
            }
        })
    }
}

/// EC2's answer to a call for which its bucket has no token.
pub(crate) fn throttled() -> Answer {
    Answer::error(503, "RequestLimitExceeded", "Request limit exceeded.")
}

fn server_error(status: u16) -> Answer {
    match status {
        503 => Answer::error(503, "Unavailable", "The server is overloaded and can't handle the request."),
        _ => Answer::error(status, "InternalError", "An internal error has occurred."),
    }
}
