//! Checks the account for limits and states that stop a run: concurrency, quotas, KMS keys and Regions.

use anyhow::Context;
use aws_sdk_ec2::types::VolumeState;
use aws_sdk_kms::types::KeyState;
use std::collections::BTreeSet;

use super::{CheckResult, Finding, stack::regions};
use crate::account::{Account, error, stack::Stack};

/// Number of functions that run concurrently for each Region (`MaxConcurrency` in statemachine/nightly-backup.asl.yaml).
const AT_ONCE: i32 = 20;
/// Service code and quota code of "Snapshots per Region" (EBS endpoints and quotas).
const SNAPSHOTS: (&str, &str) = ("ebs", "L-309BACF6");
/// Percentage of a quota at which the check warns.
const NEARLY: usize = 80;

pub async fn concurrency(account: &Account, stack: &Stack) -> CheckResult {
    let settings = account.lambda().get_account_settings().send().await;
    let settings = settings.map_err(|error| error::from_sdk("GetAccountSettings", error))?;
    let limit = settings.account_limit().and_then(|limit| limit.unreserved_concurrent_executions());
    let limit = limit.context("GetAccountSettings: the answer has no limit")?;
    let needed = AT_ONCE * i32::try_from(stack.regions.len()).unwrap_or(i32::MAX / AT_ONCE);
    let text = format!("{limit} concurrent Lambda executions, and a run of {} uses up to {needed}", regions(stack));
    let remedy = "raise the quota 'Concurrent executions' in Service Quotas";
    Ok(if limit < needed { Finding::problem("concurrency", text, remedy) } else { Finding::fine("concurrency", text) })
}

pub async fn region(account: &Account, region: &str) -> CheckResult {
    let listed = account.ec2(&account.region).describe_regions().region_names(region).all_regions(true).send().await;
    let listed = listed.map_err(|error| error::from_sdk("DescribeRegions", error))?;
    let state = listed.regions().first().and_then(|one| one.opt_in_status()).unwrap_or("unknown").to_owned();
    Ok(match state.as_str() {
        "not-opted-in" => {
            let remedy = "enable it in the console (Account, AWS Regions), or take it out of the parameter Regions";
            Finding::problem("Region", format!("{region} is not enabled"), remedy)
        }
        _ => Finding::fine("Region", format!("{region} is enabled")),
    })
}

pub async fn snapshots(account: &Account, region: &str) -> CheckResult {
    let listed = account.ec2(region).describe_snapshots().owner_ids("self").into_paginator().items().send();
    let listed = listed.collect::<Result<Vec<_>, _>>().await;
    let count = listed.map_err(|error| error::from_sdk("DescribeSnapshots", error))?.len();
    let (service, code) = SNAPSHOTS;
    let quota = account.quotas(region).get_service_quota().service_code(service).quota_code(code).send().await;
    let quota = quota.map_err(|error| error::from_sdk("GetServiceQuota", error))?;
    let quota = quota.quota().and_then(|quota| quota.value()).context("GetServiceQuota: the answer has no value")?;
    let text = format!("{count} of {quota} snapshots in {region}");
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a quota is a whole number")]
    let is_nearly_full = count * 100 >= quota as usize * NEARLY;
    let remedy = "raise the quota 'Snapshots per Region' in Service Quotas";
    Ok(if is_nearly_full { Finding::warning("snapshots", text, remedy) } else { Finding::fine("snapshots", text) })
}

/// Checks the KMS keys of the encrypted volumes. Without its key, EBS cannot complete a snapshot.
pub async fn keys(account: &Account, region: &str) -> CheckResult {
    let volumes = account.ec2(region).describe_volumes().into_paginator().items().send();
    let volumes = volumes.collect::<Result<Vec<_>, _>>().await;
    let volumes = volumes.map_err(|error| error::from_sdk("DescribeVolumes", error))?;
    let in_use = volumes.iter().filter(|volume| volume.state() == Some(&VolumeState::InUse));
    let keys: BTreeSet<_> = in_use.filter_map(|volume| volume.kms_key_id()).collect();
    let (mut bad, count) = (Vec::new(), keys.len());
    for key in keys {
        let described = account.kms(region).describe_key().key_id(key).send().await;
        let described = described.map_err(|error| error::from_sdk("DescribeKey", error))?;
        let state = described.key_metadata().and_then(|key| key.key_state()).cloned();
        if state != Some(KeyState::Enabled) {
            bad.push(format!("{key} is {}", state.map_or_else(|| "unknown".to_owned(), |state| state.to_string())));
        }
    }
    Ok(match bad.is_empty() {
        true => Finding::fine("keys", format!("{count} in use in {region}, all enabled")),
        false => Finding::problem("keys", bad.join("; "), "enable it, or snapshots of its volumes fail"),
    })
}
