//! Where a volume is made, and where it is attached.

use anyhow::{Result, bail};

use super::found::{Found, Point};
use crate::account::ec2::{Instance, Volume, Zone};

/// The instance to attach to.
pub fn instance<'a>(found: &'a Found, asked: &str, point: &Point) -> Result<&'a Instance> {
    let is_gone = |instance: &&Instance| matches!(instance.state.as_str(), "terminated" | "shutting-down");
    let (gone, there): (Vec<_>, Vec<_>) = found.targets.iter().partition(is_gone);
    let region = point.snapshot.region.as_str();
    let here: Vec<_> = there.iter().copied().filter(|instance| instance.region == region).collect();
    match (here.as_slice(), there.first(), gone.first()) {
        ([one], ..) if matches!(one.state.as_str(), "running" | "stopped") => Ok(one),
        ([one], ..) => bail!("{} is {}: run this again when it is running or stopped", one.called(), one.state),
        ([], Some(elsewhere), _) => {
            bail!("{} is in {}, {}", elsewhere.called(), elsewhere.region, copy(point, &elsewhere.region))
        }
        ([], None, Some(gone)) => bail!("{} is {}: give one that is there", gone.called(), gone.state),
        ([], None, None) => {
            bail!("no instance has the id or the Name {asked:?} in {region}; `nightly coverage` names the servers")
        }
        (several, ..) => {
            let ids: Vec<_> = several.iter().map(|instance| instance.id.as_str()).collect();
            bail!("{} instances are named {asked:?}: give the id, --attach {}", ids.len(), ids.join(" or "))
        }
    }
}

impl Instance {
    /// `i-1 (database-server)`
    pub fn called(&self) -> String {
        if self.name.is_empty() { self.id.clone() } else { format!("{} ({})", self.id, self.name) }
    }
}

/// What to do about a restore point of another Region.
fn copy(point: &Point, region: &str) -> String {
    let (id, own) = (&point.snapshot.id, &point.snapshot.region);
    format!(
        "the restore point in {own}: copy it there first, `aws ec2 copy-snapshot --region {region} --source-region {own} \
         --source-snapshot-id {id}`, and make the volume of the copy with `aws ec2 create-volume`"
    )
}

/// The zone that the volume is made in.
pub fn zone(
    found: &Found,
    asked: Option<&str>,
    instance: Option<&Instance>,
    original: Option<&Volume>,
    point: &Point,
) -> Result<String> {
    let region = point.snapshot.region.as_str();
    let zones: Vec<_> = found.zones.iter().filter(|zone| zone.region == region).collect();
    let was =
        original.map(|volume| &volume.origin).or(point.snapshot.origin.as_ref()).map(|origin| origin.zone.as_str());
    let Some(zone) = asked.or(instance.map(|instance| instance.zone.as_str())).or(was) else {
        bail!("{} does not record the zone of its volume: give {}", point.snapshot.id, options(&zones, ""));
    };
    let known = zones.iter().find(|known| known.name == zone);
    match (known, instance) {
        (None, _) => match region_of(zone) {
            other if other != region => bail!("{zone} is in {other}, {}", copy(point, other)),
            _ => bail!("there is no zone {zone} in {region}: give {}", options(&zones, "")),
        },
        (Some(_), Some(instance)) if instance.zone != zone => bail!(
            "{} is in {}, and a volume of {zone} cannot be attached there: leave --zone out",
            instance.called(),
            instance.zone
        ),
        (Some(known), _) if !known.is_available => {
            bail!("the zone {zone} is not available now: give {}", options(&zones, zone))
        }
        _ => Ok(zone.to_owned()),
    }
}

/// The Region of a zone, as AWS names them: a Region's name ends with its first number.
fn region_of(zone: &str) -> &str {
    let is_digit = |character: char| character.is_ascii_digit();
    let first = zone.find(is_digit).unwrap_or(zone.len());
    let digits = zone[first..].find(|character| !is_digit(character)).unwrap_or(zone.len() - first);
    &zone[..first + digits]
}

fn options(zones: &[&Zone], but: &str) -> String {
    let names = zones.iter().filter(|zone| zone.is_available && zone.name != but);
    names.map(|zone| format!("--zone {}", zone.name)).collect::<Vec<_>>().join(" or ")
}

/// The device name at which the volume is attached. `had` is the one that the original had; with `exactly` there is no other.
pub fn device(instance: &Instance, asked: Option<&str>, had: Option<&str>, exactly: bool) -> Result<String> {
    let user = |device: &str| instance.devices.get(device);
    let wanted = asked.or(had.filter(|_| exactly));
    match (wanted, had) {
        (Some(wanted), _) => match user(wanted) {
            None => Ok(wanted.to_owned()),
            Some(volume) => bail!("{}", in_use(instance, wanted, volume)),
        },
        (None, Some(had)) if user(had).is_none() => Ok(had.to_owned()),
        _ => match free(instance) {
            Some(free) => Ok(free),
            None => bail!("{} has no free device of /dev/sdf to /dev/sdp: give --device", instance.called()),
        },
    }
}

/// The first of the names that AWS recommends for data volumes (EC2 user guide, "Device names for volumes on Amazon EC2 instances").
fn free(instance: &Instance) -> Option<String> {
    // The kernel shows both spellings as one device.
    let is_used = |letter: char| {
        ["/dev/sd", "/dev/xvd"].iter().any(|name| instance.devices.contains_key(&format!("{name}{letter}")))
    };
    ('f'..='p').find(|letter| !is_used(*letter)).map(|letter| format!("/dev/sd{letter}"))
}

fn in_use(instance: &Instance, device: &str, volume: &str) -> String {
    let Instance { id, region, .. } = instance;
    let detach = format!("`aws ec2 detach-volume --region {region} --volume-id {volume} --instance-id {id}`");
    let stop = format!("`aws ec2 stop-instances --region {region} --instance-ids {id}`");
    // An instance that lost its root volume may not say which device that was.
    let is_root = device == instance.root || matches!(device, "/dev/xvda" | "/dev/sda1");
    let first = match (is_root, instance.state.as_str()) {
        (true, "stopped") => format!("It is its root volume: {detach}"),
        (true, _) => format!("It is its root volume: {stop}, and when it is stopped {detach}"),
        (false, _) => format!("Unmount it on the server, then {detach}"),
    };
    format!("{device} of {} is in use by {volume}. {first}; and run this again", instance.called())
}
