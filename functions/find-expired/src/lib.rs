//! Lists one Region's managed snapshots and writes those that expire tonight to the ledger.

use aws::{error, snapshots};
use aws_sdk_ec2::{
    Client,
    types::{Snapshot as Ec2Snapshot, SnapshotState},
};
use domain::{
    Error, Intervals, Night,
    messages::{Expired, Expiry, Keyed, Unreadable, Volume},
    retention::{Policy, Snapshot, State, expired},
    step_functions::{Execution, List},
    tags,
};
use jiff::Timestamp;
use ledger::{Ledger, Sorted, Sorter};
use serde::{Deserialize, Serialize};

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
    /// The volumes that had tonight's snapshot before.
    pub protected: List,
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

    let list = |name| input.execution.ledger_key(input.night, &format!("{}/{name}.jsonl", input.region));
    let sorter = |name| input.execution.sorting_name(&input.region, name);
    let (mut found, mut count) = (Sorter::new(ledger, sorter("managed")), 0);
    let mut unreadable = ledger.write_list(list("unreadable"));
    snapshots::each_managed(ec2, stack, &[], async |snapshot| {
        count += 1;
        match read(snapshot) {
            Ok(snapshot) => found.insert(snapshot).await,
            Err(problem) => unreadable.write(&problem).await,
        }
    })
    .await?;
    if input.dry_run {
        add_would_be(&mut found, &input, ledger).await?;
    }
    let managed = Managed {
        found: found.finish().await?,
        existing: existing_volumes(ec2, Sorter::new(ledger, sorter("existing"))).await?,
        selected: selected_volumes(&input, ledger, Sorter::new(ledger, sorter("selected"))).await?,
    };

    let mut expired = Sorter::new(ledger, sorter("expired"));
    let stalest = managed.apply(policy, input.night, &mut expired).await?;
    let expired = write(expired, ledger, list("expired")).await?;
    Ok(Expiry { expired, unreadable: unreadable.finish().await?, managed: count, stalest })
}

/// A managed snapshot, and when EBS began it: what the operator is told of, and no rule is about.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Found {
    snapshot: Snapshot,
    started: Option<Timestamp>,
}

impl Keyed for Found {
    fn key(&self) -> &str {
        self.snapshot.key()
    }
}

/// The managed snapshots of a Region, the volumes that exist, and those that are backed up.
struct Managed<'a> {
    found: Sorted<'a, Found>,
    existing: Sorted<'a, String>,
    selected: Sorted<'a, String>,
}

impl Managed<'_> {
    /// Applies the rules to the snapshots of one volume after another: they know no other volume's. Returns when the newest restore
    /// point was begun of the selected volume that is worst off.
    async fn apply(
        &self,
        policy: Policy,
        tonight: Night,
        into: &mut Sorter<'_, Expired>,
    ) -> Result<Option<Timestamp>, Error> {
        let (mut found, mut existing) = (self.found.merge().await?, self.existing.merge().await?);
        let (mut selected, mut stalest) = (self.selected.merge().await?, None);
        loop {
            let of_one = found.next_group().await?;
            let Some(first) = of_one.first() else { return Ok(stalest) };
            let (exists, is_selected) = (existing.has(first.key()).await?, selected.has(first.key()).await?);
            if let Some(newest) = newest(&of_one).filter(|_| is_selected) {
                stalest = Some(stalest.map_or(newest, |stalest: Timestamp| stalest.min(newest)));
            }
            let snapshots: Vec<_> = of_one.into_iter().map(|one| one.snapshot).collect();
            for snapshot in expired(&snapshots, tonight, policy, |_| exists) {
                into.insert(snapshot.into()).await?;
            }
        }
    }
}

fn newest(of_one: &[Found]) -> Option<Timestamp> {
    of_one.iter().filter(|one| one.snapshot.state == State::Completed).filter_map(|one| one.started).max()
}

/// Writes the list in order of the snapshots' ids, by which report-night compares it with what EC2 still lists.
async fn write(expired: Sorter<'_, Expired>, ledger: &Ledger, key: String) -> Result<List, Error> {
    let (mut expired, mut list) = (expired.finish().await?.merge().await?, ledger.write_list(key));
    while let Some(snapshot) = expired.next().await? {
        list.write(&snapshot).await?;
    }
    list.finish().await
}

/// A snapshot whose tags can be read, or what is wrong with them.
fn read(snapshot: Ec2Snapshot) -> Result<Found, Unreadable> {
    let identity = tags::read_identity(&snapshots::tags_of(snapshot.tags()));
    let state = state(snapshot.state());
    let started = snapshot.start_time.and_then(|time| Timestamp::from_second(time.secs()).ok());
    let (id, volume_id) = (snapshot.snapshot_id.unwrap_or_default(), snapshot.volume_id.unwrap_or_default());
    match identity {
        Ok((night, interval, intervals)) => {
            Ok(Found { snapshot: Snapshot { id, volume_id, night, interval, intervals, state }, started })
        }
        Err(problem) => Err(Unreadable { snapshot_id: id, problem }),
    }
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
async fn add_would_be(found: &mut Sorter<'_, Found>, input: &Input, ledger: &Ledger) -> Result<(), Error> {
    let mut work_list = ledger.read_list::<Volume>(&input.work_list).await?;
    while let Some(volume) = work_list.next().await? {
        let would_be = Snapshot {
            id: String::new(),
            volume_id: volume.volume_id,
            night: input.night,
            interval: input.intervals.governing(),
            intervals: input.intervals.clone(),
            state: State::Pending,
        };
        found.insert(Found { snapshot: would_be, started: None }).await?;
    }
    Ok(())
}

/// The volumes that the night backs up: those that it worked on, and those that had tonight's snapshot before.
async fn selected_volumes<'a>(
    input: &Input,
    ledger: &Ledger,
    mut selected: Sorter<'a, String>,
) -> Result<Sorted<'a, String>, Error> {
    for list in [&input.work_list, &input.protected] {
        let mut volumes = ledger.read_list::<Volume>(list).await?;
        while let Some(volume) = volumes.next().await? {
            selected.insert(volume.volume_id).await?;
        }
    }
    selected.finish().await
}

/// Every volume that exists, attached or not: retention is gentler to the snapshots of one that is gone.
async fn existing_volumes<'a>(ec2: &Client, mut found: Sorter<'a, String>) -> Result<Sorted<'a, String>, Error> {
    let mut listed = ec2.describe_volumes().max_results(1_000).into_paginator().items().send();
    while let Some(listed) = listed.next().await {
        if let Some(id) = listed.map_err(|error| error::of("DescribeVolumes", error))?.volume_id {
            found.insert(id).await?;
        }
    }
    found.finish().await
}

#[cfg(test)]
mod tests;
