//! What every function needs of Lambda and of AWS, on a page: clients, logs, and errors by name.
//!
//! # Layout
//! - [`Aws`], [`serve`]: a function's `main`.
//! - [`error`]: an SDK's error as one of the state machine's names.
//! - [`ledger`]: lists and reports in the ledger bucket.
//! - [`pace`]: waiting for one's turn.
//! - [`snapshots`]: the managed snapshots of a Region.

pub mod error;
pub mod ledger;
pub mod pace;
pub mod snapshots;

use aws_config::{BehaviorVersion, Region, SdkConfig, timeout::TimeoutConfig};
use lambda_runtime::{Diagnostic, LambdaEvent, service_fn};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use std::time::Duration;

pub use lambda_runtime::Error as LambdaError;
pub use ledger::Ledger;

/// The account's credentials and settings, from which every client is made.
pub struct Aws {
    config: SdkConfig,
}

impl Aws {
    /// Sets up the log and loads the configuration that Lambda hands a function in its environment.
    pub async fn load() -> Self {
        lambda_runtime::tracing::init_default_subscriber();
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(Duration::from_secs(3))
            .operation_attempt_timeout(Duration::from_secs(20))
            .build();
        Self { config: aws_config::defaults(BehaviorVersion::latest()).timeout_config(timeouts).load().await }
    }

    /// The configuration itself, for a client of the function's own Region.
    pub fn config(&self) -> &SdkConfig {
        &self.config
    }

    /// EC2 in a Region.
    pub fn ec2(&self, region: &str) -> aws_sdk_ec2::Client {
        let region = Region::new(region.to_owned());
        aws_sdk_ec2::Client::from_conf(aws_sdk_ec2::config::Builder::from(&self.config).region(region).build())
    }

    /// The ledger in a bucket.
    pub fn ledger(&self, bucket: String) -> Ledger {
        Ledger::new(aws_sdk_s3::Client::new(&self.config), bucket)
    }
}

/// A setting from the function's environment; empty where the template sets none.
pub fn setting(name: &str) -> String {
    std::env::var(name).unwrap_or_default()
}

/// Answers invocations with `handle` until Lambda stops the function. An input of the wrong shape is `BadInput`.
pub async fn serve<I, O, F>(handle: F) -> Result<(), LambdaError>
where
    I: DeserializeOwned,
    O: Serialize,
    F: AsyncFn(I) -> Result<O, domain::Error>,
{
    let handle = &handle;
    lambda_runtime::run(service_fn(|event: LambdaEvent<Value>| async move {
        let input = read(event.payload).map_err(diagnostic)?;
        let output = handle(input).await.map_err(diagnostic)?;
        serde_json::to_value(output).map_err(|error| Diagnostic {
            error_type: domain::ErrorName::Refused.to_string(),
            error_message: format!("the function's output: {error}"),
        })
    }))
    .await
}

fn read<I: DeserializeOwned>(payload: Value) -> Result<I, domain::Error> {
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
        let error = read::<domain::wire::List>(json!({"key": "k", "count": "many"})).unwrap_err();
        assert_eq!(diagnostic(error).error_type, "BadInput");
        let error = read::<domain::wire::List>(json!({"key": "k"})).unwrap_err();
        assert!(error.message.contains("missing field `count`"), "{error}");
    }
}
