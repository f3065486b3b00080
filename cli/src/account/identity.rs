//! Account of the caller, and the endpoint of AWS.

use anyhow::{Context, Result, bail};

use crate::account::{Account, error};

/// Services that a deployment calls, by their names in `AWS_ENDPOINT_URL_<SERVICE>` (AWS SDKs reference guide, "Service-specific
/// endpoints").
const SERVICES: [&str; 6] = ["CloudFormation", "EC2", "IAM", "S3", "SNS", "STS"];

/// Account of the caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallerIdentity {
    /// Account id of 12 digits.
    pub account: String,
    /// None if the account has no alias, or the caller may not list it.
    pub alias: Option<String>,
    /// Partition of the account, such as `aws`.
    pub partition: String,
    /// None if the endpoints are AWS's own.
    pub endpoint: Option<String>,
}

impl CallerIdentity {
    /// Asks AWS for the account of the caller's credentials.
    ///
    /// # Errors
    /// There are no credentials, or AWS does not accept them or does not answer.
    pub async fn load(account: &Account) -> Result<Self> {
        let caller = account.sts().get_caller_identity().send().await;
        let caller = caller.map_err(|error| error::from_sdk("GetCallerIdentity", error))?;
        let id =
            caller.account().context("GetCallerIdentity: the answer has no account; does a proxy stand between?")?;
        let partition = caller.arn().and_then(|arn| arn.split(':').nth(1)).unwrap_or("aws");
        Ok(Self {
            account: id.to_owned(),
            alias: alias(account).await,
            partition: partition.to_owned(),
            endpoint: SERVICES.iter().find_map(|service| account.endpoint(service)),
        })
    }

    /// Refuses an endpoint that is not AWS's own, unless `is_allowed`.
    ///
    /// # Errors
    /// The endpoint is not AWS's own, and is not allowed.
    pub fn require_aws(&self, is_allowed: bool) -> Result<()> {
        match &self.endpoint {
            Some(endpoint) if !is_allowed => bail!(
                "the endpoint is {endpoint}, not AWS: open a new shell, or unset AWS_ENDPOINT_URL; for a local cloud add --allow-endpoint"
            ),
            _ => Ok(()),
        }
    }

    /// Returns the account's id and alias: `123456789012 (prod)`.
    pub fn name(&self) -> String {
        match &self.alias {
            Some(alias) => format!("{} ({alias})", self.account),
            None => self.account.clone(),
        }
    }
}

/// Returns the account's alias, or none if the caller may not list it.
async fn alias(account: &Account) -> Option<String> {
    let listed = account.iam().list_account_aliases().send().await.ok()?;
    listed.account_aliases().first().cloned()
}
