//! The names of the servers that the volumes are attached to: whoever restores a server whose instance is gone knows it by its name.

use aws::error;
use aws_sdk_ec2::{
    Client,
    types::{Filter, Instance},
};
use domain::{Error, messages::Keyed, tags};
use ledger::{Sorted, Sorter};
use serde::{Deserialize, Serialize};

/// The name of the server that has a volume.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Server {
    volume_id: String,
    /// Its `Name` tag.
    pub name: String,
}

impl Keyed for Server {
    fn key(&self) -> &str {
        &self.volume_id
    }
}

/// Reads the named servers. A night is not to fail for a name: where EC2 does not say them, the snapshots go without.
///
/// # Errors
/// `Transient` or `Refused` from S3.
pub async fn named<'a>(ec2: &Client, mut found: Sorter<'a, Server>) -> Result<Sorted<'a, Server>, Error> {
    let has_name = Filter::builder().name("tag-key").values(tags::NAME).build();
    let mut listed = ec2.describe_instances().filters(has_name).max_results(1_000).into_paginator().items().send();
    while let Some(reservation) = listed.next().await {
        let reservation = match reservation {
            Ok(reservation) => reservation,
            Err(error) => {
                let error = error::of("DescribeInstances", error);
                tracing::warn!(%error, "snapshots of this night may lack the names of their servers");
                break;
            }
        };
        for instance in reservation.instances() {
            let Some(name) = name(instance) else { continue };
            let disks = instance.block_device_mappings().iter().filter_map(|disk| disk.ebs()?.volume_id.clone());
            for volume_id in disks {
                found.insert(Server { volume_id, name: name.to_owned() }).await?;
            }
        }
    }
    found.finish().await
}

fn name(instance: &Instance) -> Option<&str> {
    let named = instance.tags().iter().find(|tag| tag.key() == Some(tags::NAME))?;
    named.value().filter(|name| !name.is_empty())
}
