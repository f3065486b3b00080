//! Reads what a drill's rounds came to, writes its `report.json` and each Region's proofs to the ledger, and says whether everything was
//! proven and, if not, what the email is to say.
//!
//! # Layout
//! - [`handle`]: the report. [`region`]: one Region's part of it, and its proofs.
//! - [`rounds`]: what the child executions left.

pub mod region;
pub mod rounds;

use domain::{
    Error, Night,
    drill_report::{Drill, RegionDrilled},
    drill_wire::RegionDrill,
    mail::Mail,
    night,
    start::DrillStart,
    tags,
    wire::Execution,
};
use jiff::Timestamp;
use runtime::Ledger;
use serde::{Deserialize, Serialize};

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
    /// Whether everything was proven, and nothing failed.
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
    pub fn of(drill: &Drill) -> Self {
        let nothing = Mail { subject: String::new(), message: String::new() };
        Self {
            good: drill.is_good(),
            notify: !drill.is_good(),
            summary: format!("Drill of {}: {}; report: {}", drill.date, drill.headline(), drill.location),
            mail: if drill.is_good() { nothing } else { drill.mail() },
        }
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

/// Writes the report and the proofs. `clock` says when a volume was drilled, and when the report is nearly done; `say` is told each line
/// of the log that the dashboard asks for.
///
/// # Errors
/// `BadInput` as choose-restore-points; `Transient` or `Refused` from Step Functions or S3.
pub async fn handle(
    sfn: &aws_sdk_sfn::Client,
    ledger: &Ledger,
    settings: &Settings,
    clock: fn() -> Timestamp,
    say: &dyn Fn(serde_json::Value),
    input: Input,
) -> Result<Drill, Error> {
    let Input { execution, regions } = input;
    let start = DrillStart::read(&execution.input, execution.start_time)?;
    let date = Night::of(start.time, &night::zone(&settings.time_zone)?);
    let stack = tags::backup_stack(&settings.backup_stack)?;
    let mut came_to = rounds::read(sfn, ledger, &execution, &regions).await?;

    let key = execution.drill_key(date, "report.json");
    let mut drill = Drill {
        backup_stack: stack.to_owned(),
        date,
        execution: execution.id.clone(),
        location: ledger.location(&key),
        started: execution.start_time,
        ended: execution.start_time,
        regions: Vec::new(),
    };
    let mut report = ledger.write_document(key);
    report.object().await?;
    report.member("backupStack", &drill.backup_stack).await?;
    report.member("date", &date).await?;
    report.member("execution", &drill.execution).await?;
    report.member("location", &drill.location).await?;
    report.member("started", &drill.started).await?;
    report.list("regions").await?;
    for planned in regions {
        let drilled: RegionDrilled = match came_to.remove(&planned.region) {
            Some(came_to) => region::write(ledger, &execution, clock(), say, planned, came_to, &mut report).await?,
            None => continue,
        };
        drill.regions.push(drilled);
    }
    report.close().await?;
    drill.ended = clock();
    report.member("ended", &drill.ended).await?;
    report.member("good", &drill.is_good()).await?;
    report.member("mail", &(!drill.is_good()).then(|| drill.mail())).await?;
    report.close().await?;
    report.finish().await?;
    say(domain::metrics::of_drill(&drill));
    Ok(drill)
}

#[cfg(test)]
mod tests;
