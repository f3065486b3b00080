//! The names of the servers that the volumes are attached to. A person who restores a server whose instance is gone knows it by name.

use aws::error;
use aws_sdk_ec2::{
    Client,
    types::{Filter, Instance},
};
use domain::tags;
use std::collections::HashMap;

/// The `Name` tag of each volume's server, by the volume's id. A run does not fail because of a name: if EC2 does not list the
/// servers, the snapshots go without.
pub async fn names(ec2: &Client) -> HashMap<String, String> {
    let mut names = HashMap::new();
    let has_name = Filter::builder().name("tag-key").values(tags::NAME).build();
    let mut listed = ec2.describe_instances().filters(has_name).max_results(1_000).into_paginator().items().send();
    while let Some(reservation) = listed.next().await {
        match reservation {
            Ok(reservation) => names.extend(reservation.instances().iter().flat_map(volumes)),
            Err(error) => {
                let error = error::of("DescribeInstances", error);
                tracing::warn!(%error, "the snapshots of this run may lack the names of their servers");
                break;
            }
        }
    }
    names
}

/// The volumes of an instance, each with the instance's name.
fn volumes(instance: &Instance) -> Vec<(String, String)> {
    let named = instance.tags().iter().find(|tag| tag.key() == Some(tags::NAME));
    let Some(name) = named.and_then(|tag| tag.value()).filter(|name| !name.is_empty()) else { return vec![] };
    let disks = instance.block_device_mappings().iter().filter_map(|disk| disk.ebs()?.volume_id.clone());
    disks.map(|volume| (volume, name.to_owned())).collect()
}
