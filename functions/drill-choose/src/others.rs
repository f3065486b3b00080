//! Whether another drill is running: it would delete this one's volumes as left behind, and the two would create twice as many as
//! `DrillVolumes` allows.

use aws::error;
use aws_sdk_sfn::{Client, types::ExecutionStatus};
use domain::{Error, step_functions::Execution};
use jiff::{SignedDuration, Timestamp};

/// How old a drill is before it asks: ListExecutions is eventually consistent (Step Functions API reference).
const SETTLED: SignedDuration = SignedDuration::from_secs(5);

/// Of two drills that started at the same time, the one whose name sorts first goes on.
///
/// # Errors
/// `BadInput` with the name of the one that goes on; `Transient` or `Refused` from Step Functions.
pub async fn require_none(sfn: &Client, execution: &Execution) -> Result<(), Error> {
    let age = Timestamp::now().duration_since(execution.start_time);
    if (SignedDuration::ZERO..SETTLED).contains(&age) {
        tokio::time::sleep((SETTLED - age).unsigned_abs()).await;
    }
    let list = sfn.list_executions().state_machine_arn(state_machine(&execution.id));
    let mut listed = list.status_filter(ExecutionStatus::Running).into_paginator().items().send();
    let own = (execution.start_time.as_millisecond(), execution.name.as_str());
    while let Some(other) = listed.next().await {
        let other = other.map_err(|error| error::from_sdk("ListExecutions", error))?;
        let started = Timestamp::from_millisecond(other.start_date.to_millis().unwrap_or_default()).unwrap_or_default();
        if other.execution_arn != execution.id && (started.as_millisecond(), other.name.as_str()) < own {
            return Err(Error::bad_input("another drill is running", &other.name, "wait for it or stop it"));
        }
    }
    Ok(())
}

/// `arn:aws:states:eu-west-1:123456789012:execution:Nightly:run` is one of `…:stateMachine:Nightly`.
fn state_machine(execution: &str) -> String {
    let machine = execution.rsplit_once(':').map_or(execution, |(machine, _)| machine);
    machine.replacen(":execution:", ":stateMachine:", 1)
}
