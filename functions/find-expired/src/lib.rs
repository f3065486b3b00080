//! Lists one Region's managed snapshots, and writes those that expire to the ledger.

use aws::{error, snapshots};
use aws_sdk_ec2::{
    Client,
    types::{Snapshot as Ec2Snapshot, SnapshotState, StorageTier},
};
use domain::{
    Error, Interval, Intervals, Night,
    input::count,
    messages::{Expiry, ManagedSnapshot, Unreadable},
    plan::{DEFAULT, Plan, Plans},
    retention::{DatedSnapshot, RetentionState, expired, rule},
    rules::{LastRules, Rules},
    step_functions::{Execution, LedgerList},
    tags::{self, Identity},
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
    pub dry_run: bool,
    /// Volumes that need a snapshot of the Night.
    pub work_list: LedgerList,
    /// Volumes that already had a snapshot of the Night.
    pub protected: LedgerList,
    /// Volumes whose plan has nothing due on the Night.
    pub not_due: LedgerList,
    pub execution: Execution,
}

/// Parameters of the stack, as text.
#[derive(Clone, Debug)]
pub struct Settings {
    pub backup_stack: String,
    /// Parsed by [`Plans::read`], like the next two.
    pub keep: String,
    pub plans: String,
    pub weekly_on: String,
    /// Largest number of days between two runs of the schedule.
    pub days_between_runs: String,
}

/// Applies the retention rules and writes five lists to the ledger: the snapshots that expire, those that are spared because the rules
/// became shorter, those without a rule, those that failed, and those with unreadable tags.
///
/// # Errors
/// `BadInput` for a parameter that a person must fix; `Transient` or `Refused` from EC2 or S3.
pub async fn handle(ec2: &Client, ledger: &Ledger, settings: &Settings, input: Input) -> Result<Expiry, Error> {
    let stack = tags::backup_stack(&settings.backup_stack)?;
    let plans = Plans::read(&settings.keep, &settings.plans, &settings.weekly_on)?;
    let days_between_runs = count("DaysBetweenRuns", &settings.days_between_runs)?;
    let before = rules_before(ledger, &input).await?;

    let list = |name| ledger.write_list(keys::run_list(input.night, &input.execution, &input.region, name));
    let (mut failed, mut unreadable, mut without_rule) = (list("failed"), list("unreadable"), list("without-rule"));
    let existing = existing_volumes(ec2).await?;
    let (mut by_volume, mut managed) = (BTreeMap::<String, Vec<StartedSnapshot>>::new(), 0);
    snapshots::each_managed(ec2, stack, &[], async |snapshot| {
        managed += 1;
        match read(snapshot, &existing) {
            Ok(found) => {
                if found.snapshot.state == RetentionState::Error {
                    failed.write(&line(&found.snapshot)).await?;
                } else if rule(&found.snapshot.identity, &plans).is_none() {
                    without_rule.write(&line(&found.snapshot)).await?;
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

    let (mut expiring, mut spared) = (list("expired"), list("spared"));
    for (volume_id, found) in &by_volume {
        let snapshots: Vec<_> = found.iter().map(|one| one.snapshot.clone()).collect();
        let expired = |plans: &Plans| expired(&snapshots, input.night, plans, |_| existing.contains(volume_id));
        let expired_before = before.as_ref().map(&expired);
        for snapshot in expired(&plans) {
            let is_spared = expired_before.as_ref().is_some_and(|before| !before.contains(&snapshot));
            if is_spared { &mut spared } else { &mut expiring }.write(&line(snapshot)).await?;
        }
    }
    let newest = selected.iter().filter_map(|(volume_id, volume)| {
        let skipped = volume.skipped_nights(&plans, days_between_runs);
        newest(by_volume.get(volume_id)?, input.night, skipped)
    });
    Ok(Expiry {
        stalest: newest.min(),
        managed,
        expired: expiring.close_list().await?,
        spared: spared.close_list().await?,
        without_rule: without_rule.close_list().await?,
        failed: failed.close_list().await?,
        unreadable: unreadable.close_list().await?,
    })
}

/// Returns the plans of the run before, if the ledger remembers them.
async fn rules_before(ledger: &Ledger, input: &Input) -> Result<Option<Plans>, Error> {
    let last = ledger.read_any_line::<LastRules>(&keys::rules(&input.region)).await?;
    last.as_ref().and_then(|last| last.before(input.night)).map(Rules::plans).transpose()
}

/// A managed snapshot and its start time, which no rule depends on.
struct StartedSnapshot {
    snapshot: DatedSnapshot,
    started: Option<Timestamp>,
}

/// Returns the start time of the newest restore point. Returns none if the plan or the schedule skips Nights, and none of their own is
/// missing yet.
fn newest(found: &[StartedSnapshot], tonight: Night, skipped: i64) -> Option<Timestamp> {
    let completed = found.iter().filter(|one| one.snapshot.state == RetentionState::Completed);
    let newest = completed.max_by_key(|one| one.started)?;
    let is_expected = skipped > 0 && newest.snapshot.identity.night.nights_before(tonight) <= 1 + skipped;
    newest.started.filter(|_| !is_expected)
}

fn line(snapshot: &DatedSnapshot) -> ManagedSnapshot {
    let Identity { night, interval, plan, .. } = &snapshot.identity;
    ManagedSnapshot {
        snapshot_id: snapshot.id.clone(),
        volume_id: snapshot.volume_id.clone(),
        night: *night,
        interval: *interval,
        plan: plan.clone(),
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
        Ok(identity) => Ok(StartedSnapshot { snapshot: DatedSnapshot { id, volume_id, identity, state }, started }),
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
    selected: &HashMap<String, Listed>,
) {
    for (volume_id, volume) in selected {
        let Some(intervals) = volume.intervals.clone().filter(|_| volume.is_on_work_list) else { continue };
        let (night, interval, plan) = (input.night, intervals.governing(), volume.plan.clone());
        let snapshot = DatedSnapshot {
            id: String::new(),
            volume_id: volume_id.clone(),
            identity: Identity { night, interval, intervals, plan },
            state: RetentionState::Pending,
        };
        by_volume.entry(volume_id.clone()).or_default().push(StartedSnapshot { snapshot, started: None });
    }
}

/// A line of a list of discover-volumes.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Listed {
    volume_id: String,
    #[serde(default)]
    plan: String,
    intervals: Option<Intervals>,
    #[serde(skip)]
    is_on_work_list: bool,
}

impl Listed {
    /// Returns the largest number of Nights without a snapshot that the plan and the schedule allow.
    fn skipped_nights(&self, plans: &Plans, days_between_runs: u8) -> i64 {
        let plan = plans.get(&self.plan).or_else(|| plans.get(DEFAULT));
        let shortest = plan.map_or(Interval::Daily, Plan::shortest);
        shortest.nights() + i64::from(days_between_runs) - 2
    }
}

/// Returns the volumes that the run backs up, by id.
async fn selected_volumes(input: &Input, ledger: &Ledger) -> Result<HashMap<String, Listed>, Error> {
    let mut selected = HashMap::new();
    for (list, is_on_work_list) in [(&input.protected, false), (&input.not_due, false), (&input.work_list, true)] {
        let mut volumes = ledger.read_list::<Listed>(list).await?;
        while let Some(volume) = volumes.next().await? {
            selected.insert(volume.volume_id.clone(), Listed { is_on_work_list, ..volume });
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
