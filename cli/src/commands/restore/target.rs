//! Chooses the zone of a new volume, and the instance that it is attached to.

use anyhow::{Result, bail};

use super::sources::{SourcePoint, Sources};
use crate::account::ec2::{Instance, Volume, Zone};

/// Returns the instance to attach to.
pub fn instance<'a>(found: &'a Sources, asked: &str, point: &SourcePoint) -> Result<&'a Instance> {
    let is_gone = |instance: &&Instance| matches!(instance.state.as_str(), "terminated" | "shutting-down");
    let (gone, there): (Vec<_>, Vec<_>) = found.targets.iter().partition(is_gone);
    let region = point.snapshot.region.as_str();
    let here: Vec<_> = there.iter().copied().filter(|instance| instance.region == region).collect();
    match (here.as_slice(), there.first(), gone.first()) {
        ([one], ..) if one.outpost.is_some() => bail!("{}", outpost_refusal(one, point)),
        ([one], ..) if matches!(one.state.as_str(), "running" | "stopped") => Ok(one),
        ([one], ..) => bail!("{} is {}: run this again when it is running or stopped", one.called(), one.state),
        ([], Some(elsewhere), _) => {
            bail!("{} is in {}, {}", elsewhere.called(), elsewhere.region, copy(point, &elsewhere.region))
        }
        ([], None, Some(gone)) => bail!("{} is {}: choose another", gone.called(), gone.state),
        ([], None, None) => {
            bail!("no instance has the id or the Name {asked:?} in {region}; `nightly coverage` lists the servers")
        }
        (several, ..) => {
            let ids: Vec<_> = several.iter().map(|instance| instance.id.as_str()).collect();
            bail!("{} instances are named {asked:?}: give the id, --attach {}", ids.len(), ids.join(" or "))
        }
    }
}

impl Instance {
    /// Returns the id and the name: `i-1 (database-server)`.
    pub fn called(&self) -> String {
        if self.name.is_empty() { self.id.clone() } else { format!("{} ({})", self.id, self.name) }
    }
}

/// Returns the error for an instance on an Outpost, which only takes volumes of the same Outpost (Outposts user guide, "Amazon EBS on
/// Outposts").
fn outpost_refusal(instance: &Instance, point: &SourcePoint) -> String {
    let (region, id, outpost) = (&instance.region, &point.snapshot.id, instance.outpost.as_deref().unwrap_or_default());
    format!(
        "{} is on an Outpost, and accepts only volumes of that Outpost: `aws ec2 create-volume --region {region} --availability-zone {} \
         --outpost-arn {outpost} --snapshot-id {id}`, then `aws ec2 attach-volume`",
        instance.called(),
        instance.zone
    )
}

/// Returns the remedy for a restore point of another Region.
fn copy(point: &SourcePoint, region: &str) -> String {
    let (id, own) = (&point.snapshot.id, &point.snapshot.region);
    format!(
        "the restore point in {own}: copy it there first, `aws ec2 copy-snapshot --region {region} --source-region {own} \
         --source-snapshot-id {id}`, and make the volume of the copy with `aws ec2 create-volume`"
    )
}

/// Returns the zone in which the volume is created.
pub fn zone(
    found: &Sources,
    asked: Option<&str>,
    instance: Option<&Instance>,
    original: Option<&Volume>,
    point: &SourcePoint,
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
            "{} is in {}, and a volume of {zone} cannot be attached there: omit --zone",
            instance.called(),
            instance.zone
        ),
        (Some(known), _) if !known.is_available => {
            bail!("the zone {zone} is not available now: give {}", options(&zones, zone))
        }
        _ => Ok(zone.to_owned()),
    }
}

/// Returns the Region of a zone. In AWS's names, a Region ends with the first number.
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
