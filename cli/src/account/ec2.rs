//! EC2 in one Region: volumes, snapshots, instances and zones, read to the last page.

use anyhow::Result;
use aws::snapshots::tags_of;
use aws_sdk_ec2::{
    Client,
    types::{self, AvailabilityZoneState, Filter, StorageTier},
};
use domain::{
    Night,
    origin::Origin,
    tags::{BACKUP_STACK, Identity, NAME, Tags, read_identity},
};
use jiff::Timestamp;
use std::collections::BTreeMap;

use crate::account::error;

/// Maximum number of values that one filter has in one call. The call's other filters need the rest of EC2's 200 values.
const MOST_VALUES: usize = 180;

#[derive(Clone, Debug)]
pub struct Region {
    pub name: String,
    pub client: Client,
}

#[derive(Clone, Debug, Default)]
pub struct Volume {
    pub region: String,
    pub id: String,
    pub state: String,
    /// Type, performance, zone and attachment.
    pub origin: Origin,
    pub gibibytes: i32,
    pub is_encrypted: bool,
    pub key: Option<String>,
    pub tags: Tags,
    pub attachments: Vec<(String, String)>,
    pub created: Option<Timestamp>,
}

#[derive(Clone, Debug)]
pub struct Snapshot {
    pub region: String,
    pub id: String,
    pub volume_id: String,
    pub tags: Tags,
    /// Identity from the tags, or the reason why they cannot be read.
    pub identity: Result<Identity, String>,
    /// Properties of the volume, if the tags record them.
    pub origin: Option<Origin>,
    pub state: String,
    /// Progress as reported by EBS: `45%`.
    pub progress: String,
    /// Whether the snapshot is in the archive tier, so that no volume can be created from it.
    pub is_archived: bool,
    pub is_encrypted: bool,
    pub key: Option<String>,
    pub gibibytes: i32,
    pub started: Option<Timestamp>,
}

#[derive(Clone, Debug, Default)]
pub struct Instance {
    pub region: String,
    pub id: String,
    pub name: String,
    pub state: String,
    pub zone: String,
    /// Device name of the root volume: `/dev/xvda`, `/dev/sda1`.
    pub root: String,
    pub is_windows: bool,
    /// ARN of the Outpost that the instance is on.
    pub outpost: Option<String>,
    pub devices: BTreeMap<String, String>,
}

#[derive(Clone, Debug)]
pub struct Zone {
    pub region: String,
    pub name: String,
    pub is_available: bool,
}

pub fn filter<T: Into<String>>(name: impl Into<String>, values: impl IntoIterator<Item = T>) -> Filter {
    Filter::builder().name(name).set_values(Some(values.into_iter().map(T::into).collect())).build()
}

pub fn managed(backup_stack: &str) -> Filter {
    filter(format!("tag:{BACKUP_STACK}"), [backup_stack])
}

/// Returns a filter that matches a tag with this value, and possibly with others. In a filter, `*`, `?` and `\` are special (EC2 user guide,
/// "List and filter using the CLI and API"), so each is replaced with `?`, which matches any character. The caller compares the values.
pub fn tagged_like(key: &str, value: &str) -> Filter {
    filter(format!("tag:{key}"), [value.replace(['*', '?', '\\'], "?")])
}

/// Splits filters over several calls, because one call takes 200 values over all its filters (EC2 user guide, "List and filter using the
/// CLI and API"). At most one filter may have more than [`MOST_VALUES`].
fn in_parts(filters: &[Filter]) -> Vec<Vec<Filter>> {
    let Some(at) = filters.iter().position(|one| one.values().len() > MOST_VALUES) else {
        return vec![filters.to_vec()];
    };
    let part = |values: &[String]| {
        let mut part = filters.to_vec();
        part[at].values = Some(values.to_vec());
        part
    };
    filters[at].values().chunks(MOST_VALUES).map(part).collect()
}

/// Returns whether a text is an EC2 id with this prefix, `vol-` or `i-`, and not a name that looks like one.
pub fn is_id(prefix: &str, text: &str) -> bool {
    let is_hex = |one: char| matches!(one, '0'..='9' | 'a'..='f');
    text.strip_prefix(prefix).is_some_and(|id| (8..=17).contains(&id.len()) && id.chars().all(is_hex))
}

impl Region {
    pub async fn volumes(&self, filters: &[Filter]) -> Result<Vec<Volume>> {
        let mut all = Vec::new();
        for filters in in_parts(filters) {
            let call = self.client.describe_volumes().set_filters(Some(filters)).max_results(1_000);
            let found: Result<Vec<_>, _> = call.into_paginator().items().send().collect().await;
            let found = found.map_err(|error| error::from_sdk("DescribeVolumes", error))?;
            all.extend(found.into_iter().map(|one| self.volume(one)));
        }
        Ok(all)
    }

    pub async fn snapshots(&self, filters: &[Filter]) -> Result<Vec<Snapshot>> {
        let mut all = Vec::new();
        for filters in in_parts(filters) {
            let call = self.client.describe_snapshots().owner_ids("self").set_filters(Some(filters));
            let found: Result<Vec<_>, _> = call.max_results(1_000).into_paginator().items().send().collect().await;
            let found = found.map_err(|error| error::from_sdk("DescribeSnapshots", error))?;
            all.extend(found.into_iter().map(|one| self.snapshot(one)));
        }
        Ok(all)
    }

    /// Lists the instances that match every filter, including terminated ones.
    pub async fn instances(&self, filters: &[Filter]) -> Result<Vec<Instance>> {
        let call = self.client.describe_instances().set_filters(Some(filters.to_vec())).max_results(1_000);
        let found: Result<Vec<_>, _> = call.into_paginator().items().send().collect().await;
        let found = found.map_err(|error| error::from_sdk("DescribeInstances", error))?;
        Ok(found.iter().flat_map(|one| one.instances()).map(|one| self.instance(one)).collect())
    }

    pub async fn zones(&self) -> Result<Vec<Zone>> {
        let answer = self.client.describe_availability_zones().send().await;
        let found = answer.map_err(|error| error::from_sdk("DescribeAvailabilityZones", error))?.availability_zones;
        let zone = |found: types::AvailabilityZone| Zone {
            region: self.name.clone(),
            is_available: found.state() == Some(&AvailabilityZoneState::Available),
            name: found.zone_name.unwrap_or_default(),
        };
        Ok(found.unwrap_or_default().into_iter().map(zone).collect())
    }

    fn volume(&self, found: types::Volume) -> Volume {
        let attachment =
            |one: &types::VolumeAttachment| Some((one.instance_id.clone()?, one.device.clone().unwrap_or_default()));
        let attachments: Vec<_> = found.attachments().iter().filter_map(attachment).collect();
        let (instance, device) = attachments.first().cloned().unzip();
        Volume {
            region: self.name.clone(),
            state: found.state().map(|state| state.as_str().to_owned()).unwrap_or_default(),
            origin: Origin {
                kind: found.volume_type().map(|kind| kind.as_str().to_owned()).unwrap_or_default(),
                iops: found.iops,
                throughput: found.throughput,
                zone: found.availability_zone.clone().unwrap_or_default(),
                instance,
                device,
                multi_attach: found.multi_attach_enabled.unwrap_or(false),
            },
            gibibytes: found.size.unwrap_or_default(),
            is_encrypted: found.encrypted == Some(true),
            key: found.kms_key_id.clone(),
            tags: tags_of(found.tags()),
            created: found.create_time.as_ref().and_then(timestamp),
            id: found.volume_id.unwrap_or_default(),
            attachments,
        }
    }

    fn snapshot(&self, found: types::Snapshot) -> Snapshot {
        let tags = tags_of(found.tags());
        let identity = read_identity(&tags);
        Snapshot {
            region: self.name.clone(),
            identity,
            origin: Origin::from_tags(&tags),
            state: found.state.map(|state| state.as_str().to_owned()).unwrap_or_default(),
            progress: found.progress.unwrap_or_default(),
            is_archived: found.storage_tier == Some(StorageTier::Archive),
            is_encrypted: found.encrypted == Some(true),
            key: found.kms_key_id,
            gibibytes: found.volume_size.unwrap_or_default(),
            started: found.start_time.as_ref().and_then(timestamp),
            id: found.snapshot_id.unwrap_or_default(),
            volume_id: found.volume_id.unwrap_or_default(),
            tags,
        }
    }

    fn instance(&self, found: &types::Instance) -> Instance {
        let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
        let device = |one: &types::InstanceBlockDeviceMapping| {
            Some((one.device_name.clone()?, one.ebs().and_then(|disk| disk.volume_id.clone())?))
        };
        Instance {
            region: self.name.clone(),
            id: text(found.instance_id()),
            name: tags_of(found.tags()).remove(NAME).unwrap_or_default(),
            state: text(found.state().and_then(|state| state.name()).map(types::InstanceStateName::as_str)),
            zone: text(found.placement().and_then(|placement| placement.availability_zone())),
            root: text(found.root_device_name()),
            is_windows: found.platform() == Some(&types::PlatformValues::Windows),
            outpost: found.outpost_arn().map(str::to_owned),
            devices: found.block_device_mappings().iter().filter_map(device).collect(),
        }
    }
}

impl Volume {
    pub fn name(&self) -> &str {
        self.tags.get(NAME).map_or("", String::as_str)
    }
}

impl Snapshot {
    pub fn name(&self) -> &str {
        self.tags.get(NAME).map_or("", String::as_str)
    }

    pub fn night(&self) -> Option<Night> {
        self.identity.as_ref().ok().map(|identity| identity.night)
    }

    /// Returns whether a volume can be created from the snapshot.
    pub fn is_fit(&self) -> bool {
        self.state == "completed" && !self.is_archived
    }
}

pub fn timestamp(time: &aws_sdk_ec2::primitives::DateTime) -> Option<Timestamp> {
    Timestamp::new(time.secs(), time.subsec_nanos().try_into().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_of_many_values_is_asked_in_parts() {
        let of = |count: usize| filter("volume-id", (0..count).map(|number| format!("vol-{number}")));
        let counts = |count| -> Vec<usize> {
            in_parts(&[managed("prod"), of(count)]).iter().map(|filters| filters[1].values().len()).collect()
        };
        assert_eq!((counts(0), counts(180), counts(361)), (vec![0], vec![180], vec![180, 180, 1]));
    }

    #[test]
    fn a_name_is_no_pattern_and_no_id() {
        let asked = |name| tagged_like("Name", name).values.unwrap_or_default();
        assert_eq!(asked(r"CORP\db*?"), ["CORP?db??"]);
        assert!(is_id("vol-", "vol-0123456789abcdef0") && is_id("i-", "i-12345678"));
        for name in ["vol-data", "vol-", "vol-0123456", "vol-0123456789ABCDEF0", "i-love", "vol-*"] {
            assert!(!is_id("vol-", name) && !is_id("i-", name), "{name}");
        }
    }
}
