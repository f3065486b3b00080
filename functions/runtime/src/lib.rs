//! What every function needs of Lambda and of AWS, on a page: clients, logs, and errors by name.
//!
//! # Layout
//! - [`Aws`], [`serve`]: a function's `main`. [`aws`]: the clients.
//! - [`error`]: an SDK's error as one of the state machine's names.
//! - [`ledger`]: the ledger bucket; [`lines`], [`document`]: its lists and its report, [`upload`]: written piece by piece.
//! - [`sorter`]: long lists in order, in little memory.
//! - [`log`]: what each line of the log is about. [`throttles`]: how many calls AWS refused.
//! - [`pace`]: waiting for one's turn.
//! - [`snapshots`]: the managed snapshots of a Region. [`map_runs`]: an execution's child executions.

pub mod aws;
#[cfg(test)]
mod bucket;
pub mod document;
pub mod error;
pub mod ledger;
pub mod lines;
pub mod log;
pub mod map_runs;
pub mod pace;
pub mod snapshots;
pub mod sorter;
pub mod throttles;
pub mod upload;

use jiff::Timestamp;
use lambda_runtime::{Diagnostic, LambdaEvent, Runtime, service_fn};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use std::collections::BTreeMap;

pub use aws::Aws;
pub use lambda_runtime::Error as LambdaError;
pub use ledger::Ledger;
pub use sorter::{Merge, Sorted, Sorter};
pub use throttles::Throttles;

/// A setting from the function's environment; empty where the template sets none.
pub fn setting(name: &str) -> String {
    std::env::var(name).unwrap_or_default()
}

/// Sets up the log and answers invocations with `handle` until Lambda stops the function. An input of the wrong shape is `BadInput`.
/// `backup_stack` is whose metrics they are that it prints.
pub async fn serve<I, O, F>(backup_stack: &str, handle: F) -> Result<(), LambdaError>
where
    I: DeserializeOwned,
    O: Serialize,
    F: AsyncFn(I) -> Result<O, domain::Error>,
{
    log::init();
    let handle = &handle;
    let answer = service_fn(|event: LambdaEvent<Value>| async move {
        let subjects = log::subjects(&event.payload).map(|(field, value)| (field, value.to_owned())).collect();
        let input = parse(event.payload).map_err(diagnostic)?;
        let answer = handle(input).await;
        tell_throttles(backup_stack, subjects);
        let output = answer.map_err(diagnostic)?;
        tracing::info!("done");
        serde_json::to_value(output).map_err(|error| Diagnostic {
            error_type: domain::ErrorName::Refused.to_string(),
            error_message: format!("the function's output: {error}"),
        })
    });
    Runtime::new(answer).layer(log::About).run().await
}

fn tell_throttles(backup_stack: &str, subjects: BTreeMap<&'static str, String>) {
    let calls = throttles::take();
    if calls > 0 {
        let mut line = domain::metrics::throttled(backup_stack, Timestamp::now(), calls);
        subjects.into_iter().for_each(|(field, value)| line[field] = value.into());
        println!("{line}");
    }
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
