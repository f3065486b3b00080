//! AWS clients for the caller's account. The credentials, the Region and the endpoints come from the environment and the profiles, as for
//! every AWS tool.

pub mod ec2;
pub mod error;
pub mod executions;
pub mod follow;
pub mod identity;
pub mod inventory;
pub mod ledger;
pub mod map_runs;
pub mod proofs;
pub mod stack;
pub mod subscriptions;

use anyhow::{Result, bail};
use aws_config::{BehaviorVersion, Region, SdkConfig, timeout::TimeoutConfig};
use aws_smithy_http_client::{
    Builder, Connector,
    proxy::ProxyConfig,
    tls::{Provider, rustls_provider::CryptoMode},
};
use aws_types::service_config::ServiceConfigKey;
use std::time::Duration;

/// Timeout of a call, including the SDK's own retries.
const LONGEST_CALL: Duration = Duration::from_secs(60);

pub struct Account {
    config: SdkConfig,
    pub region: String,
}

impl Account {
    /// Finds the credentials and the Region as the AWS CLI does. `region` and `profile` take precedence.
    pub async fn load(region: Option<String>, profile: Option<String>) -> Result<Self> {
        // Like the SDK's own HTTPS client, but with the proxy from HTTPS_PROXY and NO_PROXY.
        let https = Builder::new().build_with_connector_fn(|settings, components| {
            let mut connector = Connector::builder().proxy_config(ProxyConfig::from_env());
            connector.set_connector_settings(settings.cloned());
            connector.set_sleep_impl(components.and_then(|components| components.sleep_impl()));
            connector.tls_provider(Provider::Rustls(CryptoMode::Ring)).build()
        });
        let timeouts = TimeoutConfig::builder().operation_timeout(LONGEST_CALL).build();
        let mut loader = aws_config::defaults(BehaviorVersion::latest()).http_client(https).timeout_config(timeouts);
        if let Some(region) = region {
            loader = loader.region(Region::new(region));
        }
        if let Some(profile) = profile {
            loader = loader.profile_name(profile);
        }
        let config = loader.load().await;
        let Some(region) = config.region().map(|region| region.as_ref().to_owned()) else {
            bail!("no Region: give --region, or set AWS_REGION or a profile's region");
        };
        Ok(Self { config, region })
    }

    /// Returns the endpoint of a service, if the caller's environment or profile sets one.
    pub fn endpoint(&self, service: &str) -> Option<String> {
        let key =
            ServiceConfigKey::builder().service_id(service).env("AWS_ENDPOINT_URL").profile("endpoint_url").build();
        let of_service = key.ok().and_then(|key| self.config.service_config()?.load_config(key));
        of_service.or_else(|| self.config.endpoint_url().map(str::to_owned))
    }

    pub fn iam(&self) -> aws_sdk_iam::Client {
        aws_sdk_iam::Client::new(&self.config)
    }

    pub fn cloudwatch(&self) -> aws_sdk_cloudwatch::Client {
        aws_sdk_cloudwatch::Client::new(&self.config)
    }

    pub fn lambda(&self) -> aws_sdk_lambda::Client {
        aws_sdk_lambda::Client::new(&self.config)
    }

    pub fn scheduler(&self) -> aws_sdk_scheduler::Client {
        aws_sdk_scheduler::Client::new(&self.config)
    }

    pub fn sqs(&self) -> aws_sdk_sqs::Client {
        aws_sdk_sqs::Client::new(&self.config)
    }

    pub fn kms(&self, region: &str) -> aws_sdk_kms::Client {
        let config = aws_sdk_kms::config::Builder::from(&self.config).region(Region::new(region.to_owned()));
        aws_sdk_kms::Client::from_conf(config.build())
    }

    pub fn quotas(&self, region: &str) -> aws_sdk_servicequotas::Client {
        let config = aws_sdk_servicequotas::config::Builder::from(&self.config).region(Region::new(region.to_owned()));
        aws_sdk_servicequotas::Client::from_conf(config.build())
    }

    pub fn sts(&self) -> aws_sdk_sts::Client {
        aws_sdk_sts::Client::new(&self.config)
    }

    pub fn cloudformation(&self) -> aws_sdk_cloudformation::Client {
        aws_sdk_cloudformation::Client::new(&self.config)
    }

    pub fn sfn(&self) -> aws_sdk_sfn::Client {
        aws_sdk_sfn::Client::new(&self.config)
    }

    pub fn sns(&self) -> aws_sdk_sns::Client {
        aws_sdk_sns::Client::new(&self.config)
    }

    pub fn s3(&self) -> aws_sdk_s3::Client {
        // A local cloud has no host name for each bucket.
        let config = aws_sdk_s3::config::Builder::from(&self.config);
        aws_sdk_s3::Client::from_conf(config.force_path_style(self.endpoint("S3").is_some()).build())
    }

    pub fn ec2(&self, region: &str) -> aws_sdk_ec2::Client {
        let config = aws_sdk_ec2::config::Builder::from(&self.config).region(Region::new(region.to_owned()));
        aws_sdk_ec2::Client::from_conf(config.build())
    }
}
