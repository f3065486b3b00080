//! Chooses what of one Region a drill restores: of the volumes that were drilled longest ago, the newest restore point of each Interval.
//! It writes them to the ledger in rounds that keep to the limits; what a drill before left behind comes first, in rounds of its own.
//!
//! # Layout
//! - [`handle`]: the choice. [`candidates`]: the volumes and their restore points, those drilled longest ago first.
//! - [`place`]: the zone and the server. [`running`]: whether another drill runs.

pub mod candidates;
pub mod place;
pub mod running;

use aws_sdk_ec2::{Client, types::Filter};
use domain::{
    Error, Night,
    drill::{DRILL_EXECUTION, Item, Leftover, Limits, RESTORE_DRILL, RestorePoint, Rounds, choose, sample, weeks},
    drill_report::UnprovenPoint,
    drill_wire::Chosen,
    night,
    start::DrillStart,
    tags,
    wire::Execution,
};
use runtime::{Ledger, error};
use serde::Deserialize;

/// One Region, and the execution whose input starts the drill.
#[derive(Debug, Deserialize)]
pub struct Input {
    /// The Region.
    pub region: String,
    /// `$$.Execution`
    pub execution: Execution,
}

/// The stack's parameters that bear on a drill, as text.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The name under which the whole was deployed.
    pub backup_stack: String,
    /// An IANA zone.
    pub time_zone: String,
    /// Availability Zones parted by commas; empty for the first of each Region.
    pub zones: String,
    /// The server that looks at what is on the volumes; empty where there is none.
    pub instance: String,
    /// Whether this is the stack's own Region, where the server is.
    pub is_home: bool,
    /// [`Limits::volumes`]
    pub volumes: String,
    /// [`Limits::gibibytes`]
    pub gibibytes: String,
    /// [`weeks`]
    pub weeks: String,
}

/// What the choice is made from.
pub struct Clients {
    /// EC2 in the Region.
    pub ec2: Client,
    /// Step Functions in the stack's own Region.
    pub sfn: aws_sdk_sfn::Client,
}

/// Chooses, and writes the rounds and what it cannot take to the ledger.
///
/// # Errors
/// `BadInput` for an input or a parameter that a person must mend, and while another drill runs; `Transient` or `Refused` from AWS.
pub async fn handle(clients: &Clients, ledger: &Ledger, settings: &Settings, input: Input) -> Result<Chosen, Error> {
    let Input { region, execution } = input;
    let start = DrillStart::read(&execution.input, execution.start_time)?;
    let date = Night::of(start.time, &night::zone(&settings.time_zone)?);
    let stack = tags::backup_stack(&settings.backup_stack)?;
    let limits = Limits::read(&settings.volumes, &settings.gibibytes)?;
    let weeks = if start.all { 1 } else { weeks(&settings.weeks)? };
    running::refuse_a_second(&clients.sfn, &execution).await?;
    let place = place::find(&clients.ec2, settings, &region).await?;

    let leftovers = leftovers(&clients.ec2, stack, &execution.name).await?;
    let sorting = |name: &str| execution.sorting_name(&region, name);
    let candidates = candidates::read(&clients.ec2, ledger, stack, &region, sorting).await?;
    let (volumes, mut oldest_first) = (candidates.count, candidates.oldest_first().await?);
    let taken = sample(volumes, weeks);

    let key = |name| execution.drill_key(date, &format!("{region}/{name}.jsonl"));
    let (mut list, mut unproven) = (ledger.write_list(key("rounds")), ledger.write_list(key("unproven")));
    let mut rounds = Rounds::new(limits);
    for volume_id in &leftovers {
        if let Some(full) = rounds.add(Item::Leftover(Leftover { volume_id: volume_id.clone() })) {
            list.write(&full).await?;
        }
    }
    for _ in 0..taken {
        let Some(candidate) = oldest_first.next().await? else { break };
        for point in choose(&candidate.restore_points) {
            if !rounds.takes(&point) {
                unproven.write(&too_large(point, limits)).await?;
                continue;
            }
            if let Some(full) = rounds.add(Item::Point(point)) {
                list.write(&full).await?;
            }
        }
    }
    if let Some(last) = rounds.close() {
        list.write(&last).await?;
    }
    let (rounds, unproven) = (list.finish().await?, unproven.finish().await?);
    let (zone, instance, leftovers) = (place.zone, place.instance, leftovers.len());
    Ok(Chosen { region, date, zone, instance, rounds, unproven, volumes, taken, leftovers })
}

fn too_large(point: RestorePoint, limits: Limits) -> UnprovenPoint {
    let size = point.gibibytes;
    let reason = format!("TooLarge: it has {size} GiB, and the parameter DrillGiB allows {} at once", limits.gibibytes);
    UnprovenPoint::new(point, reason)
}

/// The volumes that other executions of this stack's drill made: none of them runs any more.
async fn leftovers(ec2: &Client, stack: &str, execution: &str) -> Result<Vec<String>, Error> {
    let ours = Filter::builder().name(format!("tag:{RESTORE_DRILL}")).values(stack).build();
    let listed = ec2.describe_volumes().filters(ours).max_results(1_000).into_paginator().items().send();
    let found = listed.collect::<Result<Vec<_>, _>>().await.map_err(|error| error::of("DescribeVolumes", error))?;
    let by_this = |volume: &aws_sdk_ec2::types::Volume| {
        volume.tags().iter().any(|tag| tag.key() == Some(DRILL_EXECUTION) && tag.value() == Some(execution))
    };
    Ok(found.into_iter().filter(|volume| !by_this(volume)).filter_map(|volume| volume.volume_id).collect())
}

#[cfg(test)]
mod tests;
