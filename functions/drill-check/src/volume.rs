//! The checks of the volume's state and size. If an instance checks the volume, this module attaches it and sends the command.

use aws::error;
use aws_sdk_ec2::{
    Client,
    error::ProvideErrorMetadata,
    types::{Filter, Volume, VolumeAttachmentState, VolumeState},
};
use domain::{
    Error, ErrorName,
    drill::{Depth, messages::Stage},
    reason::Code,
};
use jiff::Timestamp;
use std::collections::HashSet;

use crate::{Clients, Input, Settings, command, not_proven, proven};

/// Seconds for which EC2 may not list a new volume yet (EC2 developer guide, "Eventual consistency").
const UNLISTED: i64 = 60;
/// Last letters of the device names that the drill uses. EC2 accepts them in addition to the names that it recommends, `/dev/sd[f-p]`.
/// Those are left to the instance's owner (AWSEC2 user guide, "Device names for volumes on Amazon EC2 instances").
const DEVICES: std::ops::RangeInclusive<char> = 'q'..='z';

/// Returns the next stage of the volume. `available` is the number of seconds after which the volume was first found to be available.
pub(crate) async fn next_stage(
    clients: &Clients,
    settings: &Settings,
    now: Timestamp,
    input: &Input,
    available: Option<u64>,
) -> Result<Stage, Error> {
    let (id, instance) = (&input.progress.volume_id, input.instance.as_str());
    let passed = now.duration_since(input.progress.created).as_secs().max(0);
    let gone = || not_proven(Code::VolumeGone, format!("{id} was deleted before it was checked"));
    let Some(volume) = find(&clients.ec2, "volume-id", id).await?.pop() else {
        return if passed < UNLISTED { Ok(Stage::Creating) } else { Err(gone()) };
    };
    let seconds = available.unwrap_or(passed as u64);
    match volume.state() {
        Some(VolumeState::Error) => Err(not_proven(Code::VolumeError, format!("EBS reports {id} as error"))),
        Some(VolumeState::Deleting | VolumeState::Deleted) => Err(gone()),
        Some(VolumeState::Available | VolumeState::InUse) => {
            require_size(&volume, input)?;
            if instance.is_empty() {
                return Ok(proven(seconds, Depth::Volume, now));
            }
            if volume.state() == Some(&VolumeState::Available) {
                if !attach(&clients.ec2, id, instance).await? {
                    return Ok(proven(seconds, Depth::Volume, now));
                }
            } else if is_attached(&volume, instance)? {
                let command = command::send(&clients.ssm, &settings.document, instance, id).await?;
                return Ok(Stage::Checking { seconds, command });
            }
            Ok(Stage::Available { seconds })
        }
        _ => Ok(Stage::Creating),
    }
}

fn require_size(volume: &Volume, input: &Input) -> Result<(), Error> {
    let (size, expected) = (volume.size().unwrap_or_default(), input.point.gibibytes);
    if i64::from(size) == i64::from(expected) {
        return Ok(());
    }
    let id = &input.progress.volume_id;
    Err(not_proven(Code::WrongSize, format!("{id} has {size} GiB, but the volume of its snapshot had {expected}")))
}

/// Lists volumes by a filter, not by id, because EC2 then returns an empty list if a volume does not exist.
async fn find(ec2: &Client, filter: &str, value: &str) -> Result<Vec<Volume>, Error> {
    let filter = Filter::builder().name(filter).values(value).build();
    let volumes = ec2.describe_volumes().filters(filter).into_paginator().items().send();
    volumes.collect::<Result<_, _>>().await.map_err(|error| error::from_sdk("DescribeVolumes", error))
}

/// Attaches the volume under the first free device name of the instance. Returns false if EC2 will never allow it. A volume with an AWS
/// Marketplace product code can be attached only to a stopped instance, and only to types that the product supports (AWSEC2 API reference,
/// AttachVolume).
async fn attach(ec2: &Client, id: &str, instance: &str) -> Result<bool, Error> {
    let attached = find(ec2, "attachment.instance-id", instance).await?;
    let attachments = attached.iter().flat_map(|volume| volume.attachments());
    // EC2 does not attach a volume as /dev/sdq while /dev/xvdq is in use.
    let taken: HashSet<_> =
        attachments.filter_map(|one| Some(one.device()?.replacen("/dev/xvd", "/dev/sd", 1))).collect();
    let mut devices = DEVICES.map(|letter| format!("/dev/sd{letter}"));
    // If no name is free, another child of the drill is about to free one.
    let Some(device) = devices.find(|device| !taken.contains(device)) else { return Ok(true) };
    let attach = ec2.attach_volume().volume_id(id).instance_id(instance).device(device);
    let Err(error) = attach.send().await else { return Ok(true) };
    let is_marketplace = error.message().is_some_and(|message| message.contains("Marketplace"));
    let code = error.code().map(str::to_owned);
    match (code.as_deref(), error::from_sdk("AttachVolume", error)) {
        // An earlier attempt attached the volume, but its response was lost.
        (Some("VolumeInUse"), _) => Ok(true),
        (Some("IncorrectInstanceState" | "OperationNotPermitted" | "UnsupportedOperation"), _) if is_marketplace => {
            Ok(false)
        }
        // Another child has just taken the device name. The next attempt chooses another.
        (Some("InvalidParameterValue"), error) => Err(Error { name: ErrorName::Transient, ..error }),
        (_, error) => Err(error),
    }
}

fn is_attached(volume: &Volume, instance: &str) -> Result<bool, Error> {
    let id = volume.volume_id().unwrap_or_default();
    let attachment = volume.attachments().iter().find(|one| one.instance_id() == Some(instance));
    let taken = || not_proven(Code::VolumeTaken, format!("somebody attached {id} to another instance than {instance}"));
    Ok(attachment.ok_or_else(taken)?.state() == Some(&VolumeAttachmentState::Attached))
}
