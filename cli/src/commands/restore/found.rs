//! What EC2 holds that bears on a restore: restore points, the volumes that they were made of, instances, zones.

use aws::{error, snapshots};
use aws_sdk_ec2::{Client, types, types::Filter};
use domain::{
    Error, Night,
    origin::Origin,
    tags::{NAME, RESTORE_AS, RESTORE_SERVER, RESTORED_FROM, Tags},
};
use std::collections::{BTreeMap, BTreeSet};

use crate::{account::inventory::Snapshot, cli::Restore};

/// A managed snapshot.
#[derive(Clone, Debug)]
pub struct Point {
    /// What is known of every snapshot.
    pub snapshot: Snapshot,
    /// Its Night.
    pub night: Night,
    /// What its volume was, where it says so.
    pub origin: Option<Origin>,
    /// How much of it EBS has copied: `45%`.
    pub progress: String,
    /// Whether it is in the archive tier: nothing can be made of it.
    pub is_archived: bool,
    /// Whether it is encrypted.
    pub is_encrypted: bool,
    /// The key that it is encrypted with.
    pub key: Option<String>,
}

impl Point {
    /// Whether a volume can be made of it.
    pub fn is_fit(&self) -> bool {
        self.snapshot.state == "completed" && !self.is_archived
    }
}

/// A volume that exists.
#[derive(Clone, Debug, Default)]
pub struct Volume {
    /// Its Region.
    pub region: String,
    /// `vol-…`
    pub id: String,
    /// Its state, in EC2's word.
    pub state: String,
    /// What it is.
    pub origin: Origin,
    /// Its size in GiB.
    pub gibibytes: i32,
    /// Whether it is encrypted.
    pub is_encrypted: bool,
    /// The key that it is encrypted with.
    pub key: Option<String>,
    /// Its tags.
    pub tags: Tags,
    /// The instances and the devices that it is attached at.
    pub attachments: Vec<(String, String)>,
}

/// An instance.
#[derive(Clone, Debug, Default)]
pub struct Instance {
    /// Its Region.
    pub region: String,
    /// `i-…`
    pub id: String,
    /// Its `Name` tag, empty where it has none.
    pub name: String,
    /// Its state, in EC2's word.
    pub state: String,
    /// Its Availability Zone.
    pub zone: String,
    /// The device of its root volume.
    pub root: String,
    /// Its volumes by their devices.
    pub devices: BTreeMap<String, String>,
}

/// An Availability Zone.
#[derive(Clone, Debug)]
pub struct Zone {
    /// Its Region.
    pub region: String,
    /// `us-east-1a`
    pub name: String,
    /// Whether volumes can be made in it.
    pub is_available: bool,
}

/// All of it, of every Region.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// The restore points of the volumes that may be meant.
    pub points: Vec<Point>,
    /// Those of these volumes that still exist.
    pub volumes: Vec<Volume>,
    /// The instances that `--server` names.
    pub servers: Vec<Instance>,
    /// The instances that `--attach` names.
    pub targets: Vec<Instance>,
    /// The volumes that bear `RestoredFrom`.
    pub restored: Vec<Volume>,
    /// The zones.
    pub zones: Vec<Zone>,
}

impl Found {
    /// Asks one Region for what the command line names.
    ///
    /// # Errors
    /// EC2 refuses or does not answer.
    pub async fn read(ec2: &Client, region: &str, backup_stack: &str, asked: &Restore) -> Result<Self, Error> {
        let mut found = Self::default();
        if let Some(name) = &asked.server {
            found.servers = instances(ec2, region, name).await?;
        }
        if let Some(name) = &asked.attach {
            found.targets = instances(ec2, region, name).await?;
        }
        for id in named(ec2, backup_stack, asked, &found.servers).await? {
            found.volumes.extend(volumes(ec2, region, "volume-id", &id).await?);
            snapshots::each_managed(ec2, backup_stack, &[("volume-id", &id)], async |one| {
                found.points.extend(point(region, one));
                Ok(())
            })
            .await?;
        }
        found.restored = volumes(ec2, region, "tag-key", RESTORED_FROM).await?;
        found.zones = zones(ec2, region).await?;
        Ok(found)
    }

    /// Adds another Region's.
    pub fn add(&mut self, other: Self) {
        self.points.extend(other.points);
        self.volumes.extend(other.volumes);
        self.servers.extend(other.servers);
        self.targets.extend(other.targets);
        self.restored.extend(other.restored);
        self.zones.extend(other.zones);
    }

    /// A volume that exists.
    pub fn volume(&self, id: &str) -> Option<&Volume> {
        self.volumes.iter().find(|volume| volume.id == id)
    }
}

/// The volumes that may be meant: a snapshot may bear a name that its volume has no longer, so this is more than enough.
async fn named(
    ec2: &Client,
    backup_stack: &str,
    asked: &Restore,
    servers: &[Instance],
) -> Result<BTreeSet<String>, Error> {
    let mut ids = BTreeSet::new();
    let mut filters = Vec::new();
    match (&asked.volume, &asked.server) {
        (Some(id), _) if id.starts_with("vol-") => drop(ids.insert(id.clone())),
        (Some(name), _) => {
            ids.extend(volumes(ec2, "", &format!("tag:{NAME}"), name).await?.into_iter().map(|one| one.id));
            filters.push((format!("tag:{NAME}"), name.clone()));
        }
        (_, Some(name)) => {
            ids.extend(servers.iter().flat_map(|server| server.devices.values().cloned()));
            filters.push((format!("tag:{RESTORE_SERVER}"), name.clone()));
            let instances = servers.iter().map(|server| &server.id).chain([name]).collect::<BTreeSet<_>>();
            filters.extend(instances.into_iter().map(|id| (format!("tag:{RESTORE_AS}"), format!("* instance={id}*"))));
        }
        _ => {}
    }
    for (name, value) in filters {
        snapshots::each_managed(ec2, backup_stack, &[(&name, &value)], async |one| {
            ids.extend(one.volume_id);
            Ok(())
        })
        .await?;
    }
    Ok(ids)
}

/// None for a snapshot whose tags do not say its Night.
pub fn point(region: &str, found: types::Snapshot) -> Option<Point> {
    let progress = found.progress.clone().unwrap_or_default();
    let is_archived = found.storage_tier == Some(types::StorageTier::Archive);
    let (is_encrypted, key) = (found.encrypted == Some(true), found.kms_key_id.clone());
    let snapshot = Snapshot::of(region, found);
    let (night, origin) = (snapshot.night()?, Origin::of(&snapshot.tags));
    Some(Point { night, origin, progress, is_archived, is_encrypted, key, snapshot })
}

/// The volumes that pass a filter.
///
/// # Errors
/// EC2 refuses or does not answer.
pub async fn volumes(ec2: &Client, region: &str, name: &str, value: &str) -> Result<Vec<Volume>, Error> {
    let filter = Filter::builder().name(name).values(value).build();
    let mut listed = ec2.describe_volumes().filters(filter).into_paginator().items().send();
    let mut found = Vec::new();
    while let Some(one) = listed.next().await {
        found.push(volume(region, one.map_err(|error| error::of("DescribeVolumes", error))?));
    }
    Ok(found)
}

fn volume(region: &str, found: types::Volume) -> Volume {
    let attachment = |one: &types::VolumeAttachment| Some((one.instance_id.clone()?, one.device.clone()?));
    let attachments: Vec<_> = found.attachments().iter().filter_map(attachment).collect();
    let first = attachments.first().cloned().unzip();
    Volume {
        region: region.to_owned(),
        state: found.state().map(|state| state.as_str().to_owned()).unwrap_or_default(),
        origin: Origin {
            kind: found.volume_type().map(|kind| kind.as_str().to_owned()).unwrap_or_default(),
            iops: found.iops,
            throughput: found.throughput,
            zone: found.availability_zone.clone().unwrap_or_default(),
            instance: first.0,
            device: first.1,
            multi_attach: found.multi_attach_enabled.unwrap_or(false),
        },
        gibibytes: found.size.unwrap_or_default(),
        is_encrypted: found.encrypted == Some(true),
        key: found.kms_key_id.clone(),
        tags: snapshots::tags_of(found.tags()),
        id: found.volume_id.unwrap_or_default(),
        attachments,
    }
}

/// The instances of this id or this `Name`, terminated ones among them.
async fn instances(ec2: &Client, region: &str, asked: &str) -> Result<Vec<Instance>, Error> {
    let name = if asked.starts_with("i-") { "instance-id".to_owned() } else { format!("tag:{NAME}") };
    let filter = Filter::builder().name(name).values(asked).build();
    let mut listed = ec2.describe_instances().filters(filter).into_paginator().items().send();
    let mut found = Vec::new();
    while let Some(reservation) = listed.next().await {
        let reservation = reservation.map_err(|error| error::of("DescribeInstances", error))?;
        found.extend(reservation.instances().iter().map(|one| instance(region, one)));
    }
    Ok(found)
}

fn instance(region: &str, found: &types::Instance) -> Instance {
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    let device = |one: &types::InstanceBlockDeviceMapping| {
        Some((one.device_name.clone()?, one.ebs().and_then(|disk| disk.volume_id.clone())?))
    };
    Instance {
        region: region.to_owned(),
        id: text(found.instance_id()),
        name: snapshots::tags_of(found.tags()).remove(NAME).unwrap_or_default(),
        state: text(found.state().and_then(|state| state.name()).map(types::InstanceStateName::as_str)),
        zone: text(found.placement().and_then(|placement| placement.availability_zone())),
        root: text(found.root_device_name()),
        devices: found.block_device_mappings().iter().filter_map(device).collect(),
    }
}

async fn zones(ec2: &Client, region: &str) -> Result<Vec<Zone>, Error> {
    let answer = ec2.describe_availability_zones().send().await;
    let listed = answer.map_err(|error| error::of("DescribeAvailabilityZones", error))?.availability_zones;
    let zone = |found: types::AvailabilityZone| Zone {
        region: region.to_owned(),
        is_available: found.state() == Some(&types::AvailabilityZoneState::Available),
        name: found.zone_name.unwrap_or_default(),
    };
    Ok(listed.unwrap_or_default().into_iter().map(zone).collect())
}
