//! Reads what became of each restore point of a drill, writes the report and the Regions' proofs to the ledger, and says whether all is
//! proven and, if it is not, what the email is to say.
//!
//! # Layout
//! - [`handle`]: the report.
//! - [`children`]: what the rounds left.
//! - [`region`]: one Region's part of it, and its proofs.

pub mod children;
pub mod region;

use domain::{Error, Night, drill::messages::RegionDrill, input::DrillStart, night, step_functions::Execution, tags};
use jiff::Timestamp;
use ledger::Ledger;
use report::{drill::DrillSummary, drill_mail::headline, mail::Mail};
use serde::{Deserialize, Serialize};

use region::Region;

/// The whole drill, as the state machine leaves it.
#[derive(Debug, Deserialize)]
pub struct Input {
    /// `$$.Execution`
    pub execution: Execution,
    /// One entry a Region.
    pub regions: Vec<RegionDrill>,
}

/// What the state machine decides on, and the email that it sends.
#[derive(Debug, Serialize)]
pub struct Output {
    /// Whether all that the drill took is proven, and nothing is left of it.
    pub good: bool,
    /// Whether there is an email to send.
    pub notify: bool,
    /// One line: the date, how it went, and where the report is.
    pub summary: String,
    /// The email; empty texts where there is none to send.
    pub mail: Mail,
}

impl Output {
    /// What the state machine needs of a drill.
    pub fn of(drill: &DrillSummary) -> Self {
        let nothing = Mail { subject: String::new(), message: String::new() };
        let good = drill.is_good();
        let summary = format!("Drill of {}: {}; report: {}", drill.date, headline(drill), drill.location);
        Self { good, notify: !good, summary, mail: if good { nothing } else { Mail::of_drill(drill) } }
    }
}

/// The stack's parameters that bear on the report.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The name under which the whole was deployed.
    pub backup_stack: String,
    /// An IANA zone.
    pub time_zone: String,
}

/// What the report is made from.
pub struct Clients {
    /// Step Functions, in the stack's own Region.
    pub sfn: aws_sdk_sfn::Client,
    /// The ledger.
    pub ledger: Ledger,
}

/// Writes the report and the proofs. `clock` says when that is nearly done; `tell` takes a line of the log for each volume.
///
/// # Errors
/// `BadInput` as drill-choose; `Transient` or `Refused` from Step Functions or S3.
pub async fn handle(
    clients: &Clients,
    settings: &Settings,
    clock: fn() -> Timestamp,
    mut tell: impl FnMut(serde_json::Value),
    input: Input,
) -> Result<DrillSummary, Error> {
    let Input { execution, regions } = input;
    let start = DrillStart::read(&execution.input, execution.start_time)?;
    let date = Night::of(start.time, &night::zone(&settings.time_zone)?);
    lambda::log::night(date);
    let stack = tags::backup_stack(&settings.backup_stack)?;
    if regions.is_empty() {
        return Err(Error::bad_input("Regions", "\"\"", "names no Region, so nothing was proven"));
    }
    let mut children = children::read(&clients.sfn, &clients.ledger, &execution, &regions).await?;

    let key = execution.drill_key(date, "report.json");
    let mut drill = DrillSummary {
        backup_stack: stack.to_owned(),
        date,
        execution: execution.id.clone(),
        location: clients.ledger.location(&key),
        started: execution.start_time,
        ended: execution.start_time,
        regions: Vec::new(),
    };
    let mut report = clients.ledger.write_document(key);
    report.object().await?;
    report.member("backupStack", &drill.backup_stack).await?;
    report.member("date", &date).await?;
    report.member("execution", &drill.execution).await?;
    report.member("location", &drill.location).await?;
    report.member("started", &drill.started).await?;
    report.list("regions").await?;
    for planned in regions {
        let left = children.remove(&planned.region).unwrap_or_default();
        let region = Region { ledger: &clients.ledger, execution: &execution, planned };
        drill.regions.push(region.write(&mut report, left, &mut tell).await?);
    }
    report.close().await?;
    drill.ended = clock();
    report.member("ended", &drill.ended).await?;
    report.member("good", &drill.is_good()).await?;
    report.member("mail", &(!drill.is_good()).then(|| Mail::of_drill(&drill))).await?;
    report.close().await?;
    report.finish().await?;
    Ok(drill)
}

#[cfg(test)]
mod tests;
