//! What EC2 holds in the stack's Regions: the volumes, and this stack's snapshots.

use anyhow::{Result, anyhow};
use aws::{error, snapshots};
use aws_sdk_ec2::{Client, types};
use domain::{
    Error, Interval, Intervals, Night,
    error::cut,
    lifetime::{self, Fate},
    retention::{self, Policy, State},
    tags::{NAME, read_identity},
};
use jiff::{Timestamp, tz::TimeZone};
use std::collections::{BTreeMap, HashMap};
use tokio::task::{JoinSet, LocalSet};

use crate::account::{Account, stack::Stack};

/// A volume that exists.
#[derive(Clone, Debug)]
pub struct Volume {
    /// Its Region.
    pub region: String,
    /// `vol-…`
    pub id: String,
    /// Its tags.
    pub tags: domain::tags::Tags,
    /// The instances that it is attached to.
    pub instances: Vec<String>,
    /// Whether it is attached to any.
    pub in_use: bool,
    /// When it was made.
    pub made: Option<Timestamp>,
}

impl Volume {
    /// Its `Name` tag.
    pub fn name(&self) -> Option<&str> {
        self.tags.get(NAME).map(String::as_str).filter(|name| !name.is_empty())
    }
}

/// What a managed snapshot's tags say of it.
#[derive(Clone, Debug)]
pub struct Identity {
    /// Its Night.
    pub night: Night,
    /// The Interval that governs it.
    pub interval: Interval,
    /// Every Interval due that Night.
    pub intervals: Intervals,
}

/// A snapshot.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// Its Region.
    pub region: String,
    /// `snap-…`
    pub id: String,
    /// The volume that it was made of.
    pub volume_id: String,
    /// Its tags.
    pub tags: domain::tags::Tags,
    /// What they say, or what is wrong with them.
    pub identity: Result<Identity, String>,
    /// Its state, in EC2's word.
    pub state: String,
    /// The size of its volume in GiB.
    pub gibibytes: i32,
    /// When it was begun.
    pub begun: Option<Timestamp>,
}

impl Snapshot {
    /// One of EC2's.
    pub fn of(region: &str, found: types::Snapshot) -> Self {
        let tags = snapshots::tags_of(found.tags());
        let identity = read_identity(&tags).map(|(night, interval, intervals)| Identity { night, interval, intervals });
        Self {
            region: region.to_owned(),
            identity,
            state: found.state.map(|state| state.as_str().to_owned()).unwrap_or_default(),
            gibibytes: found.volume_size.unwrap_or_default(),
            begun: found.start_time.and_then(timestamp),
            id: found.snapshot_id.unwrap_or_default(),
            volume_id: found.volume_id.unwrap_or_default(),
            tags,
        }
    }

    /// The Night that its tags say.
    pub fn night(&self) -> Option<Night> {
        self.identity.as_ref().ok().map(|identity| identity.night)
    }

    fn managed(&self) -> Option<retention::Snapshot> {
        let Identity { night, interval, intervals } = self.identity.clone().ok()?;
        let (id, volume_id) = (self.id.clone(), self.volume_id.clone());
        let state = match self.state.as_str() {
            "completed" => State::Completed,
            "pending" => State::Pending,
            "error" => State::Error,
            _ => State::Other,
        };
        Some(retention::Snapshot { id, volume_id, night, interval, intervals, state })
    }
}

/// All of it, in no order.
#[derive(Debug, Default)]
pub struct Inventory {
    /// Every volume, attached or not.
    pub volumes: Vec<Volume>,
    /// Every managed snapshot.
    pub snapshots: Vec<Snapshot>,
}

impl Inventory {
    /// Asks every Region at once.
    ///
    /// # Errors
    /// EC2 refuses or does not answer; the Region and the call are named.
    pub async fn read(account: &Account, stack: &Stack) -> Result<Self> {
        let backup_stack = stack.backup_stack.clone();
        let parts = everywhere(account, &stack.regions, move |ec2, region| {
            let backup_stack = backup_stack.clone();
            async move {
                Ok(Self {
                    volumes: volumes(&ec2, &region).await?,
                    snapshots: managed(&ec2, &region, &backup_stack).await?,
                })
            }
        });
        let mut all = Self::default();
        for part in parts.await? {
            all.volumes.extend(part.volumes);
            all.snapshots.extend(part.snapshots);
        }
        Ok(all)
    }

    /// The first Night that will be worked on: today's, or the one after the newest that there is.
    pub fn next_night(&self, now: Timestamp, zone: &TimeZone) -> Night {
        let newest = self.snapshots.iter().filter_map(Snapshot::night).max();
        let today = Night::of(now, zone);
        newest.and_then(|night| night.after_nights(1)).map_or(today, |after| after.max(today))
    }

    /// The volumes that exist by their Region and id.
    pub fn existing(&self) -> HashMap<(&str, &str), &Volume> {
        self.volumes.iter().map(|volume| ((volume.region.as_str(), volume.id.as_str()), volume)).collect()
    }

    /// The managed snapshots by their volume's Region and id.
    pub fn by_volume(&self) -> BTreeMap<(&str, &str), Vec<&Snapshot>> {
        let mut groups: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for one in &self.snapshots {
            groups.entry((one.region.as_str(), one.volume_id.as_str())).or_default().push(one);
        }
        groups
    }
}

/// The fate of each of one volume's snapshots; none for those whose tags cannot be read. EBS may need hours for those of the last
/// Night: they are taken to be completed in time, or every other's date would be a Night late meanwhile.
pub fn fates(snapshots: &[&Snapshot], policy: Policy, exists: bool, next: Night) -> Vec<Option<Fate>> {
    let mut readable: Vec<_> = snapshots.iter().filter_map(|snapshot| snapshot.managed()).collect();
    for last in readable.iter_mut().filter(|one| one.state == State::Pending && one.night.nights_before(next) <= 1) {
        last.state = State::Completed;
    }
    let mut fates = lifetime::fates(&readable, policy, exists, next).into_iter();
    snapshots.iter().map(|snapshot| snapshot.identity.is_ok().then(|| fates.next()).flatten()).collect()
}

/// Asks each Region, all at once; the answers in the order of the Regions.
///
/// # Errors
/// The first that fails, with its Region.
pub async fn everywhere<T, F>(
    account: &Account,
    regions: &[String],
    ask: impl Fn(Client, String) -> F,
) -> Result<Vec<T>>
where
    T: 'static,
    F: Future<Output = Result<T, Error>> + 'static,
{
    let (local, mut asked) = (LocalSet::new(), JoinSet::new());
    for (place, region) in regions.iter().enumerate() {
        let (answer, region) = (ask(account.ec2(region), region.clone()), region.clone());
        asked.spawn_local_on(
            async move { answer.await.map(|answer| (place, answer)).map_err(|error| told(&region, &error)) },
            &local,
        );
    }
    let answers = local.run_until(async {
        let mut answers = Vec::new();
        while let Some(answer) = asked.join_next().await {
            answers.push(answer??);
        }
        anyhow::Ok(answers)
    });
    let mut answers = answers.await?;
    answers.sort_by_key(|(place, _)| *place);
    Ok(answers.into_iter().map(|(_, answer)| answer).collect())
}

/// One line of an error: the Region, the call, the code. The SDK's own text repeats itself as the source of its types.
fn told(region: &str, error: &Error) -> anyhow::Error {
    let line = error.message.replace('\n', " ");
    let line = ["(DispatchFailure(", "(TimeoutError(", "(ResponseError(", "(ConstructionFailure("]
        .iter()
        .fold(line.as_str(), |line, debug| line.split(debug).next().unwrap_or(line));
    anyhow!("{region}: {}", cut(line.trim_end(), 300))
}

async fn volumes(ec2: &Client, region: &str) -> Result<Vec<Volume>, Error> {
    let mut listed = ec2.describe_volumes().max_results(1_000).into_paginator().items().send();
    let mut volumes = Vec::new();
    while let Some(found) = listed.next().await {
        let found = found.map_err(|error| error::of("DescribeVolumes", error))?;
        volumes.push(Volume {
            region: region.to_owned(),
            tags: snapshots::tags_of(found.tags()),
            instances: found.attachments().iter().filter_map(|one| one.instance_id.clone()).collect(),
            in_use: found.state() == Some(&types::VolumeState::InUse),
            made: found.create_time.and_then(timestamp),
            id: found.volume_id.unwrap_or_default(),
        });
    }
    Ok(volumes)
}

async fn managed(ec2: &Client, region: &str, backup_stack: &str) -> Result<Vec<Snapshot>, Error> {
    let mut managed = Vec::new();
    snapshots::each_managed(ec2, backup_stack, &[], async |found| {
        managed.push(Snapshot::of(region, found));
        Ok(())
    })
    .await?;
    Ok(managed)
}

fn timestamp(time: aws_sdk_ec2::primitives::DateTime) -> Option<Timestamp> {
    Timestamp::new(time.secs(), time.subsec_nanos().try_into().ok()?).ok()
}
