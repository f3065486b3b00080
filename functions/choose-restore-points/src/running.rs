//! One drill at a time: a second would take the volumes of the first for left over, and hold as much again.

use aws_sdk_sfn::{
    Client,
    types::{ExecutionListItem, ExecutionStatus},
};
use domain::{Error, wire::Execution};
use jiff::Timestamp;
use runtime::error;

/// Refuses to go on while a drill runs that started before this one.
///
/// # Errors
/// `BadInput` that names it; `Transient` or `Refused` from Step Functions.
pub async fn refuse_a_second(sfn: &Client, execution: &Execution) -> Result<(), Error> {
    let list = sfn.list_executions().state_machine_arn(execution.state_machine());
    let listed = list.status_filter(ExecutionStatus::Running).into_paginator().items().send();
    let running = listed.collect::<Result<Vec<_>, _>>().await.map_err(|error| error::of("ListExecutions", error))?;
    // To the second: Step Functions' own list and its context object round differently.
    let own = (execution.start_time.as_second(), execution.name.as_str());
    let first = running
        .iter()
        .filter(|one| one.execution_arn != execution.id && (started(one), one.name()) < own)
        .min_by_key(|one| started(one));
    match first {
        None => Ok(()),
        Some(first) => {
            let todo = "another drill is running; wait for it, or stop it: the next one deletes what it leaves";
            Err(Error::bad_input("execution", first.name(), todo))
        }
    }
}

fn started(execution: &ExecutionListItem) -> i64 {
    Timestamp::from_second(execution.start_date.secs()).unwrap_or_default().as_second()
}
