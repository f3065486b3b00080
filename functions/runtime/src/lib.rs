//! What every function needs of Lambda and of AWS, on a page: clients, logs, and errors by name.
//!
//! # Layout
//! - [`Aws`], [`serve`]: a function's `main`. [`aws`]: the clients.
//! - [`error`]: an SDK's error as one of the state machine's names.
//! - [`ledger`]: the ledger bucket; [`lines`], [`document`]: its lists and its report, [`upload`]: written piece by piece.
//! - [`sorter`]: long lists in order, in little memory.
//! - [`pace`]: waiting for one's turn.
//! - [`snapshots`]: the managed snapshots of a Region.

pub mod aws;
#[cfg(test)]
mod bucket;
pub mod document;
pub mod error;
pub mod ledger;
pub mod lines;
pub mod pace;
pub mod snapshots;
pub mod sorter;
pub mod upload;

use lambda_runtime::{Diagnostic, LambdaEvent, service_fn};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

pub use aws::Aws;
pub use lambda_runtime::Error as LambdaError;
pub use ledger::Ledger;
pub use sorter::{Merge, Sorted, Sorter};

/// A setting from the function's environment; empty where the template sets none.
pub fn setting(name: &str) -> String {
    std::env::var(name).unwrap_or_default()
}

/// Sets up the log and answers invocations with `handle` until Lambda stops the function. An input of the wrong shape is `BadInput`.
pub async fn serve<I, O, F>(handle: F) -> Result<(), LambdaError>
where
    I: DeserializeOwned,
    O: Serialize,
    F: AsyncFn(I) -> Result<O, domain::Error>,
{
    tracing_subscriber::fmt().json().with_target(false).without_time().init();
    let handle = &handle;
    lambda_runtime::run(service_fn(|event: LambdaEvent<Value>| async move {
        let input = parse(event.payload).map_err(diagnostic)?;
        let output = handle(input).await.map_err(diagnostic)?;
        serde_json::to_value(output).map_err(|error| Diagnostic {
            error_type: domain::ErrorName::Refused.to_string(),
            error_message: format!("the function's output: {error}"),
        })
    }))
    .await
}

fn parse<I: DeserializeOwned>(payload: Value) -> Result<I, domain::Error> {
    serde_json::from_value(payload).map_err(|error| {
        domain::Error::bad_input("the function's input", error, "not of the shape that the state machine sends")
    })
}

fn diagnostic(error: domain::Error) -> Diagnostic {
    Diagnostic { error_type: error.name.to_string(), error_message: error.message }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_input_of_another_shape_is_bad_input_that_says_where() {
        let error = parse::<domain::wire::List>(json!({"key": "k", "count": "many"})).unwrap_err();
        assert_eq!(diagnostic(error).error_type, "BadInput");
        let error = parse::<domain::wire::List>(json!({"key": "k"})).unwrap_err();
        assert!(error.message.contains("missing field `count`"), "{error}");
    }
}
