//! EC2 resources that concern a restore: restore points, their original volumes, instances and zones.

use anyhow::Result;
use domain::{
    Night,
    tags::{NAME, RESTORE_AS, RESTORE_SERVER, RESTORED_FROM},
};
use std::collections::BTreeSet;

use crate::{
    account::{
        ec2::{Instance, Region, Snapshot, Volume, Zone, filter, is_id, managed, tagged_like},
        inventory::{Inventory, ids_of},
    },
    cli::Restore,
};

/// Managed snapshot whose tags record its Night.
#[derive(Clone, Debug)]
pub struct SourcePoint {
    pub snapshot: Snapshot,
    pub night: Night,
}

/// Volumes, snapshots, instances and zones of every Region.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// Restore points of the volumes that the command line may mean.
    pub points: Vec<SourcePoint>,
    /// The volumes among them that still exist.
    pub volumes: Vec<Volume>,
    /// Instances that `--server` names.
    pub servers: Vec<Instance>,
    /// Instances that `--attach` names.
    pub targets: Vec<Instance>,
    /// Volumes that have the tag `RestoredFrom`.
    pub restored: Vec<Volume>,
    pub zones: Vec<Zone>,
}

impl Sources {
    /// Reads the resources of one Region that the command line names.
    pub async fn read(region: &Region, backup_stack: &str, asked: &Restore) -> Result<Self> {
        let mut found = Self::default();
        let mut ids = BTreeSet::new();
        if let Some(name) = &asked.attach {
            found.targets = instances(region, name).await?;
        }
        if let Some(volume) = &asked.volume {
            ids = ids_of(region, backup_stack, volume).await?;
        }
        if let Some(server) = &asked.server {
            found.servers = instances(region, server).await?;
            ids = ids_of_server(region, backup_stack, server, &found.servers).await?;
        }
        let Inventory { volumes, snapshots, .. } = Inventory::read_volumes(region, backup_stack, &ids).await?;
        found.volumes = volumes;
        found.points = snapshots.into_iter().filter_map(SourcePoint::new).collect();
        found.restored = region.volumes(&[filter("tag-key", [RESTORED_FROM])]).await?;
        found.zones = region.zones().await?;
        Ok(found)
    }

    pub fn add(&mut self, other: Self) {
        self.points.extend(other.points);
        self.volumes.extend(other.volumes);
        self.servers.extend(other.servers);
        self.targets.extend(other.targets);
        self.restored.extend(other.restored);
        self.zones.extend(other.zones);
    }

    pub fn volume(&self, id: &str) -> Option<&Volume> {
        self.volumes.iter().find(|volume| volume.id == id)
    }
}

impl SourcePoint {
    /// Returns none for a snapshot whose tags do not record its Night.
    pub fn new(snapshot: Snapshot) -> Option<Self> {
        Some(Self { night: snapshot.night()?, snapshot })
    }
}

/// Lists the instances with this id or name, including terminated ones.
async fn instances(region: &Region, asked: &str) -> Result<Vec<Instance>> {
    if is_id("i-", asked) {
        return region.instances(&[filter("instance-id", [asked])]).await;
    }
    let found = region.instances(&[tagged_like(NAME, asked)]).await?;
    Ok(found.into_iter().filter(|instance| instance.name == asked).collect())
}

/// Returns the ids of the volumes that the server has or had.
async fn ids_of_server(
    region: &Region,
    backup_stack: &str,
    asked: &str,
    servers: &[Instance],
) -> Result<BTreeSet<String>> {
    let mut ids: BTreeSet<_> = servers.iter().flat_map(|server| server.devices.values().cloned()).collect();
    let instances = servers.iter().map(|server| server.id.as_str()).chain(is_id("i-", asked).then_some(asked));
    let was_its: BTreeSet<_> = instances.map(|id| format!("* instance={id}*")).collect();
    let mut by = vec![tagged_like(RESTORE_SERVER, asked)];
    if !was_its.is_empty() {
        by.push(filter(format!("tag:{RESTORE_AS}"), was_its));
    }
    // The filters may also match volumes of other servers (see `tagged_like`). The module `server` removes those.
    for by in by {
        let snapshots = region.snapshots(&[managed(backup_stack), by]).await?;
        ids.extend(snapshots.into_iter().map(|one| one.volume_id));
    }
    Ok(ids)
}
