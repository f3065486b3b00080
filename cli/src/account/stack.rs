//! CloudFormation stack of the backup: its resources and its parameters.

use anyhow::{Context, Result, bail};
use aws_sdk_cloudformation::{error::ProvideErrorMetadata, types::Stack as Described};
use domain::{night, plan::Plans, rules::Rules, selection::Selection, tags_not_copied::TagsNotCopied};
use jiff::{SignedDuration, tz::TimeZone};

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
    pub plans: Plans,
    /// The text of `plans`.
    pub rules: Rules,
    /// Largest number of days between two runs of the schedule. 8 means more than a week.
    pub days_between_runs: i64,
}

impl Stack {
    /// Finds the stack with this name. Without a name, finds the only backup of the Region.
    pub async fn find(account: &Account, name: Option<&str>) -> Result<Self> {
        let found = match name {
            Some(name) => named(account, name).await?,
            None => only(account).await?,
        };
        let name = found.stack_name().unwrap_or_default().to_owned();
        Self::read(&found, &account.region).with_context(|| format!("stack {name}"))
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
            plans: Plans::read(parameter("Keep")?, parameter("Plans")?, parameter("WeeklyOn")?)?,
            rules: Rules { keep: parameter("Keep")?.to_owned(), plans: parameter("Plans")?.to_owned() },
            days_between_runs: parameter("DaysBetweenRuns")?.parse().context("DaysBetweenRuns")?,
        })
    }

    /// Returns the time that the schedule adds to the pause between two daily runs.
    pub fn longer_pause(&self) -> SignedDuration {
        SignedDuration::from_hours(24 * (self.days_between_runs - 1))
    }
}

/// Returns the backup with this name. Does not list other stacks, because an operator's policy may not allow that.
async fn named(account: &Account, name: &str) -> Result<Described> {
    let region = &account.region;
    let found = match account.cloudformation().describe_stacks().stack_name(name).send().await {
        // The stack does not exist (CloudFormation API reference, DescribeStacks).
        Err(error) if error.code() == Some("ValidationError") => None,
        Err(error) => return Err(error::from_sdk("DescribeStacks", error)),
        Ok(found) => found.stacks().first().cloned(),
    };
    let found = found.with_context(|| format!("there is no stack {name:?} in {region}: check --stack and --region"))?;
    if !is_backup(&found) {
        bail!("the stack {name:?} in {region} is not a nightly backup: check --stack");
    }
    Ok(found)
}

/// Returns the only backup of the Region. A nested stack has the same outputs as its root.
async fn only(account: &Account) -> Result<Described> {
    let listed = account.cloudformation().describe_stacks().into_paginator().items().send();
    let listed = listed.collect::<Result<Vec<_>, _>>().await;
    let mut backups = listed.map_err(|error| error::from_sdk("DescribeStacks", error))?;
    backups.retain(|one| one.root_id().is_none() && is_backup(one));
    let names: Vec<_> = backups.iter().filter_map(Described::stack_name).map(str::to_owned).collect();
    match (backups.pop(), names.len()) {
        (Some(only), 1) => Ok(only),
        (None, _) => bail!("no backup is deployed in {}: choose another --region, or deploy one", account.region),
        _ => bail!("several backups are deployed in {}: choose one with --stack: {}", account.region, names.join(", ")),
    }
}

fn is_backup(stack: &Described) -> bool {
    ["BackupStack", "StateMachineArn", "LedgerBucket"].iter().all(|key| output(stack, key).is_some())
}

fn output<'a>(stack: &'a Described, key: &str) -> Option<&'a str> {
    stack.outputs().iter().find(|one| one.output_key() == Some(key))?.output_value()
}
