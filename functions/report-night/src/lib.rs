//! Holds what the night planned against what EC2 now has, writes `report.json` to the ledger, and says whether the night
//! is complete and, if it is not, what the email is to say.
//!
//! # Layout
//! - [`handle`]: the report. - [`children`]: why volumes failed. - [`metrics`]: what CloudWatch is told.

pub mod children;
pub mod metrics;

use domain::{
    Error, Intervals, Night,
    mail::{Mail, headline},
    night,
    report::{Facts, Failure, RegionReport, Report, Tonight, refuse_emptiness},
    start::Start,
    tags,
    wire::{Execution, Expired, List, RegionNight, Volume},
};
use runtime::{Ledger, snapshots};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

const LOOKS_AGAIN: usize = 3;
const BETWEEN_LOOKS: Duration = Duration::from_millis(if cfg!(test) { 1 } else { 5_000 });

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
    /// What the state machine needs of a report.
    pub fn of(report: &Report) -> Self {
        let nothing = Mail { subject: String::new(), message: String::new() };
        Self {
            complete: report.complete,
            notify: report.mail.is_some(),
            summary: format!("Night {}: {}; report: {}", report.night, headline(report), report.location),
            mail: report.mail.clone().unwrap_or(nothing),
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

/// What the report is made from. `ec2` makes a client for a Region.
pub struct Clients<F: Fn(&str) -> aws_sdk_ec2::Client> {
    /// EC2, by Region.
    pub ec2: F,
    /// Step Functions, in the stack's own Region.
    pub sfn: aws_sdk_sfn::Client,
    /// The ledger.
    pub ledger: Ledger,
}

/// Writes the report and returns it.
///
/// # Errors
/// `BadInput` as discover-volumes; `Transient` or `Refused` from EC2, Step Functions or S3.
pub async fn handle<F>(clients: &Clients<F>, settings: &Settings, input: Input) -> Result<Report, Error>
where
    F: Fn(&str) -> aws_sdk_ec2::Client,
{
    let start = Start::read(&input.execution.input, input.execution.start_time)?;
    let night = Night::of(start.time, &night::zone(&settings.time_zone)?);
    let stack = tags::backup_stack(&settings.backup_stack)?;
    if input.regions.is_empty() {
        return Err(Error::bad_input("Regions", "\"\"", "names no Region, so nothing was backed up"));
    }
    let key = input.execution.ledger_key(night, "report.json");

    let mut failed = children::failed(&clients.sfn, &input.execution.id).await?;
    let mut regions = Vec::new();
    for region in input.regions {
        let children = failed.remove(&region.region).unwrap_or_default();
        let ec2 = (clients.ec2)(&region.region);
        let facts = facts(&ec2, &clients.ledger, (stack, night, start.dry_run), region, children).await?;
        regions.push(RegionReport::reconcile(facts, start.dry_run));
    }
    if let Some(first) = regions.first_mut() {
        first.failures.extend(failed.into_values().flatten());
    }
    refuse_emptiness(&mut regions);

    let mut report = Report {
        backup_stack: stack.to_owned(),
        night,
        intervals: Intervals::due(night),
        dry_run: start.dry_run,
        execution: input.execution.id,
        location: clients.ledger.location(&key),
        complete: regions.iter().all(RegionReport::is_complete),
        regions,
        mail: None,
    };
    let news = report.regions.iter().any(RegionReport::has_news);
    report.mail = (news && !report.dry_run).then(|| Mail::of(&report));
    clients.ledger.write_json(&key, &report).await?;
    Ok(report)
}

async fn facts(
    ec2: &aws_sdk_ec2::Client,
    ledger: &Ledger,
    (stack, night, dry_run): (&str, Night, bool),
    region: RegionNight,
    children: Vec<Failure>,
) -> Result<Facts, Error> {
    let work_list = read(ledger, region.work_list.as_ref()).await?;
    let protected = read(ledger, region.protected.as_ref()).await?;
    let expiry = region.expiry.as_ref();
    let expired: Vec<Expired> = read(ledger, expiry.map(|expiry| &expiry.expired)).await?;
    let tonight = match (work_list.is_empty() && protected.is_empty(), dry_run) {
        (true, _) => BTreeMap::new(),
        (false, true) => tonight(ec2, stack, night).await?,
        (false, false) => settled(ec2, stack, night, &work_list, &children).await?,
    };
    Ok(Facts {
        tonight,
        still_listed: if dry_run { BTreeSet::new() } else { still_listed(ec2, stack, &expired).await? },
        unreadable: read(ledger, expiry.map(|expiry| &expiry.unreadable)).await?,
        region: region.region,
        steps: region.failure,
        work_list,
        protected,
        expired,
        children,
    })
}

/// The lines of a list; none where the night did not come so far as to write it, and none read where it has none.
async fn read<T: DeserializeOwned>(ledger: &Ledger, list: Option<&List>) -> Result<Vec<T>, Error> {
    match list {
        Some(list) if list.count > 0 => ledger.read_lines(list).await,
        _ => Ok(Vec::new()),
    }
}

/// Tonight's snapshots, asked for again where one that no child execution failed to make is not listed: what EC2 lists is
/// eventually consistent (EC2 developer guide, "Eventual consistency"), and a moment's lag is no failed night.
async fn settled(
    ec2: &aws_sdk_ec2::Client,
    stack: &str,
    night: Night,
    work_list: &[Volume],
    children: &[Failure],
) -> Result<BTreeMap<String, Vec<Tonight>>, Error> {
    let failed: BTreeSet<_> = children.iter().filter_map(|child| child.subject.as_deref()).collect();
    let made: Vec<_> =
        work_list.iter().map(|volume| &volume.volume_id).filter(|id| !failed.contains(id.as_str())).collect();
    let mut found = tonight(ec2, stack, night).await?;
    for _ in 0..LOOKS_AGAIN {
        if made.iter().all(|volume| found.contains_key(*volume)) {
            break;
        }
        tokio::time::sleep(BETWEEN_LOOKS).await;
        found = tonight(ec2, stack, night).await?;
    }
    Ok(found)
}

async fn tonight(
    ec2: &aws_sdk_ec2::Client,
    stack: &str,
    night: Night,
) -> Result<BTreeMap<String, Vec<Tonight>>, Error> {
    let mut by_volume = BTreeMap::<String, Vec<Tonight>>::new();
    for snapshot in snapshots::of_night(ec2, stack, night).await? {
        let state = snapshot.state().map(|state| state.as_str().to_owned()).unwrap_or_default();
        let found = Tonight { snapshot_id: snapshot.snapshot_id.unwrap_or_default(), state };
        by_volume.entry(snapshot.volume_id.unwrap_or_default()).or_default().push(found);
    }
    Ok(by_volume)
}

/// Which of the expired snapshots EC2 still lists. They share a few Nights, so it asks by Night, not one by one.
async fn still_listed(ec2: &aws_sdk_ec2::Client, stack: &str, expired: &[Expired]) -> Result<BTreeSet<String>, Error> {
    let ids: BTreeSet<&str> = expired.iter().map(|snapshot| snapshot.snapshot_id.as_str()).collect();
    let nights: BTreeSet<Night> = expired.iter().map(|snapshot| snapshot.night).collect();
    let mut still = BTreeSet::new();
    for night in nights {
        let listed = snapshots::of_night(ec2, stack, night).await?;
        still.extend(
            listed.into_iter().filter_map(|snapshot| snapshot.snapshot_id).filter(|id| ids.contains(id.as_str())),
        );
    }
    Ok(still)
}

#[cfg(test)]
mod tests;
