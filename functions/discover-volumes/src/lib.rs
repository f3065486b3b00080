//! Reads the run's input and lists one Region's volumes: those that need a snapshot, those that already have one for the Night, and those
//! whose plan has nothing due. Runs for every Region before anything is created, so that bad input stops the run before it changes anything.

use aws::{error, snapshots};
use aws_sdk_ec2::{
    Client,
    types::{Filter, SnapshotState},
};
use domain::{
    Error, ErrorName, Intervals, Night,
    descriptive_tags::Owner,
    due::{History, due},
    input::{RunInput, count, require_past},
    messages::{Discovery, SelectedVolume},
    night,
    origin::Origin,
    pace::Pace,
    plan::Plans,
    selection::Selection,
    step_functions::Execution,
    tags,
    tags_at_creation::TagsAtCreation,
    tags_not_copied::TagsNotCopied,
};
use ledger::{Ledger, keys};
use serde::Deserialize;
use std::collections::{HashMap, HashSet};

mod servers;

/// One Region, and the execution with the input of the run.
#[derive(Debug, Deserialize)]
pub struct Input {
    pub region: String,
    pub execution: Execution,
}

/// Parameters of the stack, as text. Parameters of other functions are also checked here, before anything is created.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    pub backup_stack: String,
    pub time_zone: String,
    /// Empty, or `Key=Value`.
    pub volume_tag: String,
    /// Parsed by [`TagsNotCopied::read`].
    pub tags_not_copied: String,
    /// Parsed by [`TagsAtCreation::read`].
    pub tags_at_creation: String,
    /// Parsed by [`Pace::read`].
    pub snapshots_per_second: String,
    /// Parsed by [`Plans::read`], like the next two.
    pub keep: String,
    pub plans: String,
    pub weekly_on: String,
    /// Parsed by [`count`].
    pub days_between_runs: String,
    /// Whether a run may be for a Night in the future. Only the local cloud allows this.
    pub any_night: bool,
}

impl Settings {
    /// Checks the parameters of the other functions.
    fn check(&self) -> Result<(), Error> {
        TagsNotCopied::read(&self.tags_not_copied)?;
        TagsAtCreation::read(Owner::default(), &self.tags_at_creation)?;
        Pace::read(&self.snapshots_per_second)?;
        count::<u8>("DaysBetweenRuns", &self.days_between_runs).map(drop)
    }
}

/// Lists the Region's volumes and writes the lists to the ledger. `home` is the EC2 client of the stack's own Region.
///
/// # Errors
/// `BadInput` for an input, a parameter or a Region that a person must fix; `Transient` or `Refused` from EC2 or S3.
pub async fn handle(
    home: &Client,
    ec2: &Client,
    ledger: &Ledger,
    settings: &Settings,
    input: Input,
) -> Result<Discovery, Error> {
    let start = RunInput::read(&input.execution.input, input.execution.start_time)?;
    if !settings.any_night {
        require_past(start.time, input.execution.start_time)?;
    }
    let night = Night::from_time(start.time, &night::zone(&settings.time_zone)?);
    lambda::log::night(night);
    let selection = Selection::read(&settings.volume_tag)?;
    settings.check()?;
    let plans = Plans::read(&settings.keep, &settings.plans, &settings.weekly_on)?;
    let stack = tags::backup_stack(&settings.backup_stack)?;
    require_enabled(home, &input.region).await?;

    let mut snapshots = volume_snapshots(ec2, stack, night).await?;
    let servers = servers::names(ec2).await;
    let list = |name| ledger.write_list(keys::run_list(night, &input.execution, &input.region, name));
    let (mut work, mut protected, mut not_due) = (list("work-list"), list("protected"), list("not-due"));
    // If a volume changes while EC2 pages through the list, the volume may be on two pages.
    let mut listed = HashSet::new();
    let in_use = Filter::builder().name("status").values("in-use").build();
    let mut pages = ec2.describe_volumes().filters(in_use).max_results(1_000).into_paginator().items().send();
    while let Some(found) = pages.next().await {
        let Some(mut volume) = volume(found.map_err(|error| error::from_sdk("DescribeVolumes", error))?) else {
            continue;
        };
        if !selection.selects(&volume.tags) || !listed.insert(volume.volume_id.clone()) {
            continue;
        }
        // If a volume has several servers, this is the one in `origin`.
        volume.server = volume.instances.first().and_then(|instance| servers.get(instance)).cloned();
        let found = snapshots.remove(&volume.volume_id).unwrap_or_default();
        let (plan, rule) = plans.of_volume(&volume.tags);
        volume.plan = plan.to_owned();
        volume.intervals = due(rule, night, plans.weekly_on, &found.history);
        volume.missed = found.history.missed(rule, night, plans.weekly_on);
        let list = match found.tonight {
            Some(tonight) => {
                volume.intervals = tonight.intervals;
                if tonight.is_described { &mut protected } else { &mut work }
            }
            None if volume.intervals.is_none() => &mut not_due,
            None => &mut work,
        };
        list.write(&volume).await?;
    }
    Ok(Discovery {
        night,
        dry_run: start.dry_run,
        work_list: work.close_list().await?,
        protected: protected.close_list().await?,
        not_due: not_due.close_list().await?,
        region: input.region,
    })
}

/// Checks that the Region exists and is enabled. If AWS has no such Region, the parameter is wrong, and the run ends. If the Region is
/// disabled, only this Region fails. For a Region that does not exist, EC2 returns an empty list.
async fn require_enabled(home: &Client, region: &str) -> Result<(), Error> {
    let named = Filter::builder().name("region-name").values(region).build();
    let answer = home.describe_regions().all_regions(true).filters(named).send().await;
    let regions = answer.map_err(|error| error::from_sdk("DescribeRegions", error))?.regions.unwrap_or_default();
    let found = regions.iter().find(|found| found.region_name() == Some(region));
    let found =
        found.ok_or_else(|| Error::bad_input("Regions", region, "is not an AWS Region; correct the parameter"))?;
    match found.opt_in_status() {
        Some("not-opted-in") => {
            let remedy = "enable it, or take it out of the parameter Regions";
            let message = format!("OptInRequired: {region} is not enabled for this account; {remedy}");
            Err(Error { name: ErrorName::Refused, message: format!("DescribeRegions: {message}") })
        }
        _ => Ok(()),
    }
}

fn volume(volume: aws_sdk_ec2::types::Volume) -> Option<SelectedVolume> {
    let tags = snapshots::tags_of(volume.tags());
    let instances = volume.attachments().iter().filter_map(|attachment| attachment.instance_id.clone()).collect();
    let origin = origin(&volume);
    Some(SelectedVolume { volume_id: volume.volume_id?, instances, tags, origin, ..SelectedVolume::default() })
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

/// The managed snapshots of a volume, as far as they decide what the volume needs tonight.
#[derive(Default)]
struct VolumeSnapshots {
    history: History,
    tonight: Option<TonightSnapshot>,
}

/// A volume's snapshot of the Night. If it lacks its descriptive tags, the volume goes back on the work list. Then snapshot-one finds the
/// snapshot, and tag-snapshot adds the tags.
struct TonightSnapshot {
    is_described: bool,
    /// Absent if the tags cannot be read.
    intervals: Option<Intervals>,
}

/// Returns the managed snapshots that did not fail, by volume. A snapshot of an earlier Night with unreadable tags does not count.
async fn volume_snapshots(ec2: &Client, stack: &str, night: Night) -> Result<HashMap<String, VolumeSnapshots>, Error> {
    let (mut found, tonight) = (HashMap::<String, VolumeSnapshots>::new(), night.to_string());
    snapshots::each_managed(ec2, stack, &[], async |snapshot| {
        let Some(volume_id) = snapshot.volume_id.clone() else { return Ok(()) };
        let tags = snapshots::tags_of(snapshot.tags());
        let identity = tags::read_identity(&tags).ok();
        if tags.get(tags::NIGHT) == Some(&tonight) {
            let is_described = tags.contains_key(tags::NAME);
            let volume = found.entry(volume_id).or_default();
            let is_better = volume.tonight.as_ref().is_none_or(|other| is_described && !other.is_described);
            if snapshots::protects(&snapshot) && is_better {
                let intervals = identity.map(|identity| identity.intervals);
                volume.tonight = Some(TonightSnapshot { is_described, intervals });
            }
        } else if let Some(identity) = identity.filter(|_| snapshot.state() != Some(&SnapshotState::Error)) {
            found.entry(volume_id).or_default().history.add(identity.night, &identity.intervals);
        }
        Ok(())
    })
    .await?;
    Ok(found)
}

#[cfg(test)]
mod tests;
