//! Chooses what a drill proves in one Region: which volumes this week, the newest restore point of each Interval of each, and in which
//! rounds. Volumes that an earlier drill left behind come first, to be deleted.
//!
//! # Layout
//! - [`handle`]: the choice.
//! - [`place`]: the Availability Zone and the instance.
//! - [`others`]: whether another drill is running.

pub mod others;
pub mod place;

use aws::{error, snapshots};
use aws_sdk_ec2::{
    Client,
    types::{Filter, Snapshot, SnapshotState, VolumeState},
};
use domain::{
    Error, Night,
    drill::{
        self, Item, Leftover, Limits, Proof, RestorePoint, Rounds,
        messages::{Chosen, UnprovenOf},
    },
    input::DrillStart,
    messages::Keyed,
    night,
    step_functions::{Execution, List},
    tags,
};
use ledger::{Ledger, Sorted, Sorter, list::ListWriter};
use serde::{Deserialize, Serialize};

/// One Region, and the execution whose input starts the drill.
#[derive(Debug, Deserialize)]
pub struct Input {
    /// The Region.
    pub region: String,
    /// `$$.Execution`
    pub execution: Execution,
}

/// The stack's parameters that bear on the choice, as text.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The name under which the whole was deployed.
    pub backup_stack: String,
    /// An IANA zone.
    pub time_zone: String,
    /// Availability Zones, parted by commas; may be empty.
    pub zones: String,
    /// `i-…`, or empty.
    pub instance: String,
    /// [`Limits::read`]
    pub volumes: String,
    /// [`Limits::read`]
    pub gibibytes: String,
    /// [`drill::weeks`]
    pub weeks: String,
    /// The stack's own Region: the instance is there.
    pub home: String,
}

/// Chooses, and writes the rounds and what the drill cannot take to the ledger.
///
/// # Errors
/// `BadInput` for an input or a parameter that a person must mend, and where another drill is running; `Throttled`, `Transient` or
/// `Refused` from EC2, Step Functions or S3.
pub async fn handle(
    ec2: &Client,
    sfn: &aws_sdk_sfn::Client,
    ledger: &Ledger,
    settings: &Settings,
    input: Input,
) -> Result<Chosen, Error> {
    let start = DrillStart::read(&input.execution.input, input.execution.start_time)?;
    let date = Night::of(start.time, &night::zone(&settings.time_zone)?);
    lambda::log::night(date);
    let stack = tags::backup_stack(&settings.backup_stack)?;
    let (limits, weeks) = (Limits::read(&settings.volumes, &settings.gibibytes)?, drill::weeks(&settings.weeks)?);
    others::require_none(sfn, &input.execution).await?;
    let place = place::choose(ec2, settings, &input.region).await?;

    let drill = Drill { ledger, input: &input };
    let points = drill.restore_points(ec2, stack).await?;
    let due = drill.due(&points).await?;
    let volumes = due.count;
    let taken = if start.all { volumes } else { drill::sample(volumes, weeks) };
    let taken_volumes = drill.first(due, taken).await?;

    let list = |name| input.execution.drill_key(date, &format!("{}/{name}.jsonl", input.region));
    let mut writer = Writer {
        rounds: Rounds::new(limits),
        limit: limits.gibibytes,
        list: ledger.write_list(list("rounds")),
        unproven: ledger.write_list(list("unproven")),
    };
    let leftovers = add_leftovers(ec2, stack, &input.execution.name, &mut writer).await?;
    let (mut points, mut taken_volumes) = (points.merge().await?, taken_volumes.merge().await?);
    loop {
        let of_one = points.next_group().await?;
        let Some(first) = of_one.first() else { break };
        if taken_volumes.has(first.key()).await? {
            for point in drill::choose(&of_one) {
                writer.add_point(point).await?;
            }
        }
    }
    let (rounds, unproven) = writer.finish().await?;
    let (place::Place { zone, instance }, region) = (place, input.region);
    Ok(Chosen { region, date, zone, instance, rounds, unproven, volumes, taken, leftovers })
}

/// A volume, by when a drill last took it.
#[derive(Clone, Serialize, Deserialize)]
struct Due {
    key: String,
    volume_id: String,
}

impl Due {
    /// Seconds of one width are in order as text; a volume that none took is before all.
    fn new(volume_id: String, proof: Option<&Proof>) -> Self {
        let tried = proof.map_or(0, |proof| proof.tried.as_second().max(0));
        Self { key: format!("{tried:012}|{volume_id}"), volume_id }
    }
}

impl Keyed for Due {
    fn key(&self) -> &str {
        &self.key
    }
}

/// The volumes that have restore points, the one that was tried longest ago first.
struct AllDue<'a> {
    volumes: Sorted<'a, Due>,
    count: usize,
}

struct Drill<'a> {
    ledger: &'a Ledger,
    input: &'a Input,
}

impl<'a> Drill<'a> {
    fn sorting<T: Keyed + Clone + Serialize + serde::de::DeserializeOwned>(&self, name: &str) -> Sorter<'a, T> {
        Sorter::new(self.ledger, self.input.execution.sorting_name(&self.input.region, name))
    }

    async fn restore_points(&self, ec2: &Client, stack: &str) -> Result<Sorted<'a, RestorePoint>, Error> {
        let mut found = self.sorting("restore-points");
        snapshots::each_managed(ec2, stack, &[], async |snapshot| match restore_point(snapshot) {
            Some(point) => found.insert(point).await,
            None => Ok(()),
        })
        .await?;
        found.finish().await
    }

    async fn due(&self, points: &Sorted<'_, RestorePoint>) -> Result<AllDue<'a>, Error> {
        let mut points = points.merge().await?;
        let mut proofs = self.ledger.read_any_list::<Proof>(&Proof::ledger_key(&self.input.region)).await?;
        let (mut proof, mut due, mut count) = (proofs.next().await?, self.sorting("due"), 0);
        while let Some(point) = points.next_group().await?.pop() {
            while proof.as_ref().is_some_and(|proof| proof.volume_id < point.volume_id) {
                proof = proofs.next().await?;
            }
            let of_it = proof.as_ref().filter(|proof| proof.volume_id == point.volume_id);
            due.insert(Due::new(point.volume_id, of_it)).await?;
            count += 1;
        }
        Ok(AllDue { volumes: due.finish().await?, count })
    }

    /// The first so many, in order of their ids.
    async fn first(&self, due: AllDue<'_>, taken: usize) -> Result<Sorted<'a, String>, Error> {
        let (mut due, mut first) = (due.volumes.merge().await?, self.sorting("taken"));
        for _ in 0..taken {
            let Some(one) = due.next().await? else { break };
            first.insert(one.volume_id).await?;
        }
        first.finish().await
    }
}

/// A completed snapshot whose identity can be read; the nights tell of the others.
fn restore_point(snapshot: Snapshot) -> Option<RestorePoint> {
    if snapshot.state() != Some(&SnapshotState::Completed) {
        return None;
    }
    let (night, _, intervals) = tags::read_identity(&snapshots::tags_of(snapshot.tags())).ok()?;
    let gibibytes = snapshot.volume_size.and_then(|size| size.try_into().ok())?;
    let (snapshot_id, volume_id) = (snapshot.snapshot_id?, snapshot.volume_id?);
    Some(RestorePoint { snapshot_id, volume_id, night, intervals, gibibytes })
}

struct Writer<'a> {
    rounds: Rounds,
    limit: u64,
    list: ListWriter<'a>,
    unproven: ListWriter<'a>,
}

impl Writer<'_> {
    async fn add(&mut self, item: Item) -> Result<(), Error> {
        match self.rounds.add(item) {
            Some(full) => self.list.write(&full).await,
            None => Ok(()),
        }
    }

    async fn add_point(&mut self, point: RestorePoint) -> Result<(), Error> {
        if self.rounds.takes(&point) {
            return self.add(Item::Point(point)).await;
        }
        let reason =
            format!("TooLarge: its volume has {} GiB, the parameter DrillGiB allows {}", point.gibibytes, self.limit);
        self.unproven.write(&UnprovenOf::new(point, reason)).await
    }

    async fn finish(mut self) -> Result<(List, List), Error> {
        if let Some(last) = self.rounds.close() {
            self.list.write(&last).await?;
        }
        Ok((self.list.finish().await?, self.unproven.finish().await?))
    }
}

/// Adds the volumes of other drills: none of them is running.
async fn add_leftovers(ec2: &Client, stack: &str, execution: &str, into: &mut Writer<'_>) -> Result<usize, Error> {
    let ours = Filter::builder().name(format!("tag:{}", drill::RESTORE_DRILL)).values(stack).build();
    let mut listed = ec2.describe_volumes().filters(ours).max_results(1_000).into_paginator().items().send();
    let mut count = 0;
    while let Some(volume) = listed.next().await {
        let volume = volume.map_err(|error| error::of("DescribeVolumes", error))?;
        let is_going = matches!(volume.state(), Some(VolumeState::Deleting | VolumeState::Deleted));
        let tags = snapshots::tags_of(volume.tags());
        let is_own = tags.get(drill::DRILL_EXECUTION).is_some_and(|of| of == execution);
        if let Some(volume_id) = volume.volume_id.filter(|_| !is_going && !is_own) {
            count += 1;
            into.add(Item::Leftover(Leftover { volume_id })).await?;
        }
    }
    Ok(count)
}

#[cfg(test)]
mod tests;
