//! Whose account it is, and where its AWS is.

use anyhow::{Context, Result, bail};

use crate::account::{Account, error};

/// The services that a deployment calls, by their names in `AWS_ENDPOINT_URL_<SERVICE>` (AWS SDKs reference guide, "Service-specific
/// endpoints").
const SERVICES: [&str; 6] = ["CloudFormation", "EC2", "IAM", "S3", "SNS", "STS"];

/// The caller's account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The account's id.
    pub account: String,
    /// The account's alias, if it has one and the caller may see it.
    pub alias: Option<String>,
    /// `aws`, the partition that the account is in.
    pub partition: String,
    /// The endpoint, if it is not one of AWS's own.
    pub endpoint: Option<String>,
}

impl Identity {
    /// Asks AWS whose credentials these are.
    ///
    /// # Errors
    /// There are no credentials, AWS does not accept them, or does not answer.
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

    /// Refuses an endpoint that is not AWS's own, unless the caller allows it.
    ///
    /// # Errors
    /// There is such an endpoint, and it is not allowed.
    pub fn require_aws(&self, is_allowed: bool) -> Result<()> {
        match &self.endpoint {
            Some(endpoint) if !is_allowed => bail!(
                "the endpoint is {endpoint}, not AWS: open a new shell, or unset AWS_ENDPOINT_URL; for a local cloud add --allow-endpoint"
            ),
            _ => Ok(()),
        }
    }

    /// `123456789012 (prod)`
    pub fn name(&self) -> String {
        match &self.alias {
            Some(alias) => format!("{} ({alias})", self.account),
            None => self.account.clone(),
        }
    }
}

/// Returns the account's alias. A caller who may not list it gets none.
async fn alias(account: &Account) -> Option<String> {
    let listed = account.iam().list_account_aliases().send().await.ok()?;
    listed.account_aliases().first().cloned()
}
