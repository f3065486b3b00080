//! The common part of every Lambda function's `main`: [`serve`], its settings, its [`log`], and [`pace`].

pub mod log;
pub mod pace;

use lambda_runtime::{Diagnostic, LambdaEvent, Runtime, layers::TracingLayer, service_fn};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use tracing::Instrument;

pub use lambda_runtime::Error as LambdaError;

/// Returns whether the process runs on the local cloud, which allows a run for any Night. No template sets this variable.
pub fn any_night() -> bool {
    setting("NIGHTLY_ANY_NIGHT") == "1"
}

/// Returns a setting from the function's environment, or an empty string if the template does not set it.
pub fn setting(name: &str) -> String {
    std::env::var(name).unwrap_or_default()
}

/// Sets up the log, and answers invocations with `handle` until Lambda stops the function. Input of the wrong shape is `BadInput`.
pub async fn serve<I, O, F>(handle: F) -> Result<(), LambdaError>
where
    I: DeserializeOwned,
    O: Serialize,
    F: AsyncFn(I) -> Result<O, domain::Error>,
{
    log::init();
    let handle = &handle;
    let invoked = service_fn(|event: LambdaEvent<Value>| async move {
        let span = log::about(&event.payload);
        answer(handle, event.payload).instrument(span).await
    });
    Runtime::new(invoked).layer(TracingLayer::new()).run().await
}

async fn answer<I, O, F>(handle: &F, payload: Value) -> Result<Value, Diagnostic>
where
    I: DeserializeOwned,
    O: Serialize,
    F: AsyncFn(I) -> Result<O, domain::Error>,
{
    // Boxed, because the SDK's futures inside those of the runtime are nested too deeply for the compiler.
    let output = Box::pin(handle(parse(payload).map_err(diagnostic)?)).await.map_err(diagnostic)?;
    tracing::info!("done");
    serde_json::to_value(output).map_err(|error| Diagnostic {
        error_type: domain::ErrorName::Refused.to_string(),
        error_message: format!("the function's output: {error}"),
    })
}

fn parse<I: DeserializeOwned>(payload: Value) -> Result<I, domain::Error> {
    serde_json::from_value(payload)
        .map_err(|error| domain::Error::bad_input("input", error, "is not in the form that the state machine sends"))
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
        let error = parse::<domain::step_functions::LedgerList>(json!({"key": "k", "count": "many"})).unwrap_err();
        assert_eq!(diagnostic(error).error_type, "BadInput");
        let error = parse::<domain::step_functions::LedgerList>(json!({"key": "k"})).unwrap_err();
        assert!(error.message.contains("missing field `count`"), "{error}");
    }
}
