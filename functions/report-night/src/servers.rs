//! The names of the servers whose volumes the email tells of.

use aws::error;
use aws_sdk_ec2::{Client, types::Filter};
use domain::{Error, tags};
use report::{
    mail::Servers,
    night::{News, RegionSummary},
};
use std::collections::BTreeSet;

/// Values that one filter takes (AWSEC2 user guide, "List and filter using the CLI and API").
const MOST_OF_A_FILTER: usize = 200;

/// Adds the `Name` tags of the servers of a Region's unprotected volumes.
///
/// # Errors
/// `Transient` or `Refused` from EC2.
pub async fn add(ec2: &Client, region: &RegionSummary, servers: &mut Servers) -> Result<(), Error> {
    let instances = region.told.iter().flat_map(|news| match news {
        News::Unprotected(volume) => volume.volume.instances.as_slice(),
        News::Failed(_) | News::FailedLate(_) => &[],
    });
    let instances: BTreeSet<_> = instances.take(MOST_OF_A_FILTER).cloned().collect();
    if instances.is_empty() {
        return Ok(());
    }
    let told = Filter::builder().name("instance-id").set_values(Some(instances.into_iter().collect())).build();
    let mut listed = ec2.describe_instances().filters(told).into_paginator().items().send();
    while let Some(reservation) = listed.next().await {
        for instance in
            reservation.map_err(|error| error::of("DescribeInstances", error))?.instances.unwrap_or_default()
        {
            let name =
                instance.tags().iter().find(|tag| tag.key() == Some(tags::NAME)).and_then(|tag| tag.value.clone());
            servers.extend(instance.instance_id.zip(name.filter(|name| !name.is_empty())));
        }
    }
    Ok(())
}
