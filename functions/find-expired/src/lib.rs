//! Lists one Region's managed snapshots and writes those that expire tonight to the ledger.

use aws_sdk_ec2::{
    Client,
    types::{Snapshot as Ec2Snapshot, SnapshotState},
};
use domain::{
    Error, Intervals, Night,
    retention::{Policy, Snapshot, State, expired},
    tags,
    wire::{Execution, Expired, Expiry, List, Unreadable, Volume},
};
use runtime::{Ledger, error, snapshots};
use serde::Deserialize;
use std::collections::BTreeSet;

/// One Region of the night, as discover-volumes left it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    /// The Region.
    pub region: String,
    /// Tonight.
    pub night: Night,
    /// Every Interval due tonight.
    pub intervals: Intervals,
    /// Whether the night only says what it would do.
    pub dry_run: bool,
    /// The volumes that tonight's snapshots are made of.
    pub work_list: List,
    /// `$$.Execution`
    pub execution: Execution,
}

/// The stack's parameters that bear on retention, as text.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The name under which the whole was deployed.
    pub backup_stack: String,
    /// [`Policy::dailies`]
    pub keep_dailies: String,
    /// [`Policy::quarterly_months`]
    pub quarterly_months: String,
    /// [`Policy::quarterlies`]
    pub keep_quarterlies: String,
}

/// Applies the retention rules and writes both lists to the ledger: what expires, and what cannot be read.
///
/// # Errors
/// `BadInput` for a parameter that a person must mend; `Transient` or `Refused` from EC2 or S3.
pub async fn handle(ec2: &Client, ledger: &Ledger, settings: &Settings, input: Input) -> Result<Expiry, Error> {
    let stack = tags::backup_stack(&settings.backup_stack)?;
    let policy = Policy::read(&settings.keep_dailies, &settings.quarterly_months, &settings.keep_quarterlies)?;

    let (mut managed, unreadable) = sort(snapshots::managed(ec2, stack, &[]).await?);
    if input.dry_run {
        managed.extend(would_be(&input, ledger.read_lines(&input.work_list).await?));
    }
    let volumes = existing_volumes(ec2).await?;
    let expired = expired(&managed, input.night, policy, |volume| volumes.contains(volume));
    let expired: Vec<Expired> = expired.into_iter().map(Expired::from).collect();

    let key = |list: &str| input.execution.ledger_key(input.night, &format!("{}/{list}.jsonl", input.region));
    Ok(Expiry {
        expired: ledger.write_lines(key("expired"), &expired).await?,
        unreadable: ledger.write_lines(key("unreadable"), &unreadable).await?,
    })
}

/// Parts the snapshots whose tags can be read from those that are only reported.
fn sort(snapshots: Vec<Ec2Snapshot>) -> (Vec<Snapshot>, Vec<Unreadable>) {
    let (mut readable, mut unreadable) = (Vec::new(), Vec::new());
    for snapshot in snapshots {
        match tags::read_identity(&snapshots::tags_of(snapshot.tags())) {
            Ok((night, interval, intervals)) => {
                let state = state(snapshot.state());
                let (id, volume_id) = (snapshot.snapshot_id, snapshot.volume_id);
                let (id, volume_id) = (id.unwrap_or_default(), volume_id.unwrap_or_default());
                readable.push(Snapshot { id, volume_id, night, interval, intervals, state });
            }
            Err(problem) => {
                unreadable.push(Unreadable { snapshot_id: snapshot.snapshot_id.unwrap_or_default(), problem });
            }
        }
    }
    (readable, unreadable)
}

fn state(state: Option<&SnapshotState>) -> State {
    match state {
        Some(SnapshotState::Pending) => State::Pending,
        Some(SnapshotState::Completed) => State::Completed,
        Some(SnapshotState::Error) => State::Error,
        _ => State::Other,
    }
}

/// The snapshots that a real night would have made by now: without them a dry run would find less expired than it.
fn would_be(input: &Input, work_list: Vec<Volume>) -> impl Iterator<Item = Snapshot> {
    work_list.into_iter().map(|volume| Snapshot {
        id: String::new(),
        volume_id: volume.volume_id,
        night: input.night,
        interval: input.intervals.governing(),
        intervals: input.intervals.clone(),
        state: State::Pending,
    })
}

/// Every volume that exists, attached or not: retention is gentler to the snapshots of one that is gone.
async fn existing_volumes(ec2: &Client) -> Result<BTreeSet<String>, Error> {
    let pages = ec2.describe_volumes().max_results(1_000).into_paginator();
    let volumes = pages.items().send().collect::<Result<Vec<_>, _>>().await;
    let volumes = volumes.map_err(|error| error::of("DescribeVolumes", error))?;
    Ok(volumes.into_iter().filter_map(|volume| volume.volume_id).collect())
}

#[cfg(test)]
mod tests;
