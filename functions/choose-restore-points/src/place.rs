//! Where a drill makes its volumes, and which server looks at what is on them.

use aws_sdk_ec2::{
    Client,
    error::ProvideErrorMetadata,
    types::{Filter, InstanceStateName},
};
use domain::Error;
use runtime::error;

use crate::Settings;

/// A zone of a Region, and a server in it.
pub struct Place {
    /// The Availability Zone: `eu-west-1a`.
    pub zone: String,
    /// `i-…`, or empty.
    pub instance: String,
}

/// The zone of the server, where this is its Region; else that of the parameter, or the Region's first.
///
/// # Errors
/// `BadInput` for a server that is not running, or a zone that is not there; `Transient` or `Refused` from EC2.
pub async fn find(ec2: &Client, settings: &Settings, region: &str) -> Result<Place, Error> {
    if settings.is_home && !settings.instance.is_empty() {
        let zone = zone_of(ec2, &settings.instance).await?;
        return Ok(Place { zone, instance: settings.instance.clone() });
    }
    Ok(Place { zone: zone(ec2, &settings.zones, region).await?, instance: String::new() })
}

async fn zone(ec2: &Client, wanted: &str, region: &str) -> Result<String, Error> {
    let filter = |name: &str, value: &str| Filter::builder().name(name).values(value).build();
    let ordinary = ec2.describe_availability_zones().filters(filter("zone-type", "availability-zone"));
    let listed = ordinary.filters(filter("state", "available")).send().await;
    let listed = listed.map_err(|error| error::of("DescribeAvailabilityZones", error))?;
    let mut zones: Vec<_> = listed.availability_zones().iter().filter_map(|zone| zone.zone_name.clone()).collect();
    zones.sort();
    if let Some(wanted) = wanted.split(',').find(|zone| zone.starts_with(region)) {
        let problem = format!("not an available zone of {region}; there are {}", zones.join(", "));
        let found = zones.into_iter().find(|zone| zone == wanted);
        return found.ok_or_else(|| Error::bad_input("DrillZones", wanted, &problem));
    }
    let none = || Error::bad_input("Regions", region, "has no available zone; see AWS Health");
    zones.into_iter().next().ok_or_else(none)
}

async fn zone_of(ec2: &Client, instance_id: &str) -> Result<String, Error> {
    let bad = |problem: String| Error::bad_input("DrillInstance", instance_id, &problem);
    let found = match ec2.describe_instances().instance_ids(instance_id).send().await {
        Err(error) if error.code() == Some("InvalidInstanceID.NotFound") => None,
        Err(error) => return Err(error::of("DescribeInstances", error)),
        Ok(found) => found.reservations.and_then(|all| all.into_iter().next()?.instances?.into_iter().next()),
    };
    let instance =
        found.ok_or_else(|| bad("no such server in this Region; correct the parameter or leave it empty".into()))?;
    let state = instance.state().and_then(|state| state.name()).cloned();
    if state != Some(InstanceStateName::Running) {
        let state = state.map_or("in no state".to_owned(), |state| state.as_str().to_owned());
        return Err(bad(format!("the server is {state}; start it, or leave the parameter empty")));
    }
    let zone = instance.placement.and_then(|placement| placement.availability_zone);
    zone.ok_or_else(|| Error::unanswered("DescribeInstances", "no zone"))
}
