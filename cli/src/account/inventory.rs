//! Volumes and managed snapshots of the stack's Regions. If a Region cannot be read, the others are still listed.

use anyhow::{Error, Result, bail};
use aws_sdk_ec2::types::Filter;
use domain::{
    Night,
    tags::{NAME, RESTORED_FROM, require_own},
};
use futures_util::{StreamExt, stream};
use jiff::{Timestamp, tz::TimeZone};
use std::collections::{BTreeMap, BTreeSet, HashSet};

use crate::{
    account::{
        Account,
        ec2::{Region, Snapshot, Volume, filter, is_id, managed, tagged_like},
        stack::Stack,
    },
    ui::{output, text::plural},
};

/// Maximum number of Regions that are read concurrently.
const AT_ONCE: usize = 8;

/// Volumes and managed snapshots, in no particular order.
#[derive(Debug, Default)]
pub struct Inventory {
    pub volumes: Vec<Volume>,
    pub snapshots: Vec<Snapshot>,
    pub unread: Vec<String>,
}

/// Volume that exists or has managed snapshots.
#[derive(Clone, Debug, Default)]
pub struct History<'a> {
    /// None if the volume no longer exists.
    pub volume: Option<&'a Volume>,
    /// Managed snapshots of the volume, in no particular order.
    pub snapshots: Vec<&'a Snapshot>,
}

/// Returns the number of managed snapshots in a Region, as text. If they cannot be listed, the text says so.
pub async fn count(account: &Account, region: &str, backup_stack: &str) -> String {
    let listed = account.ec2(region).describe_snapshots().owner_ids("self").filters(managed(backup_stack));
    match listed.into_paginator().items().send().collect::<Result<Vec<_>, _>>().await {
        Ok(snapshots) => plural(snapshots.len(), "snapshot"),
        Err(_) => "they could not be counted".to_owned(),
    }
}

/// Histories by the Region and id of the volume.
pub type Histories<'a> = BTreeMap<(&'a str, &'a str), History<'a>>;

impl Inventory {
    /// Reads every Region. If `volume` is given, reads only volumes with this id or name.
    pub async fn read(account: &Account, stack: &Stack, volume: Option<&str>) -> Result<Self> {
        let answers = each_region(account, &stack.regions, async |region| match volume {
            None => Self::read_region(&region, &stack.backup_stack, &[]).await,
            Some(asked) => {
                let ids = ids_of(&region, &stack.backup_stack, asked).await?;
                Self::read_volumes(&region, &stack.backup_stack, &ids).await
            }
        });
        let (parts, unread) = readable(answers.await)?;
        let mut all = Self { unread, ..Self::default() };
        for part in parts {
            all.volumes.extend(part.volumes);
            all.snapshots.extend(part.snapshots);
        }
        Ok(all)
    }

    /// Reads the volumes with these ids, and their managed snapshots, in one Region.
    pub async fn read_volumes(region: &Region, backup_stack: &str, ids: &BTreeSet<String>) -> Result<Self> {
        if ids.is_empty() {
            return Ok(Self::default());
        }
        Self::read_region(region, backup_stack, &[filter("volume-id", ids)]).await
    }

    async fn read_region(region: &Region, backup_stack: &str, filters: &[Filter]) -> Result<Self> {
        let volumes = region.volumes(filters).await?;
        let mut snapshots = region.snapshots(&[filters, &[managed(backup_stack)]].concat()).await?;
        // Leaves out copies that another tool made with all tags.
        let ids: HashSet<_> = volumes.iter().map(|volume| volume.id.as_str()).collect();
        snapshots.retain(|one| require_own(&one.tags, &one.volume_id, ids.contains(one.volume_id.as_str())).is_ok());
        Ok(Self { volumes, snapshots, unread: Vec::new() })
    }

    /// Returns the next Night: today, or the Night after the newest one that has a snapshot, whichever is later.
    pub fn next_night(&self, now: Timestamp, zone: &TimeZone) -> Night {
        let newest = self.snapshots.iter().filter_map(Snapshot::night).max();
        let today = Night::from_time(now, zone);
        newest.and_then(|night| night.after_nights(1)).map_or(today, |after| after.max(today))
    }

    pub fn histories(&self) -> Histories<'_> {
        histories(&self.volumes, self.snapshots.iter())
    }
}

pub fn histories<'a>(volumes: &'a [Volume], snapshots: impl Iterator<Item = &'a Snapshot>) -> Histories<'a> {
    let mut histories = Histories::new();
    for volume in volumes {
        histories.entry((volume.region.as_str(), volume.id.as_str())).or_default().volume = Some(volume);
    }
    for one in snapshots {
        histories.entry((one.region.as_str(), one.volume_id.as_str())).or_default().snapshots.push(one);
    }
    histories
}

impl History<'_> {
    /// Returns the volume's name. If the volume is gone, returns the name from its newest snapshot. Empty if there is no name.
    pub fn name(&self) -> &str {
        let newest = || self.snapshots.iter().max_by_key(|one| (one.started, one.night()));
        let remembered =
            || newest().map(|one| one.name()).filter(|name| newest().is_some_and(|one| *name != one.volume_id));
        match self.volume {
            Some(volume) => volume.name(),
            None => remembered().unwrap_or_default(),
        }
    }

    /// Returns the snapshot that the volume was restored from.
    fn restored_from(&self) -> Option<&str> {
        self.volume?.tags.get(RESTORED_FROM).map(String::as_str)
    }
}

/// Returns the Region and id of the volume with this id, or of the only volume with this name. A restored volume has the name of its
/// original. As long as the restored volume has no restore points of its own, the name means the original.
pub fn find<'a>(histories: &Histories<'a>, asked: &str, regions: &[String]) -> Result<(&'a str, &'a str)> {
    let of_id = histories.keys().find(|(_, id)| *id == asked);
    let called: Vec<_> = histories.iter().filter(|(_, history)| history.name() == asked).collect();
    let points: HashSet<_> =
        called.iter().flat_map(|(_, history)| &history.snapshots).map(|one| one.id.as_str()).collect();
    let is_copy = |history: &History| {
        history.snapshots.is_empty() && history.restored_from().is_some_and(|snapshot| points.contains(snapshot))
    };
    let called = called.into_iter().filter(|(_, history)| !is_copy(history)).map(|(key, _)| key);
    let found: Vec<_> = of_id.map_or_else(|| called.collect(), |key| vec![key]);
    match found.as_slice() {
        [one] => Ok(**one),
        [] => bail!(
            "no volume has the id or the Name {asked:?} in {}, and no restore point belongs to such a volume; `nightly list` lists them all, and --regions looks in other Regions",
            regions.join(", ")
        ),
        several => {
            let choice = |key: &&(&str, &str)| {
                let (region, id) = key;
                let copy = histories.get(*key).and_then(History::restored_from);
                format!(
                    "{id} in {region}{}",
                    copy.map(|snapshot| format!(", restored from {snapshot},")).unwrap_or_default()
                )
            };
            let choices: Vec<_> = several.iter().map(choice).collect();
            bail!("{} are named {asked:?}: give the id, {}", plural(choices.len(), "volume"), choices.join(" or "))
        }
    }
}

/// Returns the ids of the volumes that an id or a name may mean. A snapshot may have a name that its volume no longer has.
pub async fn ids_of(region: &Region, backup_stack: &str, asked: &str) -> Result<BTreeSet<String>> {
    if is_id("vol-", asked) {
        return Ok(BTreeSet::from([asked.to_owned()]));
    }
    let volumes = region.volumes(&[tagged_like(NAME, asked)]).await?;
    let snapshots = region.snapshots(&[managed(backup_stack), tagged_like(NAME, asked)]).await?;
    let volumes = volumes.into_iter().filter(|one| one.name() == asked).map(|one| one.id);
    let snapshots = snapshots.into_iter().filter(|one| one.name() == asked).map(|one| one.volume_id);
    Ok(volumes.chain(snapshots).collect())
}

/// Queries several Regions concurrently. Returns the answers in the order of the Regions.
pub async fn each_region<T>(
    account: &Account,
    regions: &[String],
    ask: impl AsyncFn(Region) -> Result<T>,
) -> Vec<(String, Result<T>)> {
    let asked = regions.iter().map(async |name| {
        let region = Region { name: name.clone(), client: account.ec2(name) };
        (name.clone(), ask(region).await)
    });
    stream::iter(asked).buffered(AT_ONCE).collect().await
}

/// Returns the answers of the Regions that could be read, and the names of the others, and prints the errors of the others to stderr.
/// Fails if no Region could be read.
pub fn readable<T>(answers: Vec<(String, Result<T>)>) -> Result<(Vec<T>, Vec<String>)> {
    let (mut read, mut unread) = (Vec::new(), Vec::new());
    for (region, answer) in answers {
        match answer {
            Ok(answer) => read.push(answer),
            Err(error) => unread.push((region.clone(), error.context(region))),
        }
    }
    let first: Option<Error> = if read.is_empty() && !unread.is_empty() { Some(unread.remove(0).1) } else { None };
    unread.iter().for_each(|(_, error)| output::note(&format!("nightly: {error:#}")));
    match first {
        Some(error) => Err(error),
        None => Ok((read, unread.into_iter().map(|(region, _)| region).collect())),
    }
}
