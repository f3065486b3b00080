//! The errors of the functions. From the name of an error, the state machine decides whether and when to retry.

use std::fmt;
use strum::{Display, VariantArray};

/// The name of an error. `Retry` and `Catch` match these names exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Display, VariantArray)]
pub enum ErrorName {
    /// A person must fix the input or a parameter. The run ends before it creates or deletes anything.
    BadInput,
    /// The service refused the call, and would refuse it again. Not retried.
    Refused,
    /// EBS requires 15 seconds or more before the next snapshot of this volume. Retried after that time.
    SnapshotTooSoon,
    /// The service throttled the call, which had no effect. Retried up to 20 times.
    Throttled,
    /// A server error, or a lost response. Retried after a few seconds.
    Transient,
}

/// An error with its name, and a message for the person who reads the execution or the email.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    pub name: ErrorName,
    /// The problem, the field or call that it concerns, and the fix.
    pub message: String,
}

impl Error {
    /// Creates a [`ErrorName::BadInput`] such as `dryRun 7 must be true or false`. `problem` continues the sentence after the field and its value.
    pub fn bad_input(field: &str, value: impl fmt::Display, problem: impl fmt::Display) -> Self {
        Self {
            name: ErrorName::BadInput,
            message: format!("{} {} {problem}", cut(field, 200), cut(&value.to_string(), 200)),
        }
    }

    /// Creates an error for a response to `call` that lacks a required value. It is [`ErrorName::Transient`], because the call may have
    /// taken effect.
    pub fn unanswered(call: &str, lack: &str) -> Self {
        Self { name: ErrorName::Transient, message: format!("{call}: the answer has {lack}") }
    }
}

/// Returns the text. If it is longer than `length` characters, returns the first `length` and an ellipsis.
pub fn cut(text: &str, length: usize) -> String {
    match text.char_indices().nth(length) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, self.message)
    }
}

impl std::error::Error for Error {}
