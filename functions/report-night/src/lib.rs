//! Compares the plan of a run with the state of EC2, and writes `report.json` and `summary.json` to the ledger. Decides whether the run is
//! complete, and composes its email.
//!
//! # Layout
//! - [`handle`]: the report.
//! - [`region`]: one Region's part of the report. [`outcome`]: one volume's part. [`listed`]: the snapshots and volumes that EC2 lists.
//! - [`children`]: the failed child executions. [`selected`]: the changes since the last run.

pub mod children;
pub mod listed;
pub mod outcome;
pub mod region;
pub mod selected;

use domain::{
    Error, Night,
    input::RunInput,
    messages::RunRegionInput,
    night,
    plan::Plans,
    rules::Rules,
    step_functions::{Execution, LedgerList},
    tags,
};
use jiff::Timestamp;
use ledger::{Ledger, keys};
use report::{
    mail::Mail,
    night::{Failure, Report},
    run_mail,
    summary::Summary,
};
use serde::{Deserialize, Serialize};

use region::RegionSources;

/// The results of the whole run.
#[derive(Debug, Deserialize)]
pub struct Input {
    pub execution: Execution,
    pub regions: Vec<RunRegionInput>,
}

/// The outcome of the run for the state machine, and the email to send.
#[derive(Debug, Serialize)]
pub struct Output {
    /// Whether every volume is protected and no step failed.
    pub complete: bool,
    /// One line with the Night, the outcome, and the location of the report.
    pub summary: String,
    /// Email to send, if any.
    pub mail: Option<Mail>,
}

impl From<Report> for Output {
    fn from(report: Report) -> Self {
        let headline = Summary::from(&report).headline();
        Self {
            complete: report.complete,
            summary: format!("Night {}: {headline}; report: {}", report.night, report.location),
            mail: report.mail,
        }
    }
}

/// Parameters of the stack.
#[derive(Clone, Debug)]
pub struct Settings {
    pub backup_stack: String,
    /// Name of the stack, for the commands in emails.
    pub stack: String,
    pub time_zone: String,
    /// Parsed by [`Plans::read`], like `weekly_on`.
    pub rules: Rules,
    pub weekly_on: String,
}

/// Writes the report and its summary. `ec2` creates a client for a Region. `clock` returns the time at which the report is complete.
///
/// # Errors
/// `BadInput` for the same reasons as in discover-volumes; `Transient` or `Refused` from EC2 or S3.
pub async fn handle<F>(
    ec2: F,
    ledger: &Ledger,
    settings: &Settings,
    clock: fn() -> Timestamp,
    input: Input,
) -> Result<Report, Error>
where
    F: Fn(&str) -> aws_sdk_ec2::Client,
{
    let Input { execution, regions } = input;
    let start = RunInput::read(&execution.input, execution.start_time)?;
    let night = Night::from_time(start.time, &night::zone(&settings.time_zone)?);
    lambda::log::night(night);
    let stack = tags::backup_stack(&settings.backup_stack)?;
    let rules = &settings.rules;
    let plans = Plans::read(&rules.keep, &rules.plans, &settings.weekly_on)?;
    if regions.is_empty() {
        return Err(Error::bad_input("Regions", "\"\"", "contains no Region, so nothing was backed up"));
    }
    let nothing_selected = regions.iter().all(selected_nothing);
    let mut reported = Vec::new();
    for region in regions {
        let ec2 = ec2(&region.region);
        let planned = RegionSources {
            ec2,
            ledger,
            stack,
            night,
            plans: &plans,
            rules,
            dry_run: start.dry_run,
            execution: &execution.name,
            region,
        };
        reported.push(planned.report().await?);
    }
    if nothing_selected {
        reported[0].failures.push(Failure::nothing_selected());
    }
    let key = keys::run(night, &execution, "report.json");
    let mut report = Report {
        backup_stack: stack.to_owned(),
        stack: settings.stack.clone(),
        night,
        intervals: plans.due_on(night),
        dry_run: start.dry_run,
        location: ledger.location(&key),
        time: start.time,
        started: execution.start_time,
        ended: clock(),
        complete: reported.iter().all(|region| region.is_complete()),
        regions: reported,
        mail: None,
        execution: execution.id.clone(),
    };
    report.mail = run_mail::mail(&report);
    ledger.write_value(key, &report).await?;
    ledger.write_value(keys::run(night, &execution, "summary.json"), &Summary::from(&report)).await?;
    Ok(report)
}

/// Returns whether discovery found no volume in a Region, although nothing failed there.
fn selected_nothing(region: &RunRegionInput) -> bool {
    let count = |list: &Option<LedgerList>| list.as_ref().map_or(0, |list| list.count);
    count(&region.work_list) + count(&region.protected) + count(&region.not_due) == 0 && region.failure.is_empty()
}

#[cfg(test)]
mod tests;
