//! An execution's Map Runs and their child executions.

use aws_sdk_sfn::{
    Client,
    operation::describe_execution::DescribeExecutionOutput,
    types::{ExecutionStatus, MapRunListItem},
};
use domain::{Error, step_functions::Caught};

use crate::error;

/// The Map Runs of an execution.
///
/// # Errors
/// `Throttled`, `Transient` or `Refused` from Step Functions.
pub async fn map_runs_of(sfn: &Client, execution: &str) -> Result<Vec<MapRunListItem>, Error> {
    let runs = sfn.list_map_runs().execution_arn(execution).into_paginator().items().send();
    runs.collect::<Result<_, _>>().await.map_err(|error| error::of("ListMapRuns", error))
}

/// The ARNs of at most `most` of a Map Run's child executions with one of these statuses.
///
/// # Errors
/// `Throttled`, `Transient` or `Refused` from Step Functions.
pub async fn child_executions(
    sfn: &Client,
    map_run: &str,
    statuses: &[ExecutionStatus],
    most: usize,
) -> Result<Vec<String>, Error> {
    let mut arns = Vec::new();
    for status in statuses {
        let list = sfn.list_executions().map_run_arn(map_run).status_filter(status.clone()).max_results(1_000);
        let mut listed = list.into_paginator().items().send();
        while arns.len() < most {
            let Some(child) = listed.next().await else { break };
            arns.push(child.map_err(|error| error::of("ListExecutions", error))?.execution_arn);
        }
    }
    Ok(arns)
}

/// A child execution with its input, and its output or its error.
///
/// # Errors
/// `Throttled`, `Transient` or `Refused` from Step Functions.
pub async fn describe_child(sfn: &Client, child: &str) -> Result<DescribeExecutionOutput, Error> {
    let described = sfn.describe_execution().execution_arn(child).send().await;
    described.map_err(|error| error::of("DescribeExecution", error))
}

/// Why a child execution failed; its status where it says no more.
pub fn why_it_failed(child: DescribeExecutionOutput) -> Caught {
    let status = child.status;
    Caught { error: child.error.unwrap_or_else(|| status.to_string()), cause: child.cause.unwrap_or_default() }
}

/// `arn:aws:states:eu-west-1:123456789012:execution:Nightly:run` is one of `…:stateMachine:Nightly`.
pub fn state_machine(execution: &str) -> String {
    let machine = execution.rsplit_once(':').map_or(execution, |(machine, _)| machine);
    machine.replacen(":execution:", ":stateMachine:", 1)
}
