//! Reads the results of a drill's child executions, and writes the report and the Regions' proofs to the ledger. Returns whether everything
//! is proven and, if not, the email.
//!
//! # Layout
//! - [`handle`]: the report.
//! - [`region`]: one Region's part of the report, and its proofs.
//! - [`children`]: the child executions. [`outcome`]: the outcome of each restore point, and the updated proof of its volume.

pub mod children;
pub mod outcome;
pub mod region;

use domain::{
    Error, Night, drill::messages::DrillRegionInput, input::DrillInput, night, step_functions::Execution, tags,
};
use jiff::Timestamp;
use ledger::{Ledger, keys};
use report::{
    drill::{DrillReport, FailedStep},
    drill_mail::{self, headline},
    mail::Mail,
};
use serde::{Deserialize, Serialize};

/// The results of the whole drill.
#[derive(Debug, Deserialize)]
pub struct Input {
    pub execution: Execution,
    pub regions: Vec<DrillRegionInput>,
}

/// The outcome of the drill for the state machine, and the email to send.
#[derive(Debug, Serialize)]
pub struct Output {
    /// Whether every restore point is proven and no volume is left behind.
    pub complete: bool,
    /// One line with the date, the result, and the location of the report.
    pub summary: String,
    /// Null if the drill is complete.
    pub mail: Option<Mail>,
}

impl From<DrillReport> for Output {
    fn from(drill: DrillReport) -> Self {
        let summary = format!("Drill of {}: {}; report: {}", drill.date, headline(&drill), drill.location);
        Self { complete: drill.complete, summary, mail: drill.mail }
    }
}

/// Parameters of the stack.
#[derive(Clone, Debug)]
pub struct Settings {
    pub backup_stack: String,
    /// Name of the stack, for the commands in emails.
    pub stack: String,
    pub time_zone: String,
}

/// Writes the report and the proofs. `clock` returns the time at which the report is almost complete. `log` receives a line for each
/// volume.
///
/// # Errors
/// `BadInput` for the same reasons as in drill-choose; `Transient` or `Refused` from S3.
pub async fn handle(
    ledger: &Ledger,
    settings: &Settings,
    clock: fn() -> Timestamp,
    mut log: impl FnMut(serde_json::Value),
    input: Input,
) -> Result<DrillReport, Error> {
    let Input { execution, regions } = input;
    let start = DrillInput::read(&execution.input, execution.start_time)?;
    let date = Night::from_time(start.time, &night::zone(&settings.time_zone)?);
    lambda::log::night(date);
    let stack = tags::backup_stack(&settings.backup_stack)?;
    if regions.is_empty() {
        return Err(Error::bad_input("Regions", "\"\"", "contains no Region, so nothing was proven"));
    }
    let key = keys::drill(date, &execution, "report.json");
    let mut report = DrillReport {
        backup_stack: stack.to_owned(),
        stack: settings.stack.clone(),
        date,
        execution: execution.id.clone(),
        location: ledger.location(&key),
        started: execution.start_time,
        ended: execution.start_time,
        regions: Vec::new(),
        complete: false,
        mail: None,
    };
    for drill in regions {
        // Boxed, because the SDK's futures are deeply nested.
        report.regions.push(Box::pin(region::report(ledger, &execution, drill, &mut log)).await?);
    }
    if report.total(|region| region.volumes + region.failures.len()) == 0 {
        report.regions[0].failures.push(FailedStep::nothing_to_prove());
    }
    report.ended = clock();
    report.complete = report.is_complete();
    report.mail = drill_mail::mail(&report);
    ledger.write_value(key, &report).await?;
    Ok(report)
}

#[cfg(test)]
mod tests;
