//! CloudFormation stack of the backup: its resources and its parameters.

use anyhow::{Context, Result, bail};
use aws_sdk_cloudformation::{error::ProvideErrorMetadata, types::Stack as Described};
use domain::{night, retention::Policy, selection::Selection, tags_not_copied::TagsNotCopied};
use jiff::tz::TimeZone;

use crate::account::{Account, error};

#[derive(Debug)]
pub struct Stack {
    pub name: String,
    /// Value of the `BackupStack` tag of the stack's snapshots.
    pub backup_stack: String,
    /// ARN of the state machine of the run.
    pub state_machine: String,
    /// ARN of the state machine of the restore drill. None if the drill is not deployed.
    pub drill: Option<String>,
    pub ledger: String,
    /// ARN of the SNS topic of the emails.
    pub topic: String,
    pub regions: Vec<String>,
    pub time_zone: TimeZone,
    /// Selection of the in-use volumes that are backed up.
    pub selection: Selection,
    /// Tags of volumes that are not copied.
    pub foreign: TagsNotCopied,
    pub policy: Policy,
}

impl Stack {
    /// Finds the stack with this name or with this value of `BackupStack`. Without a name, finds the only backup of the Region.
    pub async fn find(account: &Account, name: Option<&str>) -> Result<Self> {
        let listed = match name {
            Some(name) => named(account, name).await?,
            None => None,
        };
        // If no stack has this name, it may be the value of `BackupStack`.
        let listed = match listed {
            Some(one) => vec![one],
            None => all(account).await?,
        };
        // A nested stack has the same outputs as its root.
        let mut backups: Vec<_> = listed.iter().filter(|one| one.root_id().is_none() && is_backup(one)).collect();
        let called =
            |one: &&Described, name| one.stack_name() == Some(name) || output(one, "BackupStack") == Some(name);
        if let Some(name) = name {
            let all = names(&backups);
            backups.retain(|one| called(one, name));
            if backups.is_empty() {
                bail!("no backup is named {name:?} in {}; {all}", account.region);
            }
        }
        match backups.as_slice() {
            [one] => Self::read(one, &account.region)
                .with_context(|| format!("stack {}", one.stack_name().unwrap_or_default())),
            [] => bail!("no backup is deployed in {}; look in another --region, or deploy one", account.region),
            _ => bail!("more than one backup is deployed here: choose one with --stack; {}", names(&backups)),
        }
    }

    fn read(stack: &Described, region: &str) -> Result<Self> {
        let output = |key| {
            output(stack, key).map(str::to_owned).with_context(|| format!("has no output {key}; deploy it again"))
        };
        let parameter = |key| {
            let found = stack.parameters().iter().find(|one| one.parameter_key() == Some(key));
            let value = found.and_then(|one| one.parameter_value());
            value.with_context(|| format!("has no parameter {key}; deploy it again"))
        };
        let regions = Some(parameter("Regions")?).filter(|regions| !regions.is_empty()).unwrap_or(region);
        Ok(Self {
            name: stack.stack_name().unwrap_or_default().to_owned(),
            backup_stack: output("BackupStack")?,
            state_machine: output("StateMachineArn")?,
            drill: output("DrillStateMachineArn").ok().filter(|arn| arn != "none"),
            ledger: output("LedgerBucket")?,
            topic: output("TopicArn")?,
            regions: regions.split(',').map(str::to_owned).collect(),
            time_zone: night::zone(parameter("TimeZone")?)?,
            selection: Selection::read(parameter("VolumeTag")?)?,
            foreign: TagsNotCopied::read(parameter("TagsNotCopied")?)?,
            policy: Policy::read(
                parameter("KeepDailies")?,
                parameter("QuarterlyMonths")?,
                parameter("KeepQuarterlies")?,
            )?,
        })
    }
}

/// Returns the stack with this name, if it is a backup.
async fn named(account: &Account, name: &str) -> Result<Option<Described>> {
    match account.cloudformation().describe_stacks().stack_name(name).send().await {
        Err(error) if error.code() == Some("ValidationError") => Ok(None),
        Err(error) => Err(error::from_sdk("DescribeStacks", error)),
        Ok(found) => Ok(found.stacks().first().filter(|one| is_backup(one)).cloned()),
    }
}

/// Lists every stack of the Region.
async fn all(account: &Account) -> Result<Vec<Described>> {
    let listed = account.cloudformation().describe_stacks().into_paginator().items().send();
    let listed = listed.collect::<Result<Vec<_>, _>>().await;
    listed.map_err(|error| error::from_sdk("DescribeStacks", error))
}

fn is_backup(stack: &Described) -> bool {
    ["BackupStack", "StateMachineArn", "LedgerBucket"].iter().all(|key| output(stack, key).is_some())
}

fn output<'a>(stack: &'a Described, key: &str) -> Option<&'a str> {
    stack.outputs().iter().find(|one| one.output_key() == Some(key))?.output_value()
}

fn names(backups: &[&Described]) -> String {
    let names: Vec<_> = backups.iter().filter_map(|one| one.stack_name()).collect();
    if names.is_empty() { "none is deployed".to_owned() } else { format!("deployed: {}", names.join(", ")) }
}
