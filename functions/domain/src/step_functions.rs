//! Data from Step Functions itself: the execution, lists in S3, and caught errors.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Reason;

/// The execution of a run or a drill: `$$.Execution` in the context object of Step Functions.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Execution {
    pub id: String,
    /// Name of the execution, and of its folder in the ledger.
    pub name: String,
    /// Input as given, not yet parsed.
    pub input: Value,
    pub start_time: Timestamp,
}

/// A list in the ledger, with one JSON object per line.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerList {
    /// Key in the ledger bucket.
    pub key: String,
    /// Number of lines.
    pub count: usize,
}

/// An error, as Step Functions passes it to a `Catch`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Caught {
    pub error: String,
    /// If the error comes from a function, JSON with an `errorMessage`.
    #[serde(default)]
    pub cause: String,
}

impl Caught {
    /// Returns the `errorMessage` of a function. If the cause is not from a function, returns the cause itself.
    pub fn message(&self) -> String {
        serde_json::from_str::<Value>(&self.cause)
            .ok()
            .and_then(|cause| Some(cause.get("errorMessage")?.as_str()?.to_owned()))
            .unwrap_or_else(|| self.cause.clone())
    }

    pub fn reason(&self) -> Reason {
        Reason::from_error(&self.error, &self.message())
    }
}
