//! What every function needs of Lambda and of AWS, on a page: clients, logs, and errors by name.
//!
//! # Layout
//! - [`Aws`], [`serve`]: a function's `main`.
//! - [`error`]: an SDK's error as one of the state machine's names.
//! - [`ledger`]: the ledger bucket; [`lines`], [`document`]: its lists and its report, [`upload`]: written piece by piece.
//! - [`sorter`]: long lists in order, in little memory.
//! - [`pace`]: waiting for one's turn.
//! - [`snapshots`]: the managed snapshots of a Region.

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

use aws_sdk_ec2::config::{BehaviorVersion, Credentials, Region, SharedCredentialsProvider, timeout::TimeoutConfig};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_types::SdkConfig;
use lambda_runtime::{Diagnostic, LambdaEvent, service_fn};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use std::time::Duration;

pub use lambda_runtime::Error as LambdaError;
pub use ledger::Ledger;
pub use sorter::{Merge, Sorted, Sorter};

/// The account's credentials and settings, from which every client is made.
pub struct Aws {
    config: SdkConfig,
}

impl Aws {
    /// Sets up the log and takes the Region and the credentials that Lambda hands a function in its environment
    /// (Lambda developer guide, "Defined runtime environment variables"). They hold for as long as the function's process.
    pub fn load() -> Self {
        tracing_subscriber::fmt().json().with_target(false).without_time().init();
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(Duration::from_secs(3))
            .operation_attempt_timeout(Duration::from_secs(20))
            .build();
        let token = Some(setting("AWS_SESSION_TOKEN")).filter(|token| !token.is_empty());
        let (id, secret) = (setting("AWS_ACCESS_KEY_ID"), setting("AWS_SECRET_ACCESS_KEY"));
        let credentials = Credentials::new(id, secret, token, None, "Lambda");
        let https = aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring));
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(setting("AWS_REGION")))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .http_client(https.build_https())
            .timeout_config(timeouts);
        Self { config: config.build() }
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
