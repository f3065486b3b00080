//! `nightly destroy`: deletes the stack, and lists the snapshots and buckets that stay.

use anyhow::{Result, bail};
use aws_sdk_ec2::types::{Filter, InstanceStateName};
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    Exit,
    account::{Account, error, inventory},
    cli::Destroy,
    commands::deploy::{STACK, identify},
    deployment::{
        artifacts::Artifacts,
        follow::StackFollower,
        stack::{self, DeployedStack, Resource},
    },
    ui::{output, progress::Progress, question},
};

/// Result of a deletion, as it is printed.
#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DestroyReport<'a> {
    stack: &'a str,
    region: &'a str,
    /// Descriptions of the buckets and snapshots that stay.
    kept: Vec<String>,
}

/// Deletes the stack.
///
/// # Errors
/// The error has the problem and the remedy in one line.
pub async fn run(account: &Account, name: Option<&str>, asked: &Destroy, json: bool) -> Result<Exit> {
    let name = name.unwrap_or(STACK);
    let identity = identify(account, name, asked.allow_endpoint).await?;
    let cloudformation = account.cloudformation();
    let Some(found) = stack::find(&cloudformation, name).await? else {
        bail!("there is no stack {name} in {}: check --stack and --region", account.region);
    };
    found.require_ours()?;
    if found.status.as_str().ends_with("_IN_PROGRESS") && !found.is_new() {
        bail!("the stack {name} is {}: wait for its end, then run this again", found.status);
    }
    let resources = stack::resources(&cloudformation, &found.id).await?;
    let artifacts = Artifacts::name(account, &identity, name)?;
    output::note(&format!(
        "Account   {}\nRegion    {}\nStack     {name}\n\nThe stack and everything in it is deleted, but these stay:",
        identity.name(),
        account.region
    ));
    let kept = staying(account, &found, &resources, &artifacts).await;
    for line in &kept {
        output::note(&format!("  {line}"));
    }
    for line in in_the_way(account, &resources).await? {
        output::note(&line);
    }
    if !question::confirm("Delete the stack?", asked.yes).await? {
        bail!("not confirmed; nothing was deleted");
    }
    let progress = Progress::on_stderr(TimeZone::system());
    let follower = StackFollower::begin(&cloudformation, &progress, &found.id).await?;
    let deleted = cloudformation.delete_stack().stack_name(&found.id).send().await;
    deleted.map_err(|error| error::from_sdk("DeleteStack", error))?;
    if !follower.until(&["DELETE_COMPLETE"]).await? {
        return Ok(Exit::Interrupted);
    }
    let report = DestroyReport { stack: name, region: &account.region, kept };
    output::answer(json, &report, |_| format!("{name} in {}: deleted\n", account.region))?;
    output::note(
        "The rest costs what it stores. To delete a bucket, empty it in the S3 console first. To delete a snapshot: aws ec2 delete-snapshot --snapshot-id ID",
    );
    Ok(Exit::Good)
}

/// Lists the buckets and snapshots that stay.
async fn staying(
    account: &Account,
    stack: &DeployedStack,
    resources: &[Resource],
    artifacts: &Artifacts<'_>,
) -> Vec<String> {
    let buckets = resources.iter().filter(|one| one.kind == "AWS::S3::Bucket");
    let mut lines: Vec<_> = buckets.map(|one| format!("bucket {} ({})", one.physical_id, one.logical_id)).collect();
    lines.push(format!("bucket {} (templates and zips)", artifacts.bucket));
    let tag = stack.outputs.get("BackupStack").or(stack.parameters.get("BackupStack"));
    let tag = tag.filter(|tag| !tag.is_empty()).unwrap_or(&stack.name);
    let regions = stack.parameters.get("Regions").filter(|regions| !regions.is_empty()).unwrap_or(&account.region);
    for region in regions.split(',') {
        lines.push(format!(
            "the snapshots in {region} with the tag BackupStack={tag}: {}",
            inventory::count(account, region, tag).await
        ));
    }
    lines
}

/// Lists the servers in the stack's network that are not in the stack. The network cannot be deleted before them (EC2 API reference,
/// DeleteSubnet).
async fn in_the_way(account: &Account, resources: &[Resource]) -> Result<Vec<String>> {
    let of = |kind: &str| {
        resources.iter().filter(|one| one.kind == kind).map(|one| one.physical_id.clone()).collect::<Vec<_>>()
    };
    let (networks, ours) = (of("AWS::EC2::VPC"), of("AWS::EC2::Instance"));
    if networks.is_empty() {
        return Ok(Vec::new());
    }
    let network = Filter::builder().name("vpc-id").set_values(Some(networks)).build();
    let listed = account.ec2(&account.region).describe_instances().filters(network).into_paginator().items().send();
    let listed =
        listed.collect::<Result<Vec<_>, _>>().await.map_err(|error| error::from_sdk("DescribeInstances", error))?;
    let servers = listed.iter().flat_map(|reservation| reservation.instances());
    let strangers = servers.filter(|server| {
        let is_terminated = server.state().and_then(|state| state.name()) == Some(&InstanceStateName::Terminated);
        !is_terminated && !ours.iter().any(|id| Some(id.as_str()) == server.instance_id())
    });
    let line = |id: &str| {
        format!(
            "  {id} is in the stack's network, but not in the stack: terminate it first, or the network cannot be deleted."
        )
    };
    Ok(strangers.filter_map(|server| server.instance_id()).map(line).collect())
}
