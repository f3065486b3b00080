//! Looks at the volume that a drill made, takes the next step of its proof, and says when to look again.
//!
//! # Layout
//! - [`handle`]: a look.
//! - [`command`]: the command that checks what is on the volume.

pub mod command;

use aws::error;
use aws_sdk_ec2::{
    Client,
    error::ProvideErrorMetadata,
    types::{Filter, Volume, VolumeAttachmentState, VolumeState},
};
use domain::{
    Error,
    drill::{
        Depth,
        messages::{Checked, Progress, Restored},
    },
    tags,
};
use jiff::Timestamp;

/// Seconds after which a volume must be available.
const LONGEST_CREATION: i64 = 60 * 60;
/// Seconds after which everything must be over.
const LONGEST: i64 = 3 * 60 * 60;
/// Seconds for which a volume that was made may not be listed yet (EC2 developer guide, "Eventual consistency").
const UNLISTED: i64 = 60;

/// The clients that a look needs.
pub struct Clients {
    /// EC2 in the item's Region.
    pub ec2: Client,
    /// Systems Manager in the stack's own Region, where the instance is.
    pub ssm: aws_sdk_ssm::Client,
}

/// The stack's parameters that bear on a check.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The name under which the whole was deployed.
    pub backup_stack: String,
    /// The name of the Systems Manager document that checks what is on a volume.
    pub document: String,
}

/// What a look came to.
pub(crate) enum Look {
    /// There is nothing to do but wait.
    Wait,
    /// The command was sent, of this id.
    Sent(String),
    /// It is proven.
    Proven(Depth),
    /// It cannot be proven: an error's name and its message.
    Problem(String),
}

/// Takes the next step. `now` is the time of the look.
///
/// # Errors
/// `BadInput` for an item that has no volume; `Throttled`, `Transient` or `Refused` from EC2 or Systems Manager.
pub async fn handle(clients: &Clients, settings: &Settings, now: Timestamp, input: Progress) -> Result<Checked, Error> {
    tags::backup_stack(&settings.backup_stack)?;
    let point = input.point()?;
    let restored = input.restored.as_ref();
    let restored = restored.ok_or_else(|| Error::bad_input("restored", &point.snapshot_id, "no volume was made"))?;
    let mut checked = input.checked.clone().unwrap_or_default();
    if checked.is_over {
        return Ok(checked);
    }
    let passed = now.duration_since(restored.begun).as_secs().max(0);
    let look = match &checked.command {
        Some(command) => command::look(&clients.ssm, command, &input.instance).await?,
        None => look_at_volume(clients, settings, &input, restored, &mut checked, passed).await?,
    };
    checked.wait_seconds = (passed / 10).clamp(5, 300) as u64;
    match look {
        Look::Sent(command) => checked.command = Some(command),
        Look::Problem(problem) => checked.problem = Some(problem),
        Look::Proven(depth) => (checked.depth, checked.at) = (Some(depth), Some(now)),
        Look::Wait => checked.problem = too_late(&checked, passed),
    }
    checked.is_over = checked.depth.is_some() || checked.problem.is_some();
    Ok(checked)
}

fn too_late(checked: &Checked, passed: i64) -> Option<String> {
    if checked.seconds.is_none() && passed >= LONGEST_CREATION {
        Some(format!("NotAvailable: EBS has not made the volume available in {} minutes", LONGEST_CREATION / 60))
    } else {
        (passed >= LONGEST).then(|| format!("NotChecked: the check is not over after {} hours", LONGEST / 3_600))
    }
}

async fn look_at_volume(
    clients: &Clients,
    settings: &Settings,
    input: &Progress,
    restored: &Restored,
    checked: &mut Checked,
    passed: i64,
) -> Result<Look, Error> {
    let id = &restored.volume_id;
    let Some(volume) = listed(&clients.ec2, id).await? else {
        return Ok(if passed < UNLISTED { Look::Wait } else { gone(id) });
    };
    let is_made = match volume.state() {
        Some(VolumeState::Available | VolumeState::InUse) => true,
        Some(VolumeState::Error) => return Ok(Look::Problem(format!("VolumeError: EBS reports {id} as error"))),
        Some(VolumeState::Deleting | VolumeState::Deleted) => return Ok(gone(id)),
        _ => false,
    };
    if !is_made {
        return Ok(Look::Wait);
    }
    checked.seconds = checked.seconds.or(Some(passed as u64));
    let (size, expected) = (volume.size().unwrap_or_default(), input.point()?.gibibytes);
    if i64::from(size) != i64::from(expected) {
        return Ok(Look::Problem(format!("WrongSize: {id} has {size} GiB, its snapshot's volume had {expected}")));
    }
    match (volume.state(), input.instance.as_str()) {
        (_, "") => Ok(Look::Proven(Depth::Volume)),
        (Some(VolumeState::Available), _) => attach(&clients.ec2, input, id).await,
        _ => look_at_attachment(clients, settings, &input.instance, &volume).await,
    }
}

fn gone(id: &str) -> Look {
    Look::Problem(format!("VolumeGone: {id} was deleted before it was checked"))
}

/// By a filter, not by id: EC2 answers a filter for a volume that it does not list with an empty list.
async fn listed(ec2: &Client, id: &str) -> Result<Option<Volume>, Error> {
    let named = Filter::builder().name("volume-id").values(id).build();
    let listed = ec2.describe_volumes().filters(named).send().await;
    let listed = listed.map_err(|error| error::of("DescribeVolumes", error))?;
    Ok(listed.volumes.unwrap_or_default().pop())
}

async fn attach(ec2: &Client, input: &Progress, id: &str) -> Result<Look, Error> {
    let attach = ec2.attach_volume().volume_id(id).instance_id(&input.instance).device(device(input.place));
    let Err(error) = attach.send().await else { return Ok(Look::Wait) };
    match error.code() {
        // An attempt whose answer was lost has attached it.
        Some("VolumeInUse") => Ok(Look::Wait),
        _ => Err(error::of("AttachVolume", error)),
    }
}

/// Ten names that EC2 takes beside the ones that it recommends, `/dev/sd[f-p]`, which are left to whoever uses the instance (AWSEC2 user
/// guide, "Device names for volumes on Amazon EC2 instances").
fn device(place: usize) -> String {
    let letter = (b'q'..=b'z').nth(place % 10).unwrap_or(b'q');
    format!("/dev/sd{}", char::from(letter))
}

async fn look_at_attachment(
    clients: &Clients,
    settings: &Settings,
    instance: &str,
    volume: &Volume,
) -> Result<Look, Error> {
    let id = volume.volume_id().unwrap_or_default();
    let Some(attachment) = volume.attachments().iter().find(|one| one.instance_id() == Some(instance)) else {
        return Ok(Look::Problem(format!("VolumeTaken: somebody attached {id} to another instance than {instance}")));
    };
    match attachment.state() {
        Some(VolumeAttachmentState::Attached) => command::send(&clients.ssm, &settings.document, instance, id).await,
        _ => Ok(Look::Wait),
    }
}

#[cfg(test)]
mod tests;
