//! AWS for the functions and the command `nightly`: clients, error names, and listings.
//!
//! # Layout
//! - [`Aws`]: the clients.
//! - [`error`]: the conversion of SDK errors to the error names that the state machine acts on.
//! - [`snapshots`]: the managed snapshots of a Region.

pub mod error;
pub mod snapshots;

use aws_sdk_ec2::config::{BehaviorVersion, Credentials, Region, SharedCredentialsProvider, timeout::TimeoutConfig};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_types::{
    SdkConfig,
    service_config::{LoadServiceConfig, ServiceConfigKey},
};
use std::{env, time::Duration};

/// The account's credentials and settings, and the clients that use them.
pub struct Aws {
    config: SdkConfig,
    home: aws_sdk_ec2::Client,
}

impl Aws {
    /// Loads the Region and the credentials from the environment of a Lambda function (Lambda developer guide, "Defined runtime environment
    /// variables"). The credentials are valid for the lifetime of the process.
    pub fn load() -> Self {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(Duration::from_secs(3))
            .operation_attempt_timeout(Duration::from_secs(20))
            .build();
        let token = Some(variable("AWS_SESSION_TOKEN")).filter(|token| !token.is_empty());
        let (id, secret) = (variable("AWS_ACCESS_KEY_ID"), variable("AWS_SECRET_ACCESS_KEY"));
        let credentials = Credentials::new(id, secret, token, None, "Lambda");
        let https = aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring));
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(variable("AWS_REGION")))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .http_client(https.build_https())
            .service_config(Environment)
            .timeout_config(timeouts);
        let config = config.build();
        // The first client reads the trusted certificates. It is created here, before the first poll, while Lambda gives the function a
        // whole processor (Lambda developer guide, "Understanding the Lambda execution environment lifecycle").
        let home = aws_sdk_ec2::config::Builder::from(&config).build();
        Self { home: aws_sdk_ec2::Client::from_conf(home), config }
    }

    pub fn config(&self) -> &SdkConfig {
        &self.config
    }

    /// Returns the EC2 client of the function's own Region.
    pub fn home(&self) -> &aws_sdk_ec2::Client {
        &self.home
    }

    pub fn ec2(&self, region: &str) -> aws_sdk_ec2::Client {
        if self.config.region().is_some_and(|home| home.as_ref() == region) {
            return self.home.clone();
        }
        let there = aws_sdk_ec2::config::Builder::from(&self.config).region(Region::new(region.to_owned()));
        aws_sdk_ec2::Client::from_conf(there.build())
    }

    /// Returns an S3 client for the function's own Region.
    pub fn s3(&self) -> aws_sdk_s3::Client {
        aws_sdk_s3::Client::new(&self.config)
    }
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_default()
}

/// The settings of a service in the environment, as every SDK reads them. `AWS_ENDPOINT_URL_EC2` takes precedence over `AWS_ENDPOINT_URL`
/// (AWS SDKs and Tools reference, "Service-specific endpoints").
#[derive(Debug)]
struct Environment;

impl LoadServiceConfig for Environment {
    fn load_config(&self, key: ServiceConfigKey<'_>) -> Option<String> {
        let service = key.service_id().replace([' ', '-'], "_").to_uppercase();
        env::var(format!("{}_{service}", key.env())).or_else(|_| env::var(key.env())).ok()
    }
}
