//! The check for other running drills. Another drill would delete this one's volumes as left behind, and both together would create twice
//! as many volumes as `DrillVolumes` allows.

use aws::error;
use aws_sdk_sfn::{Client, types::ExecutionStatus};
use domain::{Error, ErrorName, step_functions::Execution};
use jiff::{SignedDuration, Timestamp};

/// Minimum age of a drill before it lists executions, because ListExecutions is eventually consistent (Step Functions API reference).
const START_TOLERANCE: SignedDuration = SignedDuration::from_secs(5);

/// Requires that no other running drill takes precedence. The drill that started first continues. Of two that started at the same time, the
/// one with the name that sorts first continues.
///
/// # Errors
/// `BadInput` with the name of the drill that continues; `Transient` or `Refused` from Step Functions.
pub async fn require_none(sfn: &Client, execution: &Execution) -> Result<(), Error> {
    let age = Timestamp::now().duration_since(execution.start_time);
    if (SignedDuration::ZERO..START_TOLERANCE).contains(&age) {
        tokio::time::sleep((START_TOLERANCE - age).unsigned_abs()).await;
    }
    let list = sfn.list_executions().state_machine_arn(state_machine(&execution.id));
    let mut listed = list.status_filter(ExecutionStatus::Running).into_paginator().items().send();
    let own = (execution.start_time.as_millisecond(), execution.name.as_str());
    while let Some(other) = listed.next().await {
        let other = other.map_err(|error| error::from_sdk("ListExecutions", error))?;
        let started = Timestamp::from_millisecond(other.start_date.to_millis().unwrap_or_default()).unwrap_or_default();
        if other.execution_arn != execution.id && (started.as_millisecond(), other.name.as_str()) < own {
            let message = format!("another drill is running, {}; wait for it or stop it", other.name);
            return Err(Error { name: ErrorName::BadInput, message });
        }
    }
    Ok(())
}

/// Returns the state machine of an execution. For example, `arn:aws:states:eu-west-1:123456789012:execution:Nightly:run` belongs to
/// `…:stateMachine:Nightly`.
fn state_machine(execution: &str) -> String {
    let machine = execution.rsplit_once(':').map_or(execution, |(machine, _)| machine);
    machine.replacen(":execution:", ":stateMachine:", 1)
}
