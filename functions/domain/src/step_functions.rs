//! What Step Functions itself hands to a function: the execution, lists in S3, errors that were caught.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Reason;

/// The execution that runs the night: Step Functions' own context object, `$$.Execution`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Execution {
    pub id: String,
    /// Its name: the ledger's folder for this start of the night.
    pub name: String,
    /// The input as given, not yet read.
    pub input: Value,
    pub start_time: Timestamp,
}

/// A list in the ledger: one JSON object a line.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct List {
    /// Its key in the ledger bucket.
    pub key: String,
    /// How many lines it has.
    pub count: usize,
}

/// An error as Step Functions hands it to a `Catch`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Caught {
    pub error: String,
    /// Its cause; from a function, JSON with an `errorMessage`.
    #[serde(default)]
    pub cause: String,
}

impl Caught {
    /// The cause in words: a function's `errorMessage`, or the cause itself if it is not a function's.
    pub fn message(&self) -> String {
        serde_json::from_str::<Value>(&self.cause)
            .ok()
            .and_then(|cause| Some(cause.get("errorMessage")?.as_str()?.to_owned()))
            .unwrap_or_else(|| self.cause.clone())
    }

    /// The reason in it.
    pub fn reason(&self) -> Reason {
        Reason::from_error(&self.error, &self.message())
    }
}
