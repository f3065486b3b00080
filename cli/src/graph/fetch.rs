//! Asks Step Functions for an execution.

use anyhow::{Context, Result, anyhow, bail};
use aws_sdk_sfn::Client;
use aws_sdk_sfn::types::{ExecutionStatus, MapRunExecutionCounts, MapRunStatus};
use jiff::Timestamp;
use serde_json::Value;

use super::definition::Machine;
use super::events;
use super::execution::{Child, Counts, Event, Execution, MapRun, Status};
use crate::account::error;

/// So many child executions that failed are looked into.
const CHILDREN: usize = 20;

/// The newest execution's ARN.
///
/// # Errors
/// There is none, or Step Functions does not answer.
pub async fn newest(sfn: &Client, machine: &str) -> Result<String> {
    let listed = sfn.list_executions().state_machine_arn(machine).max_results(1).send().await;
    let listed = listed.map_err(|error| error::of("ListExecutions", error))?;
    let first = listed.executions().first().map(|one| one.execution_arn().to_owned());
    first.with_context(|| format!("{machine} has no execution yet; start one with: nightly run"))
}

/// Everything that the picture needs of an execution.
///
/// # Errors
/// There is no such execution, or Step Functions does not answer.
pub async fn fetch(sfn: &Client, arn: &str) -> Result<Execution> {
    let described = sfn.describe_execution().execution_arn(arn).send().await.map_err(|error| {
        let known = error.as_service_error().map(|error| (error.is_execution_does_not_exist(), error.is_invalid_arn()));
        match known {
            Some((true, _)) => anyhow!("there is no execution {arn}; the last nights: nightly status"),
            Some((_, true)) => anyhow!("{arn} is not an execution's ARN; give one, or an execution's name"),
            _ => error::of("DescribeExecution", error),
        }
    })?;
    let started = described.start_date().as_secs_f64();
    let now = Timestamp::now().as_duration().as_secs_f64();
    let stopped = described.stop_date().map_or(now, |stop| stop.as_secs_f64());
    let machine = described.state_machine_arn().rsplit(':').next().unwrap_or_default();
    let json = |text: Option<&str>| text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or(Value::Null);
    Ok(Execution {
        name: described.name().unwrap_or_default().to_owned(),
        machine: machine.to_owned(),
        status: status(described.status()),
        definition: definition(sfn, arn, described.state_machine_arn()).await?,
        output: json(described.output()),
        error: described.error().map(str::to_owned),
        seconds: stopped - started,
        events: history(sfn, arn, started).await?,
        map_runs: map_runs(sfn, arn, started, now).await?,
    })
}

/// That which the execution runs. Of a child execution it is the inside of its Map.
async fn definition(sfn: &Client, arn: &str, machine: &str) -> Result<Value> {
    let (parent, label) = machine.split_once('/').map_or((machine, None), |(parent, label)| (parent, Some(label)));
    let ran = sfn.describe_state_machine_for_execution().execution_arn(arn).send().await;
    let text = match ran {
        Ok(ran) => ran.definition,
        // The local cloud does not know a child execution's.
        Err(_) => {
            let now = sfn.describe_state_machine().state_machine_arn(parent).send().await;
            now.map_err(|error| error::of("DescribeStateMachine", error))?.definition
        }
    };
    let whole: Value =
        serde_json::from_str(&text).with_context(|| format!("the definition of {machine} is not JSON"))?;
    let Some(label) = label else { return Ok(whole) };
    let label = label.split(':').next().unwrap_or(label);
    match Machine::read(&whole).of_label(label) {
        Some(inside) => Ok(inside.clone()),
        // Or it is the inside already.
        None if whole.get("States").is_some() => Ok(whole),
        None => bail!("{parent} has no Distributed Map of the label {label}"),
    }
}

async fn history(sfn: &Client, arn: &str, started: f64) -> Result<Vec<Event>> {
    let pages = sfn.get_execution_history().execution_arn(arn).include_execution_data(true).max_results(1000);
    let found = pages.into_paginator().items().send().collect::<Result<Vec<_>, _>>().await;
    let found = found.map_err(|error| error::of("GetExecutionHistory", error))?;
    Ok(found.iter().map(|event| events::read(event, started)).collect())
}

async fn map_runs(sfn: &Client, arn: &str, started: f64, now: f64) -> Result<Vec<MapRun>> {
    if arn.contains('/') {
        return Ok(Vec::new()); // A child execution starts no Map Runs that could be listed.
    }
    let listed =
        sfn.list_map_runs().execution_arn(arn).into_paginator().items().send().collect::<Result<Vec<_>, _>>().await;
    let mut runs = Vec::new();
    for listed in listed.map_err(|error| error::of("ListMapRuns", error))? {
        let arn = listed.map_run_arn();
        let run =
            sfn.describe_map_run().map_run_arn(arn).send().await.map_err(|error| error::of("DescribeMapRun", error))?;
        let counts = run.execution_counts().map(counts).unwrap_or_default();
        let failed = if counts.failed + counts.aborted > 0 { failed(sfn, arn, started).await? } else { Vec::new() };
        runs.push(MapRun {
            arn: arn.to_owned(),
            status: match run.status() {
                MapRunStatus::Succeeded => Status::Succeeded,
                MapRunStatus::Failed => Status::Failed,
                MapRunStatus::Aborted => Status::Aborted,
                _ => Status::Running,
            },
            started: run.start_date().as_secs_f64() - started,
            stopped: run.stop_date().map_or(now, |stop| stop.as_secs_f64()) - started,
            counts,
            failed,
        });
    }
    Ok(runs)
}

async fn failed(sfn: &Client, run: &str, started: f64) -> Result<Vec<Child>> {
    let mut children = Vec::new();
    for asked_for in [ExecutionStatus::Failed, ExecutionStatus::TimedOut, ExecutionStatus::Aborted] {
        let left = CHILDREN.saturating_sub(children.len());
        if left == 0 {
            break;
        }
        let listed = sfn
            .list_executions()
            .map_run_arn(run)
            .status_filter(asked_for.clone())
            .max_results(left as i32)
            .send()
            .await;
        for child in listed.map_err(|error| error::of("ListExecutions", error))?.executions().iter().take(left) {
            children.push(Child {
                status: status(&asked_for),
                events: history(sfn, child.execution_arn(), started).await?,
            });
        }
    }
    Ok(children)
}

fn counts(counts: &MapRunExecutionCounts) -> Counts {
    let number = |count: i64| usize::try_from(count).unwrap_or_default();
    Counts {
        total: number(counts.total()),
        succeeded: number(counts.succeeded()) + number(counts.results_written()),
        failed: number(counts.failed()) + number(counts.timed_out()),
        aborted: number(counts.aborted()),
        running: number(counts.running()),
    }
}

fn status(status: &ExecutionStatus) -> Status {
    match status {
        ExecutionStatus::Succeeded => Status::Succeeded,
        ExecutionStatus::Failed => Status::Failed,
        ExecutionStatus::TimedOut => Status::TimedOut,
        ExecutionStatus::Aborted => Status::Aborted,
        _ => Status::Running,
    }
}
