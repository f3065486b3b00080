//! Reads the night's input and lists one Region's volumes: those to snapshot, and those that have tonight's already.
//! It runs for every Region before anything is created, so that bad input stops the night before it changes anything.

use aws::{error, snapshots};
use aws_sdk_ec2::{Client, types::Filter};
use domain::{
    Error, Intervals, Night,
    input::Start,
    messages::{Discovery, Keyed, Volume},
    night,
    origin::Origin,
    selection::Selection,
    step_functions::Execution,
    tags,
};
use ledger::{Ledger, Sorted, Sorter};
use serde::{Deserialize, Serialize};

mod servers;

/// One Region, and the execution whose input starts the night.
#[derive(Debug, Deserialize)]
pub struct Input {
    /// The Region.
    pub region: String,
    /// `$$.Execution`
    pub execution: Execution,
}

/// The stack's parameters that bear on discovery.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The name under which the whole was deployed.
    pub backup_stack: String,
    /// An IANA zone.
    pub time_zone: String,
    /// Empty, or `Key=Value`.
    pub volume_tag: String,
}

/// Lists the Region's volumes and writes both lists to the ledger. `home` is EC2 in the stack's own Region.
///
/// # Errors
/// `BadInput` for an input, a parameter or a Region that a person must mend; `Transient` or `Refused` from EC2 or S3.
pub async fn handle(
    home: &Client,
    ec2: &Client,
    ledger: &Ledger,
    settings: &Settings,
    input: Input,
) -> Result<Discovery, Error> {
    let start = Start::read(&input.execution.input, input.execution.start_time)?;
    let night = Night::of(start.time, &night::zone(&settings.time_zone)?);
    lambda::log::night(night);
    let selection = Selection::read(&settings.volume_tag)?;
    let stack = tags::backup_stack(&settings.backup_stack)?;
    require_enabled(home, &input.region).await?;

    let sorter = |name| input.execution.sorting_name(&input.region, name);
    let made = made(ec2, stack, night, Sorter::new(ledger, sorter("made"))).await?;
    let volumes = selected(ec2, &selection, Sorter::new(ledger, sorter("volumes"))).await?;
    let servers = servers::named(ec2, Sorter::new(ledger, sorter("servers"))).await?;

    let list = |name| input.execution.ledger_key(night, &format!("{}/{name}.jsonl", input.region));
    let (mut work, mut protected) = (ledger.write_list(list("work-list")), ledger.write_list(list("protected")));
    let (mut volumes, mut made, mut servers) = (volumes.merge().await?, made.merge().await?, servers.merge().await?);
    // A volume that changes while EC2 pages through them may be on two pages: a group of more than one.
    while let Some(mut volume) = volumes.next_group().await?.pop() {
        volume.server = servers.of(&volume.volume_id).await?.pop().map(|server| server.name);
        let made = made.of(&volume.volume_id).await?;
        match made.iter().any(|snapshot| snapshot.is_described) {
            true => protected.write(&volume).await?,
            false => work.write(&Volume { has_snapshot: !made.is_empty(), ..volume }).await?,
        }
    }
    Ok(Discovery {
        night,
        intervals: Intervals::due(night),
        dry_run: start.dry_run,
        work_list: work.finish().await?,
        protected: protected.finish().await?,
        region: input.region,
    })
}

/// Asks through a filter, not by name: EC2 answers a filter for a Region that does not exist with an empty list.
async fn require_enabled(home: &Client, region: &str) -> Result<(), Error> {
    let named = Filter::builder().name("region-name").values(region).build();
    let answer = home.describe_regions().all_regions(true).filters(named).send().await;
    let regions = answer.map_err(|error| error::of("DescribeRegions", error))?.regions.unwrap_or_default();
    let enabled = regions.iter().any(|found| {
        found.region_name() == Some(region) && found.opt_in_status().is_none_or(|status| status != "not-opted-in")
    });
    let problem = "not a Region that is enabled for this account; correct the Regions parameter or enable it";
    if enabled { Ok(()) } else { Err(Error::bad_input("Regions", region, problem)) }
}

async fn selected<'a>(
    ec2: &Client,
    selection: &Selection,
    mut found: Sorter<'a, Volume>,
) -> Result<Sorted<'a, Volume>, Error> {
    let in_use = Filter::builder().name("status").values("in-use").build();
    let mut listed = ec2.describe_volumes().filters(in_use).max_results(1_000).into_paginator().items().send();
    while let Some(listed) = listed.next().await {
        let listed = listed.map_err(|error| error::of("DescribeVolumes", error))?;
        if let Some(volume) = volume(listed).filter(|volume| selection.selects(&volume.tags)) {
            found.insert(volume).await?;
        }
    }
    found.finish().await
}

fn volume(volume: aws_sdk_ec2::types::Volume) -> Option<Volume> {
    let tags = snapshots::tags_of(volume.tags());
    let instances = volume.attachments().iter().filter_map(|attachment| attachment.instance_id.clone()).collect();
    let origin = origin(&volume);
    Some(Volume { volume_id: volume.volume_id?, instances, tags, origin, server: None, has_snapshot: false })
}

fn origin(volume: &aws_sdk_ec2::types::Volume) -> Option<Origin> {
    let attachment = volume.attachments().first();
    Some(Origin {
        kind: volume.volume_type()?.as_str().to_owned(),
        iops: volume.iops(),
        throughput: volume.throughput(),
        zone: volume.availability_zone()?.to_owned(),
        device: attachment.and_then(|attachment| attachment.device.clone()),
        instance: attachment.and_then(|attachment| attachment.instance_id.clone()),
        multi_attach: volume.multi_attach_enabled().unwrap_or(false),
    })
}

/// A snapshot of tonight. A volume whose only one lacks its description goes back on the work list: snapshot-one finds it, and
/// tag-snapshot finishes it.
#[derive(Clone, Serialize, Deserialize)]
struct Made {
    volume_id: String,
    is_described: bool,
}

impl Keyed for Made {
    fn key(&self) -> &str {
        &self.volume_id
    }
}

async fn made<'a>(
    ec2: &Client,
    stack: &str,
    night: Night,
    mut made: Sorter<'a, Made>,
) -> Result<Sorted<'a, Made>, Error> {
    snapshots::each_of_night(ec2, stack, night, async |snapshot| {
        let is_described = snapshot.tags().iter().any(|tag| tag.key() == Some(tags::NAME));
        match snapshot.volume_id.clone().filter(|_| snapshots::protects(&snapshot)) {
            Some(volume_id) => made.insert(Made { volume_id, is_described }).await,
            None => Ok(()),
        }
    })
    .await?;
    made.finish().await
}

#[cfg(test)]
mod tests;
