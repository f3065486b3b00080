//! Lists one Region's managed snapshots, and writes those that expire to the ledger.

use aws::{error, snapshots};
use aws_sdk_ec2::{
    Client,
    types::{Snapshot as Ec2Snapshot, SnapshotState, StorageTier},
};
use domain::{
    Error, Intervals, Night,
    messages::{Expiry, ManagedSnapshot, Unreadable},
    retention::{DatedSnapshot, Policy, RetentionState, expired},
    step_functions::{Execution, LedgerList},
    tags,
};
use jiff::Timestamp;
use ledger::{Ledger, keys};
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap, HashSet};

/// One Region of the run, from the output of discover-volumes.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    pub region: String,
    pub night: Night,
    pub intervals: Intervals,
    pub dry_run: bool,
    /// Volumes that need a snapshot of the Night.
    pub work_list: LedgerList,
    /// Volumes that already had a snapshot of the Night.
    pub protected: LedgerList,
    pub execution: Execution,
}

/// Parameters of the stack, as text.
#[derive(Clone, Debug)]
pub struct Settings {
    pub backup_stack: String,
    pub keep_dailies: String,
    pub quarterly_months: String,
    pub keep_quarterlies: String,
}

/// Applies the retention rules and writes three lists to the ledger: the snapshots that expire, the snapshots that failed, and the
/// snapshots with unreadable tags.
///
/// # Errors
/// `BadInput` for a parameter that a person must fix; `Transient` or `Refused` from EC2 or S3.
pub async fn handle(ec2: &Client, ledger: &Ledger, settings: &Settings, input: Input) -> Result<Expiry, Error> {
    let stack = tags::backup_stack(&settings.backup_stack)?;
    let policy = Policy::read(&settings.keep_dailies, &settings.quarterly_months, &settings.keep_quarterlies)?;

    let list = |name| ledger.write_list(keys::run_list(input.night, &input.execution, &input.region, name));
    let (mut failed, mut unreadable) = (list("failed"), list("unreadable"));
    let existing = existing_volumes(ec2).await?;
    let (mut by_volume, mut managed) = (BTreeMap::<String, Vec<StartedSnapshot>>::new(), 0);
    snapshots::each_managed(ec2, stack, &[], async |snapshot| {
        managed += 1;
        match read(snapshot, &existing) {
            Ok(found) => {
                if found.snapshot.state == RetentionState::Error {
                    failed.write(&line(&found.snapshot)).await?;
                }
                by_volume.entry(found.snapshot.volume_id.clone()).or_default().push(found);
                Ok(())
            }
            Err(problem) => unreadable.write(&problem).await,
        }
    })
    .await?;
    let selected = selected_volumes(&input, ledger).await?;
    if input.dry_run {
        add_would_be(&mut by_volume, &input, &selected);
    }

    let mut expiring = list("expired");
    for (volume_id, found) in &by_volume {
        let snapshots: Vec<_> = found.iter().map(|one| one.snapshot.clone()).collect();
        for snapshot in expired(&snapshots, input.night, policy, |_| existing.contains(volume_id)) {
            expiring.write(&line(snapshot)).await?;
        }
    }
    let newest =
        by_volume.iter().filter(|(volume, _)| selected.contains_key(*volume)).filter_map(|(_, found)| newest(found));
    let stalest = newest.min();
    let (expired, failed, unreadable) =
        (expiring.close_list().await?, failed.close_list().await?, unreadable.close_list().await?);
    Ok(Expiry { expired, failed, unreadable, managed, stalest })
}

/// A managed snapshot and its start time, which no rule depends on.
struct StartedSnapshot {
    snapshot: DatedSnapshot,
    started: Option<Timestamp>,
}

/// Returns the start time of the newest restore point.
fn newest(found: &[StartedSnapshot]) -> Option<Timestamp> {
    found.iter().filter(|one| one.snapshot.state == RetentionState::Completed).filter_map(|one| one.started).max()
}

fn line(snapshot: &DatedSnapshot) -> ManagedSnapshot {
    ManagedSnapshot {
        snapshot_id: snapshot.id.clone(),
        volume_id: snapshot.volume_id.clone(),
        night: snapshot.night,
        interval: snapshot.interval,
    }
}

/// Reads the identity of a managed snapshot. If its tags cannot be read, returns the problem.
fn read(snapshot: Ec2Snapshot, existing: &HashSet<String>) -> Result<StartedSnapshot, Unreadable> {
    let (tags, volume) = (snapshots::tags_of(snapshot.tags()), snapshot.volume_id().unwrap_or_default());
    let identity =
        tags::require_own(&tags, volume, existing.contains(volume)).and_then(|()| tags::read_identity(&tags));
    let state = state(&snapshot);
    let started = snapshot.start_time.and_then(|time| Timestamp::from_second(time.secs()).ok());
    let (id, volume_id) = (snapshot.snapshot_id.unwrap_or_default(), snapshot.volume_id.unwrap_or_default());
    match identity {
        Ok((night, interval, intervals)) => Ok(StartedSnapshot {
            snapshot: DatedSnapshot { id, volume_id, night, interval, intervals, state },
            started,
        }),
        Err(problem) => Err(Unreadable { snapshot_id: id, problem }),
    }
}

fn state(snapshot: &Ec2Snapshot) -> RetentionState {
    match snapshot.state() {
        Some(SnapshotState::Pending) => RetentionState::Pending,
        Some(SnapshotState::Completed) if snapshot.storage_tier() == Some(&StorageTier::Archive) => {
            RetentionState::Archived
        }
        Some(SnapshotState::Completed) => RetentionState::Completed,
        Some(SnapshotState::Error) => RetentionState::Error,
        _ => RetentionState::Other,
    }
}

/// Adds the snapshots that a real run would have created by now. Without them, a dry run would find fewer expired snapshots.
fn add_would_be(
    by_volume: &mut BTreeMap<String, Vec<StartedSnapshot>>,
    input: &Input,
    selected: &HashMap<String, bool>,
) {
    for (volume_id, _) in selected.iter().filter(|(_, on_work_list)| **on_work_list) {
        let snapshot = DatedSnapshot {
            id: String::new(),
            volume_id: volume_id.clone(),
            night: input.night,
            interval: input.intervals.governing(),
            intervals: input.intervals.clone(),
            state: RetentionState::Pending,
        };
        by_volume.entry(volume_id.clone()).or_default().push(StartedSnapshot { snapshot, started: None });
    }
}

/// Returns the volumes that the run backs up, and whether each is on the work list.
async fn selected_volumes(input: &Input, ledger: &Ledger) -> Result<HashMap<String, bool>, Error> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct ListedVolume {
        volume_id: String,
    }
    let mut selected = HashMap::new();
    for (list, on_work_list) in [(&input.protected, false), (&input.work_list, true)] {
        let mut volumes = ledger.read_list::<ListedVolume>(list).await?;
        while let Some(volume) = volumes.next().await? {
            selected.insert(volume.volume_id, on_work_list);
        }
    }
    Ok(selected)
}

/// Returns every volume that exists, attached or not. If a volume is gone, its snapshots expire by age alone.
async fn existing_volumes(ec2: &Client) -> Result<HashSet<String>, Error> {
    let mut existing = HashSet::new();
    let mut listed = ec2.describe_volumes().max_results(1_000).into_paginator().items().send();
    while let Some(volume) = listed.next().await {
        existing.extend(volume.map_err(|error| error::from_sdk("DescribeVolumes", error))?.volume_id);
    }
    Ok(existing)
}

#[cfg(test)]
mod tests;
