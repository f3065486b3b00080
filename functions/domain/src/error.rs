//! The errors of the functions. A name is a decision for the state machine: whether to try again, and when.

use std::fmt;
use strum::{Display, VariantArray};

/// What the state machine is to do about an error. `Retry` and `Catch` match these names exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Display, VariantArray)]
pub enum ErrorName {
    /// A person's mistake in the input or a parameter: ends the night before anything is created or deleted.
    BadInput,
    /// The service said no, and will say no again: not retried.
    Refused,
    /// EBS wants 15 seconds or more before the next snapshot of this volume: retried after that.
    SnapshotTooSoon,
    /// The service is busy with too many calls; this one took no effect: retried with patience.
    Throttled,
    /// A server error, a lost answer: retried after a moment.
    Transient,
}

/// An error by its name, with a message for the person who reads the execution or the email.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    pub name: ErrorName,
    /// The problem, its place, and the remedy.
    pub message: String,
}

impl Error {
    /// A [`ErrorName::BadInput`] that names the field, the value, and what was expected.
    pub fn bad_input(field: &str, value: impl fmt::Display, expected: impl fmt::Display) -> Self {
        Self {
            name: ErrorName::BadInput,
            message: format!("{}: {}: {expected}", cut(field, 200), cut(&value.to_string(), 200)),
        }
    }

    /// An answer to `call` that lacks what it must have: [`ErrorName::Transient`], for the call may have taken effect.
    pub fn unanswered(call: &str, lack: &str) -> Self {
        Self { name: ErrorName::Transient, message: format!("{call}: the answer has {lack}") }
    }
}

/// The text itself, or its first `length` characters and an ellipsis.
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
