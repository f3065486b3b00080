//! Where a drill makes its volumes: the Availability Zone, and the instance that checks what is on them.

use aws::error;
use aws_sdk_ec2::{
    Client,
    types::{AvailabilityZone, AvailabilityZoneState, Filter, InstanceStateName},
};
use domain::Error;

use crate::Settings;

/// Where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The Availability Zone.
    pub zone: String,
    /// `i-…`; empty where nothing checks what is on a volume.
    pub instance: String,
}

/// The instance and its zone in the stack's own Region, if there is one; else the configured zone of the Region, or its first.
///
/// # Errors
/// `BadInput` for an instance or a zone that a person must mend; `Throttled`, `Transient` or `Refused` from EC2.
pub async fn choose(ec2: &Client, settings: &Settings, region: &str) -> Result<Place, Error> {
    if !settings.instance.is_empty() && settings.home == region {
        let (zone, instance) = (zone_of(ec2, &settings.instance).await?, settings.instance.clone());
        return Ok(Place { zone, instance });
    }
    let zones = ec2.describe_availability_zones().send().await;
    let zones = zones.map_err(|error| error::of("DescribeAvailabilityZones", error))?;
    let zone = zone(zones.availability_zones(), &settings.zones, region)?;
    Ok(Place { zone, instance: String::new() })
}

/// By a filter, not by id: EC2 answers a filter for an instance that does not exist with an empty list.
async fn zone_of(ec2: &Client, id: &str) -> Result<String, Error> {
    let named = Filter::builder().name("instance-id").values(id).build();
    let found = ec2.describe_instances().filters(named).send().await;
    let found = found.map_err(|error| error::of("DescribeInstances", error))?;
    let instance = found.reservations().iter().flat_map(|reservation| reservation.instances()).next();
    let remedy = "name another, or leave the parameter empty";
    let wrong = |problem: &str| Error::bad_input("DrillInstance", id, &format!("{problem}; {remedy}"));
    let instance = instance.ok_or_else(|| wrong("there is no such instance in the stack's Region"))?;
    let state = instance.state().and_then(|state| state.name());
    if state != Some(&InstanceStateName::Running) {
        return Err(wrong(&format!("is {}: start it", state.map_or("not running", |state| state.as_str()))));
    }
    let zone = instance.placement().and_then(|placement| placement.availability_zone());
    zone.map(str::to_owned).ok_or_else(|| Error::unanswered("DescribeInstances", "no Availability Zone"))
}

/// `configured` names zones of any Regions, parted by commas.
fn zone(there: &[AvailabilityZone], configured: &str, region: &str) -> Result<String, Error> {
    let is_available = |zone: &AvailabilityZone| zone.state() == Some(&AvailabilityZoneState::Available);
    let of_region = configured.split(',').map(str::trim).filter(|name| name.starts_with(region));
    let mut wanted = None;
    for name in of_region {
        let zone = there.iter().find(|zone| zone.zone_name() == Some(name));
        let zone = zone.ok_or_else(|| Error::bad_input("DrillZones", name, "not a zone that this account has"))?;
        if !is_available(zone) {
            return Err(Error::bad_input("DrillZones", name, "the zone is not available now; name another"));
        }
        wanted = wanted.or(Some(name.to_owned()));
    }
    // A Local Zone or a Wavelength Zone takes fewer kinds of volumes.
    let is_whole = |zone: &&AvailabilityZone| zone.zone_type().is_none_or(|kind| kind == "availability-zone");
    let all = there.iter().filter(is_whole).filter(|zone| is_available(zone)).filter_map(|zone| zone.zone_name());
    let first = wanted.or_else(|| all.min().map(str::to_owned));
    first.ok_or_else(|| Error::bad_input("Regions", region, "has no Availability Zone that is available"))
}
