//! The names of the servers that the volumes are attached to. If the instance of a server is gone, a person recognizes the server by its
//! name.

use aws::error;
use aws_sdk_ec2::{
    Client,
    types::{Filter, Instance},
};
use domain::tags;
use std::collections::HashMap;

/// Returns the `Name` tag of each server, by instance id. A run does not fail because of a name. If EC2 does not list the instances, the
/// snapshots lack the names.
pub async fn names(ec2: &Client) -> HashMap<String, String> {
    let mut names = HashMap::new();
    let has_name = Filter::builder().name("tag-key").values(tags::NAME).build();
    let mut listed = ec2.describe_instances().filters(has_name).max_results(1_000).into_paginator().items().send();
    while let Some(reservation) = listed.next().await {
        match reservation {
            Ok(reservation) => names.extend(reservation.instances().iter().filter_map(named)),
            Err(error) => {
                let error = error::from_sdk("DescribeInstances", error);
                tracing::warn!(%error, "the snapshots of this run may lack the names of their servers");
                break;
            }
        }
    }
    names
}

fn named(instance: &Instance) -> Option<(String, String)> {
    let name = instance.tags().iter().find(|tag| tag.key() == Some(tags::NAME))?.value()?;
    (!name.is_empty()).then(|| Some((instance.instance_id.clone()?, name.to_owned())))?
}
