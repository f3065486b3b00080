//! The Availability Zone of a drill's volumes, and the instance that checks them.

use aws::error;
use aws_sdk_ec2::{
    Client,
    types::{AvailabilityZone, AvailabilityZoneState, Filter, InstanceStateName},
};
use domain::{Error, ErrorName};
use std::collections::BTreeMap;

use crate::Settings;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DrillZone {
    pub zone: String,
    /// `i-…`. Empty if no instance checks the volumes.
    pub instance: String,
}

/// Chooses the zone in `region`. If the Region is the stack's own and an instance is configured, returns the instance and its zone.
/// Otherwise returns the configured zone of the Region, or its first.
///
/// # Errors
/// `BadInput` for an instance or a zone that does not exist; `Refused` for one that cannot be used now, which fails the drill of this
/// Region only; `Throttled`, `Transient` or `Refused` from EC2.
pub async fn choose(ec2: &Client, settings: &Settings, region: &str) -> Result<DrillZone, Error> {
    require_one_each(&settings.zones, &settings.regions)?;
    if !settings.instance.is_empty() && settings.home == region {
        let (zone, instance) = (instance_zone(ec2, &settings.instance).await?, settings.instance.clone());
        return Ok(DrillZone { zone, instance });
    }
    let zones = ec2.describe_availability_zones().send().await;
    let zones = zones.map_err(|error| error::from_sdk("DescribeAvailabilityZones", error))?;
    let zone = zone(zones.availability_zones(), &settings.zones, region)?;
    Ok(DrillZone { zone, instance: String::new() })
}

/// Checks that each zone is in a Region of the drill, and that no Region has two. The name of a zone is that of its Region and a letter.
/// The name of a Local Zone has a hyphen and more (EC2 user guide, "Regions and Zones").
fn require_one_each(zones: &str, regions: &str) -> Result<(), Error> {
    let mut used = BTreeMap::new();
    for zone in zones.split(',').map(str::trim).filter(|zone| !zone.is_empty()) {
        let is_of = |region: &&str| {
            zone.strip_prefix(*region)
                .is_some_and(|rest| !rest.is_empty() && !rest.starts_with(|one: char| one.is_ascii_digit()))
        };
        let Some(region) = regions.split(',').find(is_of) else {
            return Err(Error::bad_input("DrillZones", zone, format!("is not a zone of {regions}")));
        };
        if let Some(other) = used.insert(region, zone) {
            return Err(Error::bad_input(
                "DrillZones",
                zone,
                format!("is a second zone of {region}, after {other}; name one zone for each Region"),
            ));
        }
    }
    Ok(())
}

/// Returns the zone of an instance. Looks it up by a filter, not by id, because EC2 then returns an empty list if the instance does not
/// exist.
async fn instance_zone(ec2: &Client, id: &str) -> Result<String, Error> {
    let named = Filter::builder().name("instance-id").values(id).build();
    let found = ec2.describe_instances().filters(named).send().await;
    let found = found.map_err(|error| error::from_sdk("DescribeInstances", error))?;
    let instance = found.reservations().iter().flat_map(|reservation| reservation.instances()).next();
    let unknown = "does not exist in the stack's Region; choose another instance, or clear the parameter";
    let instance = instance.ok_or_else(|| Error::bad_input("DrillInstance", id, unknown))?;
    let state = instance.state().and_then(|state| state.name());
    if state != Some(&InstanceStateName::Running) {
        let state = state.map_or("not running", |state| state.as_str());
        let remedy = "start it, choose another instance, or clear the parameter";
        return Err(unusable(format!("DrillInstance {id} is {state}; {remedy}")));
    }
    let zone = instance.placement().and_then(|placement| placement.availability_zone());
    zone.map(str::to_owned).ok_or_else(|| Error::unanswered("DescribeInstances", "no Availability Zone"))
}

/// Returns the configured zone of the Region, or its first available one. `configured` is a comma-separated list of zones of any Regions.
fn zone(there: &[AvailabilityZone], configured: &str, region: &str) -> Result<String, Error> {
    let is_available = |zone: &AvailabilityZone| zone.state() == Some(&AvailabilityZoneState::Available);
    let of_region = configured.split(',').map(str::trim).filter(|name| name.starts_with(region));
    let mut wanted = None;
    for name in of_region {
        let zone = there.iter().find(|zone| zone.zone_name() == Some(name));
        let zone = zone.ok_or_else(|| Error::bad_input("DrillZones", name, "is not a zone of this account"))?;
        if !is_available(zone) {
            return Err(unusable(format!("DrillZones {name} is not available now; choose another zone")));
        }
        wanted = wanted.or(Some(name.to_owned()));
    }
    // Local Zones and Wavelength Zones support fewer volume types.
    let is_whole = |zone: &&AvailabilityZone| zone.zone_type().is_none_or(|kind| kind == "availability-zone");
    let all = there.iter().filter(is_whole).filter(|zone| is_available(zone)).filter_map(|zone| zone.zone_name());
    let first = wanted.or_else(|| all.min().map(str::to_owned));
    first.ok_or_else(|| unusable(format!("no Availability Zone of {region} is available")))
}

fn unusable(message: String) -> Error {
    Error { name: ErrorName::Refused, message }
}
