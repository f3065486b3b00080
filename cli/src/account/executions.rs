//! Runs of a stack, from Step Functions and the ledger.

use anyhow::{Context, Result};
use aws_sdk_sfn::{
    Client,
    operation::describe_execution::DescribeExecutionOutput,
    types::{ExecutionListItem, ExecutionStatus},
};
use domain::{Night, error::cut, input};
use futures_util::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use report::summary::Summary;

use crate::{
    account::{
        Account, error,
        ledger::{Folder, LedgerRuns, timestamp},
        map_runs::MapRuns,
        stack::Stack,
    },
    ui::{
        progress::{MapCounts, SNAPSHOTS},
        text::safe,
    },
};

/// Maximum number of executions that are read concurrently.
const AT_ONCE: usize = 5;
/// Maximum length of a cause, in characters.
const LONGEST_CAUSE: usize = 300;

#[derive(Clone, Debug)]
pub struct RunRecord {
    pub execution: String,
    /// None if the input was refused.
    pub night: Option<Night>,
    pub dry_run: bool,
    /// None if neither Step Functions nor the ledger has the start time.
    pub started: Option<Timestamp>,
    pub ended: Option<Timestamp>,
    pub outcome: RunStatus,
    /// None if the run wrote no report.
    pub summary: Option<Summary>,
}

/// Result of a run, or its progress.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunStatus {
    /// The run has not ended. The counts of its volumes are added once they are known.
    Running(Option<MapCounts>),
    /// Every volume is protected, and every step succeeded.
    Complete,
    /// The run reported an incomplete Night.
    NotComplete,
    /// The run ended without a report. The text is the error and its message.
    Failed(String),
}

impl RunRecord {
    /// Returns the run's folder in the ledger.
    pub fn folder(&self) -> Option<Folder> {
        Some(Folder { night: self.night?, execution: name(&self.execution).to_owned() })
    }

    /// Returns whether the run has ended and was not a dry run.
    pub fn is_real_and_over(&self) -> bool {
        !self.dry_run && !matches!(self.outcome, RunStatus::Running(_))
    }
}

/// Reader of a stack's runs.
#[derive(Clone, Debug)]
pub struct RunHistory<'a> {
    sfn: Client,
    stack: &'a Stack,
    pub nights: LedgerRuns,
}

impl<'a> RunHistory<'a> {
    pub fn new(account: &Account, stack: &'a Stack) -> Self {
        Self { sfn: account.sfn(), stack, nights: LedgerRuns::new(account, stack) }
    }

    /// Lists at least the last `count` runs, newest first, and as many more as it takes to include one that has ended and was not a dry run.
    ///
    /// # Errors
    /// Step Functions or S3 does not answer.
    pub async fn last(&self, count: usize) -> Result<Vec<RunRecord>> {
        let listed = self.listed(|_| true).await?;
        let mut starts = Vec::new();
        for some in listed.chunks(count.max(1)) {
            starts.extend(self.read_all(some.iter().map(|one| one.execution_arn.clone()).collect()).await?);
            if starts.iter().any(RunRecord::is_real_and_over) {
                break;
            }
        }
        Ok(starts)
    }

    /// Lists the runs of a Night, newest first. The ledger keeps runs for longer than Step Functions.
    ///
    /// # Errors
    /// Step Functions or S3 does not answer.
    pub async fn for_night(&self, night: Night) -> Result<Vec<RunRecord>> {
        let folders = self.nights.starts(night).await?;
        let is_new = |one: &ExecutionListItem| folders.iter().all(|folder| folder.execution != one.name);
        // A run that succeeded has a folder in the ledger.
        let others = self.listed(|one| one.status != ExecutionStatus::Succeeded && is_new(one)).await?;
        let arns = folders.iter().map(|folder| arn(&self.stack.state_machine, &folder.execution));
        let mut starts = self.read_all(arns.chain(others.into_iter().map(|one| one.execution_arn)).collect()).await?;
        for (start, folder) in starts.iter_mut().zip(&folders) {
            // Step Functions no longer has the run, or the run is from before a change of the time zone.
            if start.night != Some(folder.night) {
                *start = self.with_summary(start.clone(), folder).await?;
            }
        }
        starts.retain(|start| start.night == Some(night));
        starts.sort_by_key(|start| std::cmp::Reverse(start.started));
        Ok(starts)
    }

    async fn listed(&self, wanted: impl Fn(&ExecutionListItem) -> bool) -> Result<Vec<ExecutionListItem>> {
        let list = self.sfn.list_executions().state_machine_arn(&self.stack.state_machine).into_paginator().items();
        let listed = list.send().collect::<Result<Vec<_>, _>>().await;
        let mut listed = listed.map_err(|error| error::from_sdk("ListExecutions", error))?;
        listed.retain(|one| one.map_run_arn.is_none() && wanted(one));
        listed.sort_by_key(|one| std::cmp::Reverse(timestamp(&one.start_date)));
        Ok(listed)
    }

    async fn read_all(&self, executions: Vec<String>) -> Result<Vec<RunRecord>> {
        let looks = executions.into_iter().map(|execution| self.read_one(execution));
        stream::iter(looks).buffered(AT_ONCE).try_collect().await
    }

    async fn read_one(&self, execution: String) -> Result<RunRecord> {
        let Some(described) = find(&self.sfn, &execution).await? else { return Ok(forgotten(execution)) };
        let mut start = self.read(&described);
        if let RunStatus::Running(_) = start.outcome {
            let mut map_runs = MapRuns::default();
            map_runs.update(&self.sfn, &execution).await?;
            start.outcome = RunStatus::Running(map_runs.total(SNAPSHOTS));
            return Ok(start);
        }
        match start.folder() {
            Some(folder) => self.with_summary(start, &folder).await,
            None => Ok(start),
        }
    }

    fn read(&self, described: &DescribeExecutionOutput) -> RunRecord {
        let started = timestamp(&described.start_date);
        let input = described.input().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        let said = format!("{} {}", described.output().unwrap_or_default(), described.cause().unwrap_or_default());
        let input = input::RunInput::read(&input, started);
        let of_input = input.as_ref().ok().map(|input| Night::from_time(input.time, &self.stack.time_zone));
        RunRecord {
            execution: described.execution_arn.clone(),
            night: Folder::named(&said).map(|folder| folder.night).or(of_input),
            dry_run: input.is_ok_and(|input| input.dry_run),
            started: Some(started),
            ended: described.stop_date().map(timestamp),
            outcome: outcome(described),
            summary: None,
        }
    }

    async fn with_summary(&self, start: RunRecord, folder: &Folder) -> Result<RunRecord> {
        let Some(summary) = self.nights.summary(folder).await? else { return Ok(start) };
        let is_forgotten = start.night.is_none();
        let outcome = if summary.is_complete() { RunStatus::Complete } else { RunStatus::NotComplete };
        Ok(RunRecord {
            night: Some(folder.night),
            dry_run: summary.dry_run,
            started: start.started.or(Some(summary.started)),
            ended: start.ended.or(Some(summary.ended)),
            outcome: if is_forgotten { outcome } else { start.outcome.clone() },
            summary: Some(summary),
            ..start
        })
    }
}

/// Describes an execution. Returns none if Step Functions does not have it.
async fn find(sfn: &Client, arn: &str) -> Result<Option<DescribeExecutionOutput>> {
    match sfn.describe_execution().execution_arn(arn).send().await {
        Ok(described) => Ok(Some(described)),
        Err(error) if error.as_service_error().is_some_and(|error| error.is_execution_does_not_exist()) => Ok(None),
        Err(error) => Err(error::from_sdk("DescribeExecution", error)),
    }
}

/// Describes an execution.
///
/// # Errors
/// There is no such execution, or Step Functions does not answer.
pub async fn describe(sfn: &Client, arn: &str) -> Result<DescribeExecutionOutput> {
    let described = find(sfn, arn).await?;
    described.with_context(|| format!("there is no execution {arn}; `nightly status` lists the last runs"))
}

/// Returns the ARN of an execution of a state machine. `execution` is its ARN or its name.
pub fn arn(state_machine: &str, execution: &str) -> String {
    if execution.starts_with("arn:") {
        return execution.to_owned();
    }
    format!("{}:{execution}", state_machine.replacen(":stateMachine:", ":execution:", 1))
}

pub fn name(execution: &str) -> &str {
    execution.rsplit(':').next().unwrap_or(execution)
}

fn forgotten(execution: String) -> RunRecord {
    let outcome = RunStatus::Failed("no report, and Step Functions knows it no longer".into());
    RunRecord { execution, night: None, dry_run: false, started: None, ended: None, outcome, summary: None }
}

fn outcome(described: &DescribeExecutionOutput) -> RunStatus {
    // Every incomplete run that sent its email has the error NightIncomplete. Its cause names the report only if the run wrote one.
    let error = described.error().filter(|error| *error != "NightIncomplete").unwrap_or_default();
    let cause = described.cause().unwrap_or_default();
    match &described.status {
        ExecutionStatus::Succeeded => RunStatus::Complete,
        ExecutionStatus::Running | ExecutionStatus::PendingRedrive => RunStatus::Running(None),
        ExecutionStatus::Failed if Folder::named(cause).is_some() => RunStatus::NotComplete,
        status => RunStatus::Failed(why(status, error, cause)),
    }
}

fn why(status: &ExecutionStatus, error: &str, cause: &str) -> String {
    let ended = match status {
        ExecutionStatus::Aborted => "stopped by a person",
        ExecutionStatus::TimedOut => "it took too long and was stopped",
        _ => "",
    };
    let said = [ended, error, cause].into_iter().filter(|text| !text.is_empty());
    cut(&safe(&said.collect::<Vec<_>>().join(": ")), LONGEST_CAUSE)
}
