//! The plan of a restore. `--plan` prints it, otherwise it is carried out.

use anyhow::{Result, bail};
use domain::{
    Night, descriptive_tags,
    origin::Origin,
    tags::{self, RESTORED_FROM, Tags},
    tags_not_copied::TagsNotCopied,
};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::{
    choose::{self, ChosenPoints},
    device::{self, ROOT, disk},
    server,
    sources::{SourcePoint, Sources},
    target,
};
use crate::{
    account::{
        ec2::{Instance, Volume},
        stack::Stack,
    },
    cli::Restore,
};

#[derive(Clone, Debug, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RestorePlan {
    pub region: String,
    /// Value of `--server`.
    pub server: Option<String>,
    /// Night of the restore points.
    pub night: Night,
    /// Instance that the volumes are attached to.
    pub attach: Option<AttachTarget>,
    pub volumes: Vec<PlannedVolume>,
    /// Further notes, in sentences.
    pub notes: Vec<String>,
}

#[derive(Clone, Debug, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AttachTarget {
    pub instance_id: String,
    pub name: String,
    pub state: String,
    #[serde(skip)]
    pub is_windows: bool,
}

#[derive(Clone, Debug, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PlannedVolume {
    /// Id of the original volume: `vol-…`.
    pub original: String,
    /// Name of the original volume, or empty if it has none.
    pub name: String,
    pub snapshot_id: String,
    /// Time of the data.
    pub started: Option<Timestamp>,
    /// Time of the data as text, in the stack's time zone.
    #[serde(skip)]
    pub time: String,
    /// Properties of the new volume. The device is that of the new attachment, or that of the original.
    #[serde(flatten)]
    pub origin: Origin,
    pub gibibytes: i32,
    pub is_encrypted: bool,
    pub kms_key_id: Option<String>,
    pub tags: Tags,
    /// Id of the volume that this restore or an earlier one created.
    pub restored: Option<String>,
    /// Whether EBS has finished creating the volume.
    #[serde(skip)]
    pub is_there: bool,
    /// Whether the volume is attached to the requested instance, or to any instance if none is requested.
    pub is_attached: bool,
    /// Volumes of this restore point that EBS could not create.
    #[serde(skip)]
    pub failed: Vec<String>,
    /// Further notes, in sentences.
    pub notes: Vec<String>,
}

impl RestorePlan {
    /// Plans the restore.
    pub fn new(found: &Sources, asked: &Restore, stack: &Stack) -> Result<Self> {
        let ChosenPoints { points, notes } = match (&asked.server, &asked.volume) {
            (Some(name), _) => server::all(found, name, asked.night, &stack.regions)?,
            (None, Some(volume)) => choose::one(found, volume, asked.night, &stack.regions)?,
            (None, None) => bail!("which volume? Give VOLUME or --server"),
        };
        let Some(first) = points.first() else { bail!("there is no restore point") };
        let target = asked.attach.as_deref().map(|name| target::instance(found, name, first)).transpose()?;
        // A device that is chosen for one volume is in use for the next ones.
        let mut instance = target.cloned();
        let mut volumes = Vec::new();
        for point in &points {
            volumes.push(planned(found, asked, stack, point, instance.as_mut())?);
        }
        Ok(Self {
            region: first.snapshot.region.clone(),
            server: asked.server.clone(),
            night: first.night,
            attach: target.map(|instance| AttachTarget {
                instance_id: instance.id.clone(),
                name: instance.name.clone(),
                state: instance.state.clone(),
                is_windows: instance.is_windows,
            }),
            volumes,
            notes,
        })
    }

    /// Returns whether there is nothing left to do.
    pub fn is_done(&self) -> bool {
        self.volumes.iter().all(|volume| volume.is_there && (self.attach.is_none() || volume.is_attached))
    }
}

fn planned(
    found: &Sources,
    asked: &Restore,
    stack: &Stack,
    point: &SourcePoint,
    instance: Option<&mut Instance>,
) -> Result<PlannedVolume> {
    let histories = found.histories();
    let history = histories.get(&(point.snapshot.region.as_str(), point.snapshot.volume_id.as_str()));
    let (original, name) = history.map_or((None, ""), |one| (one.volume, one.name()));
    let place = target::zone(found, asked.zone.as_deref(), instance.as_deref(), original, point)?;
    let mut planned = plan_copy(point, original, &stack.foreign);
    planned.name = name.to_owned();
    planned.time = choose::time(point, &stack.time_zone);
    planned.origin.zone = place;
    let of_point = |volume: &&Volume| {
        volume.tags.get(RESTORED_FROM) == Some(&point.snapshot.id) && volume.origin.zone == planned.origin.zone
    };
    let made: Vec<_> = found.restored.iter().filter(of_point).collect();
    planned.failed = made.iter().filter(|one| one.state == "error").map(|one| one.id.clone()).collect();
    let is_there = |volume: &&&Volume| matches!(volume.state.as_str(), "creating" | "available" | "in-use");
    let is_on = |volume: &Volume| {
        instance.as_deref().is_some_and(|target| volume.attachments.iter().any(|(instance, _)| *instance == target.id))
    };
    // Prefers the attached volume if there are several, because somebody deleted tags.
    let made =
        made.iter().filter(is_there).max_by_key(|volume| (is_on(volume), volume.attachments.is_empty(), &volume.id));
    if let Some(made) = made {
        record_restored(&mut planned, made, instance.as_deref());
    }
    if let Some(instance) = instance {
        let device = match made {
            Some(made) => attached_at(made, instance, asked.device.as_deref())?,
            None => None,
        };
        planned.is_attached = device.is_some();
        planned.origin.device = Some(match device {
            Some(device) => device,
            None => device::choose(
                instance,
                asked.device.as_deref(),
                planned.origin.device.as_deref(),
                asked.server.is_some(),
            )?,
        });
        planned.notes.extend(attachment_notes(&planned, original, instance));
        let made = planned.restored.clone().unwrap_or_default();
        instance.devices.extend(planned.origin.device.clone().map(|device| (device, made)));
    }
    Ok(planned)
}

/// Returns notes about the attachment of a volume to an instance.
fn attachment_notes(planned: &PlannedVolume, original: Option<&Volume>, instance: &Instance) -> Vec<String> {
    let is_root = planned.origin.device.as_deref().is_some_and(|device| disk(device) == ROOT);
    let is_beside = original.is_some_and(|volume| volume.attachments.iter().any(|(on, _)| *on == instance.id));
    let root = is_root
        .then(|| "It is not deleted with the instance: an attached volume has DeleteOnTermination=false.".to_owned());
    let twin = is_beside.then(|| {
        format!(
            "{} is attached there as well: do not restart the server with both. Their file systems have the same UUID, and either may be mounted.",
            planned.original
        )
    });
    root.into_iter().chain(twin).collect()
}

/// Returns the properties of the original, or those in the restore point's tags if the original no longer exists.
fn plan_copy(point: &SourcePoint, original: Option<&Volume>, foreign: &TagsNotCopied) -> PlannedVolume {
    let snapshot = &point.snapshot;
    let mut notes = Vec::new();
    let origin =
        original.map(|volume| &volume.origin).or(point.snapshot.origin.as_ref()).cloned().unwrap_or_else(|| {
            notes.push(format!(
                "{} does not record the type of its volume, which is gone: it becomes a gp3 of 3,000 IOPS and 125 MiB/s.",
                snapshot.id
            ));
            Origin { kind: "gp3".to_owned(), ..Origin::default() }
        });
    // If the original is gone or detached, the restore point's tags have its attachment.
    let remembered = |of: fn(&Origin) -> &Option<String>| {
        of(&origin).clone().or(point.snapshot.origin.as_ref().and_then(|one| of(one).clone()))
    };
    let (device, instance) = (remembered(|origin| &origin.device), remembered(|origin| &origin.instance));
    let (takes_iops, takes_throughput) = takes(&origin.kind);
    let mut tags = match original {
        Some(volume) => volume.tags.clone(),
        None => descriptive_tags::volume_tags(&snapshot.tags, &snapshot.volume_id),
    };
    tags.retain(|key, _| !key.starts_with("aws:") && key != RESTORED_FROM && !foreign.contains(key));
    while tags.len() >= tags::MOST {
        let Some((key, _)) = tags.pop_last() else { break };
        notes.push(format!("It has no room for the tag {key}: a volume has {} at most.", tags::MOST));
    }
    tags.insert(RESTORED_FROM.to_owned(), snapshot.id.clone());
    PlannedVolume {
        original: snapshot.volume_id.clone(),
        name: String::new(),
        snapshot_id: snapshot.id.clone(),
        started: snapshot.started,
        time: String::new(),
        gibibytes: original.map_or(0, |volume| volume.gibibytes).max(snapshot.gibibytes),
        is_encrypted: original.is_some_and(|volume| volume.is_encrypted) || snapshot.is_encrypted,
        kms_key_id: original.and_then(|volume| volume.key.clone()).or_else(|| snapshot.key.clone()),
        origin: Origin {
            iops: origin.iops.filter(|_| takes_iops),
            throughput: origin.throughput.filter(|_| takes_throughput),
            device,
            instance,
            ..origin
        },
        tags,
        restored: None,
        is_there: false,
        is_attached: false,
        failed: Vec::new(),
        notes,
    }
}

/// Returns whether CreateVolume takes IOPS, and whether it takes throughput, for a volume type. DescribeVolumes returns both for other types
/// as well (AWS EC2 API reference, CreateVolume).
fn takes(kind: &str) -> (bool, bool) {
    (matches!(kind, "gp3" | "io1" | "io2"), kind == "gp3")
}

/// Records the volume that an earlier restore created.
fn record_restored(planned: &mut PlannedVolume, made: &Volume, instance: Option<&Instance>) {
    planned.restored = Some(made.id.clone());
    planned.is_there = made.state != "creating";
    planned.is_attached = !made.attachments.is_empty();
    let elsewhere = made.attachments.iter().find(|(on, _)| instance.is_none_or(|instance| instance.id != *on));
    if let Some((on, device)) = elsewhere {
        planned.notes.push(format!(
            "{} was already restored from {} and is in use by {on} at {device}, with what was written since. Remove its tag to restore a second copy: {}.",
            made.id,
            planned.snapshot_id,
            untag(made)
        ));
    }
}

fn untag(made: &Volume) -> String {
    format!("`aws ec2 delete-tags --region {} --resources {} --tags Key={RESTORED_FROM}`", made.region, made.id)
}

/// Returns the device at which an already restored volume is attached to the instance.
fn attached_at(made: &Volume, instance: &Instance, asked: Option<&str>) -> Result<Option<String>> {
    match made.attachments.iter().find(|(on, _)| *on == instance.id) {
        Some((_, device)) if asked.is_some_and(|asked| disk(asked) != disk(device)) => bail!(
            "{} was already restored from that restore point and is attached to {} at {device}: detach it there first, or omit --device",
            made.id,
            instance.called()
        ),
        Some((_, device)) => Ok(Some(device.clone())),
        None => match made.attachments.first().filter(|_| !made.origin.multi_attach) {
            Some((on, device)) => bail!(
                "{} was already restored from that restore point and is attached to {on} at {device}: detach it there first, \
                 or remove its tag to restore a second copy: {}",
                made.id,
                untag(made)
            ),
            None => Ok(None),
        },
    }
}
