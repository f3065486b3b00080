//! A small fleet in two Regions, and its changes between two runs.

use aws_sdk_ec2::{
    Client,
    types::{ResourceType, Tag, TagSpecification, VolumeState},
};
use fastrand::Rng;
use std::collections::BTreeMap;
use strict_ec2::{SnapshotState, StrictEc2};
use tests::{
    cloud::Cloud,
    model::{ModelAccount, ModelSnapshot, ModelVolume, Tags},
};

/// The backed-up Regions.
pub const REGIONS: [&str; 2] = ["us-east-1", "eu-west-1"];
/// Tag value of the volumes that the simulation creates and deletes.
const COMES_AND_GOES: &str = "comes and goes";

/// The fleet. It uses the strict EC2, so it sees the same state as the functions.
pub struct SimulatedFleet {
    clients: BTreeMap<&'static str, Client>,
    servers: BTreeMap<&'static str, String>,
    /// Random number generator. It is seeded, so that every simulation is the same.
    pub chance: Rng,
}

impl SimulatedFleet {
    /// Starts a server in each Region.
    pub async fn new(cloud: &Cloud, strict: &StrictEc2) -> Self {
        let (mut clients, mut servers) = (BTreeMap::new(), BTreeMap::new());
        for region in REGIONS {
            let ec2 = cloud.ec2_at(strict.url.clone(), region).await;
            let run = ec2.run_instances().image_id("ami-12345678").min_count(1).max_count(1).send().await;
            let server = run.expect("a server").instances()[0].instance_id().expect("an id").to_owned();
            servers.insert(region, server);
            clients.insert(region, ec2);
        }
        Self { clients, servers, chance: Rng::with_seed(430) }
    }

    /// Returns the current state of a Region.
    pub async fn account(&self, region: &str) -> ModelAccount {
        let ec2 = &self.clients[region];
        let volumes = ec2.describe_volumes().into_paginator().items().send().collect::<Result<Vec<_>, _>>().await;
        let snapshots = ec2.describe_snapshots().owner_ids("self").into_paginator().items().send();
        let snapshots = snapshots.collect::<Result<Vec<_>, _>>().await;
        let volume = |one: aws_sdk_ec2::types::Volume| {
            let in_use = one.state == Some(VolumeState::InUse);
            let restore = [("RestoreAs".to_owned(), restore_as(&one))].into();
            (one.volume_id.clone().expect("an id"), ModelVolume { in_use, tags: tags(one.tags()), restore })
        };
        let snapshot = |one: aws_sdk_ec2::types::Snapshot| {
            let state = one.state().expect("a state").as_str().to_owned();
            let tags = tags(one.tags());
            (one.snapshot_id.expect("an id"), ModelSnapshot { volume: one.volume_id.expect("a volume"), state, tags })
        };
        ModelAccount {
            volumes: volumes.expect("volumes").into_iter().map(volume).collect(),
            snapshots: snapshots.expect("snapshots").into_iter().map(snapshot).collect(),
        }
    }

    /// Applies the changes to a Region between two runs.
    pub async fn live_a_day(&mut self, strict: &StrictEc2, region: &'static str, night: &str) {
        let account = self.account(region).await;
        self.settle(strict, &account);
        match self.chance.u32(0..100) {
            0..4 => self.add_volume(region).await,
            4..8 => self.delete_a_volume(region, &account).await,
            8..12 => self.detach_or_attach(region, &account).await,
            12..30 => self.tag_a_volume(region, &account).await,
            30..34 => self.add_snapshot(region, &account, night).await,
            34..36 => self.promote(region, &account).await,
            _ => {}
        }
    }

    /// Completes most pending snapshots, like EBS.
    fn settle(&mut self, strict: &StrictEc2, account: &ModelAccount) {
        for (id, _) in account.snapshots.iter().filter(|(_, one)| one.state == "pending") {
            match self.chance.u32(0..20) {
                0 => strict.set_state(id, SnapshotState::Error),
                1 => {}
                _ => strict.set_state(id, SnapshotState::Completed),
            }
        }
    }

    async fn add_volume(&self, region: &str) {
        let ec2 = &self.clients[region];
        let zone = format!("{region}a");
        let mark = TagSpecification::builder()
            .resource_type(ResourceType::Volume)
            .tags(Tag::builder().key("Lives").value(COMES_AND_GOES).build())
            .build();
        let made = ec2.create_volume().availability_zone(zone).size(8).tag_specifications(mark).send().await;
        self.attach(region, &made.expect("a volume").volume_id.expect("its id")).await;
    }

    async fn delete_a_volume(&mut self, region: &str, account: &ModelAccount) {
        let Some((id, volume)) = self.mortal(account) else { return };
        let ec2 = &self.clients[region];
        if volume.in_use {
            self.detach(region, &id).await;
        }
        ec2.delete_volume().volume_id(id).send().await.expect("deleted");
    }

    async fn detach_or_attach(&mut self, region: &str, account: &ModelAccount) {
        let Some((id, volume)) = self.mortal(account) else { return };
        if volume.in_use {
            return self.detach(region, &id).await;
        }
        self.attach(region, &id).await;
    }

    async fn attach(&self, region: &str, id: &str) {
        let attach = self.clients[region].attach_volume().volume_id(id).instance_id(&self.servers[region]);
        attach.device(device(id)).send().await.expect("attached");
    }

    async fn detach(&self, region: &str, id: &str) {
        let detach = self.clients[region].detach_volume().volume_id(id).instance_id(&self.servers[region]);
        detach.device(device(id)).send().await.expect("detached");
    }

    async fn tag_a_volume(&mut self, region: &str, account: &ModelAccount) {
        let Some((id, volume)) = self.mortal(account) else { return };
        let ec2 = &self.clients[region];
        let pool = [
            ("Backup", "false"),
            ("Backup", "FALSE"),
            ("Backup", "yes"),
            ("Name", "db \"one\" <&> 🦀\n${x} $.y {\"a\":1}"),
            ("Name", ""),
            ("Description", "Datenträger"),
            ("Client", "own"),
            ("Night", "1999-01-01"),
            ("Interval", "Annual"),
            ("Empty", ""),
            ("BackupPlan", "gold"),
            ("BackupPlan", "weekly"),
            ("BackupPlan", "Gold"),
            ("aws:cloudformation:stack-name", "the servers"),
        ];
        let (key, value) = pool[self.chance.usize(0..pool.len())];
        let tag = Tag::builder().key(key);
        if volume.tags.contains_key(key) {
            ec2.delete_tags().resources(id).tags(tag.build()).send().await.expect("untagged");
        } else if self.chance.u32(0..8) == 0 {
            let longest = "🦀".repeat(256);
            let free = 50 - volume.tags.len();
            let tags = (0..free).map(|number| Tag::builder().key(format!("Tag{number}")).value(&longest).build());
            ec2.create_tags().resources(id).set_tags(Some(tags.collect())).send().await.expect("tagged");
        } else if volume.tags.len() < 50 {
            ec2.create_tags().resources(id).tags(tag.value(value).build()).send().await.expect("tagged");
        }
    }

    /// Adds a snapshot from a person or another tool, or one with our tag and unreadable other tags.
    async fn add_snapshot(&mut self, region: &str, account: &ModelAccount, night: &str) {
        let Some((id, _)) = self.mortal(account) else { return };
        let pool: [&[(&str, &str)]; 5] = [
            &[("Made", "by hand")],
            &[("Night", night), ("Interval", "Daily"), ("Intervals", "Daily")],
            &[("BackupStack", "another"), ("Night", night), ("Interval", "Daily"), ("Intervals", "Daily")],
            &[("BackupStack", "nightly-backup"), ("Night", "long ago"), ("Interval", "Daily"), ("Intervals", "Daily")],
            &[("BackupStack", "nightly-backup"), ("Interval", "Daily"), ("Intervals", "Daily")],
        ];
        let tags = pool[self.chance.usize(0..pool.len())];
        let tags = tags.iter().map(|(key, value)| Tag::builder().key(*key).value(*value).build()).collect();
        let tags = TagSpecification::builder().resource_type(ResourceType::Snapshot).set_tags(Some(tags)).build();
        let create = self.clients[region].create_snapshot().volume_id(id).tag_specifications(tags);
        create.send().await.expect("a snapshot");
    }

    /// Makes a snapshot permanent, like a person.
    async fn promote(&mut self, region: &str, account: &ModelAccount) {
        let dailies: Vec<_> = account
            .snapshots
            .iter()
            .filter(|(_, one)| one.tags.get("Interval").is_some_and(|i| i == "Daily"))
            .collect();
        if let Some((id, _)) = self.chance.choice(dailies) {
            let annual = Tag::builder().key("Interval").value("Annual").build();
            self.clients[region].create_tags().resources(id).tags(annual).send().await.expect("tagged");
        }
    }

    /// Returns a random volume that may be changed or deleted. It is never a root volume of a server.
    fn mortal(&mut self, account: &ModelAccount) -> Option<(String, ModelVolume)> {
        let mortal = |volume: &ModelVolume| volume.tags.get("Lives").is_some_and(|value| value == COMES_AND_GOES);
        let volumes: Vec<_> = account.volumes.iter().filter(|(_, volume)| mortal(volume)).collect();
        self.chance.choice(volumes).map(|(id, volume)| (id.clone(), volume.clone()))
    }
}

/// Returns a unique device name for a volume.
fn device(volume: &str) -> String {
    format!("/dev/sd-{}", &volume[volume.len() - 6..])
}

fn tags(tags: &[Tag]) -> Tags {
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    tags.iter().map(|tag| (text(tag.key()), text(tag.value()))).collect()
}

/// Returns the `RestoreAs` tag that the contract requires. The servers here have no names.
fn restore_as(volume: &aws_sdk_ec2::types::Volume) -> String {
    let attached = volume.attachments().first();
    let words = [
        ("type", volume.volume_type().map(|kind| kind.as_str().to_owned())),
        ("iops", volume.iops().map(|iops| iops.to_string())),
        ("throughput", volume.throughput().map(|throughput| throughput.to_string())),
        ("zone", volume.availability_zone().map(str::to_owned)),
        ("device", attached.and_then(|one| one.device.clone())),
        ("instance", attached.and_then(|one| one.instance_id.clone())),
    ];
    let said = words.into_iter().filter_map(|(name, value)| Some(format!("{name}={}", value?)));
    said.collect::<Vec<_>>().join(" ")
}
