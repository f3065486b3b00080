//! Holds what the night planned against what EC2 now has, writes `report.json` and `summary.json` to the ledger, and says whether
//! the night is complete and, if it is not or is so for the first time again, what the email is to say.
//!
//! # Layout
//! - [`handle`]: the report.
//! - [`region`]: one Region's part of it, held against what EC2 has [`listed`].
//! - [`children`]: why volumes failed. [`proofs`]: what drills proved of volumes.
//! - [`before`]: whether the nights before this one failed. [`servers`]: the names of servers.

pub mod before;
pub mod children;
pub mod listed;
pub mod outcome;
pub mod proofs;
pub mod region;
pub mod servers;

use domain::{
    Error, Intervals, Night,
    cost::{Estimate, Work},
    input::Start,
    messages::RegionNight,
    night,
    step_functions::{Execution, List},
    tags,
};
use jiff::Timestamp;
use ledger::{Ledger, Sorter};
use report::{
    mail::{Mail, Servers, headline},
    night::{Failure, Summary},
};
use serde::{Deserialize, Serialize};

use children::Children;
use region::Region;

/// The whole night, as the state machine leaves it.
#[derive(Debug, Deserialize)]
pub struct Input {
    /// `$$.Execution`
    pub execution: Execution,
    /// One entry a Region.
    pub regions: Vec<RegionNight>,
}

/// What the state machine decides on, and the email that it sends.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    /// Whether every volume is protected and no step failed.
    pub complete: bool,
    /// Whether there is an email to send: there is something to tell, and it is no dry run.
    pub notify: bool,
    /// One line: the Night, how it went, and where the report is.
    pub summary: String,
    /// The email; empty texts where there is none to send.
    pub mail: Mail,
}

impl Output {
    /// What the state machine needs of a night.
    pub fn of(Reported { night, mail }: Reported) -> Self {
        let nothing = Mail { subject: String::new(), message: String::new() };
        Self {
            complete: night.is_complete(),
            notify: mail.is_some(),
            summary: format!("Night {}: {}; report: {}", night.night, headline(&night), night.location),
            mail: mail.unwrap_or(nothing),
        }
    }
}

/// A night that was reported.
#[derive(Debug)]
pub struct Reported {
    /// The night in numbers.
    pub night: Summary,
    /// The email that it sends; none where it has nothing to tell, and none from a dry run.
    pub mail: Option<Mail>,
}

/// The stack's parameters that bear on the report.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The name under which the whole was deployed.
    pub backup_stack: String,
    /// An IANA zone.
    pub time_zone: String,
}

/// What the report is made from. `ec2` makes a client for a Region.
pub struct Clients<F: Fn(&str) -> aws_sdk_ec2::Client> {
    /// EC2, by Region.
    pub ec2: F,
    /// Step Functions, in the stack's own Region.
    pub sfn: aws_sdk_sfn::Client,
    /// The ledger.
    pub ledger: Ledger,
}

/// Writes the report and its summary. `clock` says when that is nearly done.
///
/// # Errors
/// `BadInput` as discover-volumes; `Transient` or `Refused` from EC2, Step Functions or S3.
pub async fn handle<F>(
    clients: &Clients<F>,
    settings: &Settings,
    clock: fn() -> Timestamp,
    input: Input,
) -> Result<Reported, Error>
where
    F: Fn(&str) -> aws_sdk_ec2::Client,
{
    let Input { execution, regions } = input;
    let start = Start::read(&execution.input, execution.start_time)?;
    let zone = night::zone(&settings.time_zone)?;
    let night = Night::of(start.time, &zone);
    lambda::log::night(night);
    let stack = tags::backup_stack(&settings.backup_stack)?;
    let Some(first) = regions.first().map(|region| region.region.clone()) else {
        return Err(Error::bad_input("Regions", "\"\"", "names no Region, so nothing was backed up"));
    };
    let nothing_selected = regions.iter().all(selected_nothing).then(Failure::nothing_selected);
    let Children { mut failed, work } = children::read(&clients.sfn, &clients.ledger, &execution, &regions).await?;
    let work = Work { regions: regions.len() as u64, ..work };

    let key = execution.ledger_key(night, "report.json");
    let mut summary = Summary {
        backup_stack: stack.to_owned(),
        night,
        intervals: Intervals::due(night),
        dry_run: start.dry_run,
        execution: execution.id.clone(),
        location: clients.ledger.location(&key),
        time: start.time,
        started: execution.start_time,
        ended: execution.start_time,
        dollars: 0.0,
        regions: Vec::new(),
        failing_since: None,
    };
    let mut report = clients.ledger.write_document(key);
    report.object().await?;
    report.member("backupStack", &summary.backup_stack).await?;
    report.member("night", &night).await?;
    report.member("intervals", &summary.intervals).await?;
    report.member("dryRun", &summary.dry_run).await?;
    report.member("execution", &summary.execution).await?;
    report.member("location", &summary.location).await?;
    report.list("regions").await?;
    for planned in regions {
        let mut steps: Vec<_> = planned.failure.iter().map(|(step, caught)| Failure::of_step(step, caught)).collect();
        steps.extend(nothing_selected.clone().filter(|_| planned.region == first));
        let name = || Sorter::new(&clients.ledger, execution.sorting_name(&planned.region, "failures"));
        let children = failed.remove(&planned.region).unwrap_or_else(name).finish().await?;
        let (ec2, ledger, execution) = ((clients.ec2)(&planned.region), &clients.ledger, &execution);
        let region = Region { ec2, ledger, stack, night, dry_run: start.dry_run, execution, planned, steps, children };
        summary.regions.push(region.write(&mut report).await?);
    }
    report.close().await?;
    if summary.is_complete() && !summary.dry_run {
        let before = before::failing_since(&clients.sfn, &execution, &zone).await;
        summary.failing_since = before.unwrap_or_else(|error| without("the nights before", error));
    }
    summary.ended = clock();
    let seconds = summary.ended.duration_since(execution.start_time).as_secs_f64();
    let estimate = Estimate::of(Work { seconds, ..work });
    summary.dollars = estimate.dollars;
    let mail = mail(clients, &summary).await;
    report.member("complete", &summary.is_complete()).await?;
    report.member("estimate", &estimate).await?;
    report.member("mail", &mail).await?;
    report.close().await?;
    report.finish().await?;
    clients.ledger.write_value(execution.ledger_key(night, "summary.json"), &summary).await?;
    Ok(Reported { night: summary, mail })
}

async fn mail<F>(clients: &Clients<F>, night: &Summary) -> Option<Mail>
where
    F: Fn(&str) -> aws_sdk_ec2::Client,
{
    if night.dry_run || !night.has_news() {
        return None;
    }
    let mut servers = Servers::new();
    for region in &night.regions {
        let added = servers::add(&(clients.ec2)(&region.region), region, &mut servers).await;
        added.unwrap_or_else(|error| without("the names of the servers", error));
    }
    Some(Mail::of(night, &servers))
}

/// What only adds to the email must not keep it from being sent.
fn without<T: Default>(what: &str, error: Error) -> T {
    tracing::warn!(%error, "the email goes without {what}");
    T::default()
}

/// Whether discovery found no volume in a Region, and nothing failed there.
fn selected_nothing(region: &RegionNight) -> bool {
    let count = |list: &Option<List>| list.as_ref().map_or(0, |list| list.count);
    count(&region.work_list) + count(&region.protected) == 0 && region.failure.is_empty()
}

#[cfg(test)]
mod tests;
