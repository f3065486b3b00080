//! Reads an execution from Step Functions.

use anyhow::{Context, Result};
use aws_sdk_sfn::Client;
use aws_sdk_sfn::types::{ExecutionStatus, HistoryEvent};
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;

use crate::account::{error, executions, map_runs::MapRuns};
use crate::ui::progress::MapCounts;

/// Maximum number of failed child executions of a Map Run whose history is read.
const MOST_CHILDREN: usize = 20;

/// Execution with its definition, its history and its Map Runs. Times are in seconds since 1970.
#[derive(Clone, Debug)]
pub struct FetchedExecution {
    pub name: String,
    /// Name of the state machine.
    pub machine: String,
    pub status: ExecutionStatus,
    /// Definition that the execution runs, in the Amazon States Language.
    pub definition: String,
    pub error: Option<String>,
    pub started: f64,
    /// End time, or the current time if the execution is running.
    pub ended: f64,
    /// History, oldest event first.
    pub events: Vec<HistoryEvent>,
    /// Map Runs by ARN.
    pub map_runs: BTreeMap<String, MapRun>,
}

impl FetchedExecution {
    /// Returns the duration, until now if the execution is running.
    pub fn took(&self) -> SignedDuration {
        SignedDuration::try_from_secs_f64(self.ended - self.started).unwrap_or_default()
    }
}

/// Map Run of a Distributed Map.
#[derive(Clone, Debug)]
pub struct MapRun {
    /// Counts of the child executions.
    pub counts: MapCounts,
    /// Status and history of the first child executions that failed.
    pub failed: Vec<(ExecutionStatus, Vec<HistoryEvent>)>,
}

/// Returns the ARN of the newest execution.
///
/// # Errors
/// There is no execution, or Step Functions does not answer.
pub async fn newest(sfn: &Client, machine: &str) -> Result<String> {
    let listed = sfn.list_executions().state_machine_arn(machine).max_results(1).send().await;
    let listed = listed.map_err(|error| error::from_sdk("ListExecutions", error))?;
    let first = listed.executions().first().map(|one| one.execution_arn().to_owned());
    first.with_context(|| format!("{machine} has no execution yet; start one with: nightly run"))
}

/// Reads everything that a picture needs.
///
/// # Errors
/// There is no such execution, or Step Functions does not answer.
pub async fn fetch(sfn: &Client, arn: &str) -> Result<FetchedExecution> {
    let described = executions::describe(sfn, arn).await?;
    let ran = sfn.describe_state_machine_for_execution().execution_arn(arn).send().await;
    let ran = ran.map_err(|error| error::from_sdk("DescribeStateMachineForExecution", error))?;
    let now = Timestamp::now().as_duration().as_secs_f64();
    Ok(FetchedExecution {
        name: described.name().unwrap_or_default().to_owned(),
        machine: described.state_machine_arn().rsplit(':').next().unwrap_or_default().to_owned(),
        definition: ran.definition,
        error: described.error().map(str::to_owned),
        started: described.start_date().as_secs_f64(),
        ended: described.stop_date().map_or(now, |stop| stop.as_secs_f64()),
        events: history(sfn, arn).await?,
        map_runs: map_runs(sfn, arn).await?,
        status: described.status,
    })
}

async fn history(sfn: &Client, arn: &str) -> Result<Vec<HistoryEvent>> {
    let pages = sfn.get_execution_history().execution_arn(arn).include_execution_data(false).max_results(1000);
    let events = pages.into_paginator().items().send().collect::<Result<Vec<_>, _>>().await;
    events.map_err(|error| error::from_sdk("GetExecutionHistory", error))
}

async fn map_runs(sfn: &Client, arn: &str) -> Result<BTreeMap<String, MapRun>> {
    let mut found = MapRuns::default();
    found.update(sfn, arn).await?;
    let mut runs = BTreeMap::new();
    for (arn, counts) in found.all() {
        let failed = if counts.failed > 0 { failed(sfn, arn).await? } else { Vec::new() };
        runs.insert(arn.to_owned(), MapRun { counts, failed });
    }
    Ok(runs)
}

async fn failed(sfn: &Client, run: &str) -> Result<Vec<(ExecutionStatus, Vec<HistoryEvent>)>> {
    let mut children = Vec::new();
    for status in [ExecutionStatus::Failed, ExecutionStatus::TimedOut, ExecutionStatus::Aborted] {
        let list = sfn.list_executions().map_run_arn(run).status_filter(status.clone());
        let listed = list.max_results(MOST_CHILDREN as i32).send().await;
        let listed = listed.map_err(|error| error::from_sdk("ListExecutions", error))?;
        for child in listed.executions().iter().take(MOST_CHILDREN - children.len()) {
            children.push((status.clone(), history(sfn, child.execution_arn()).await?));
        }
    }
    Ok(children)
}
