//! The child executions of a night's Map Runs that failed, and why.

use aws_sdk_sfn::{
    Client,
    operation::describe_execution::DescribeExecutionOutput,
    types::{ExecutionStatus, MapRunListItem},
};
use domain::{
    Error,
    report::Failure,
    wire::{Caught, Expired, Volume},
};
use runtime::error;
use serde::Deserialize;
use std::collections::BTreeMap;

/// What a child execution's input says of its subject: a volume to snapshot, or a snapshot to delete.
#[derive(Deserialize)]
struct Child {
    region: String,
    volume: Option<Volume>,
    snapshot: Option<Expired>,
}

/// Every child execution of `execution` that failed, by Region; under an empty name those whose Region is not known.
pub async fn failed(sfn: &Client, execution: &str) -> Result<BTreeMap<String, Vec<Failure>>, Error> {
    let mut by_region = BTreeMap::<String, Vec<Failure>>::new();
    let runs = sfn.list_map_runs().execution_arn(execution).into_paginator().items().send();
    let runs = runs.collect::<Result<Vec<_>, _>>().await.map_err(|error| error::of("ListMapRuns", error))?;
    for run in runs {
        let mut listed = 0;
        for status in [ExecutionStatus::Failed, ExecutionStatus::TimedOut, ExecutionStatus::Aborted] {
            for child in list(sfn, &run.map_run_arn, status).await? {
                let (region, failure) = describe(sfn, &run, &child).await?;
                by_region.entry(region).or_default().push(failure);
                listed += 1;
            }
        }
        let unlisted = count(sfn, &run.map_run_arn).await? - listed;
        if unlisted > 0 {
            by_region.entry(String::new()).or_default().push(unlisted_failure(&run, unlisted));
        }
    }
    Ok(by_region)
}

async fn list(sfn: &Client, run: &str, status: ExecutionStatus) -> Result<Vec<String>, Error> {
    let pages = sfn.list_executions().map_run_arn(run).status_filter(status).max_results(1_000).into_paginator();
    let children = pages.items().send().collect::<Result<Vec<_>, _>>().await;
    let children = children.map_err(|error| error::of("ListExecutions", error))?;
    Ok(children.into_iter().map(|child| child.execution_arn).collect())
}

async fn describe(sfn: &Client, run: &MapRunListItem, child: &str) -> Result<(String, Failure), Error> {
    let described = sfn.describe_execution().execution_arn(child).send().await;
    let described = described.map_err(|error| error::of("DescribeExecution", error))?;
    let input = described.input.as_deref().and_then(|input| serde_json::from_str::<Child>(input).ok());
    let (region, subject) = input.map_or((String::new(), None), |child| {
        let volume = child.volume.map(|volume| volume.volume_id);
        (child.region, volume.or(child.snapshot.map(|snapshot| snapshot.snapshot_id)))
    });
    let caught = caught(described);
    let (message, execution) = (caught.message(), Some(child.to_owned()));
    Ok((region, Failure { step: step(&run.map_run_arn), subject, error: caught.error, message, execution }))
}

fn caught(described: DescribeExecutionOutput) -> Caught {
    let status = described.status;
    Caught { error: described.error.unwrap_or_else(|| status.to_string()), cause: described.cause.unwrap_or_default() }
}

/// How many children failed by the Map Run's own count. ListExecutions is eventually consistent (Step Functions API
/// reference): what it does not list yet must not pass in silence.
async fn count(sfn: &Client, run: &str) -> Result<i64, Error> {
    let described = sfn.describe_map_run().map_run_arn(run).send().await;
    let counts = described.map_err(|error| error::of("DescribeMapRun", error))?.execution_counts;
    Ok(counts.map_or(0, |counts| counts.failed + counts.timed_out + counts.aborted))
}

fn unlisted_failure(run: &MapRunListItem, unlisted: i64) -> Failure {
    Failure {
        step: step(&run.map_run_arn),
        subject: None,
        error: "Unlisted".to_owned(),
        message: format!(
            "{unlisted} more child executions failed that Step Functions does not list yet: look at {}",
            run.map_run_arn
        ),
        execution: None,
    }
}

/// The Map state's name: its `Label`, as the ARN has it (`…:mapRun:<state machine>/<label>:<uuid>`).
fn step(map_run: &str) -> String {
    let label = map_run.split('/').nth(1).and_then(|rest| rest.split(':').next());
    label.unwrap_or(map_run).to_owned()
}
