//! Snapshots and volumes that EC2 lists when the run ends.

use aws::{error, snapshots};
use aws_sdk_ec2::{
    Client,
    types::{Filter, Volume},
};
use domain::{Error, Night, messages::ManagedSnapshot};
use std::collections::{BTreeSet, HashMap, HashSet};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedSnapshot {
    pub snapshot_id: String,
    /// `pending`, `completed`, `error`, …
    pub state: String,
}

/// The snapshots of the Night, by volume id.
#[derive(Debug, Default)]
pub struct Tonight(HashMap<String, Vec<ListedSnapshot>>);

impl Tonight {
    pub fn snapshots(&self, volume_id: &str) -> &[ListedSnapshot] {
        self.0.get(volume_id).map_or(&[], Vec::as_slice)
    }
}

/// Lists the snapshots of a Night.
///
/// # Errors
/// `Throttled`, `Transient` or `Refused` from EC2.
pub async fn tonight(ec2: &Client, stack: &str, night: Night) -> Result<Tonight, Error> {
    let mut listed = Tonight::default();
    snapshots::each_of_night(ec2, stack, night, async |snapshot| {
        let state = snapshot.state().map(|state| state.as_str().to_owned()).unwrap_or_default();
        let (volume_id, snapshot_id) = (snapshot.volume_id, snapshot.snapshot_id.unwrap_or_default());
        listed.0.entry(volume_id.unwrap_or_default()).or_default().push(ListedSnapshot { snapshot_id, state });
        Ok(())
    })
    .await?;
    Ok(listed)
}

/// Returns the snapshot ids that EC2 still lists for the Nights of the expired snapshots. Queries by Night, because these are only a few
/// Nights.
///
/// # Errors
/// `Throttled`, `Transient` or `Refused` from EC2.
pub async fn still_listed(ec2: &Client, stack: &str, expired: &[ManagedSnapshot]) -> Result<HashSet<String>, Error> {
    let mut listed = HashSet::new();
    for night in expired.iter().map(|snapshot| snapshot.night).collect::<BTreeSet<_>>() {
        snapshots::each_of_night(ec2, stack, night, async |snapshot| {
            listed.extend(snapshot.snapshot_id);
            Ok(())
        })
        .await?;
    }
    Ok(listed)
}

/// Maximum number of values of one filter (AWSEC2 user guide, "List and filter your resources": 200).
const FILTERED: usize = 200;

/// Returns the volumes that EC2 lists in any state, by id.
///
/// # Errors
/// `Throttled`, `Transient` or `Refused` from EC2.
pub async fn existing(ec2: &Client, volumes: &[&str]) -> Result<HashMap<String, Volume>, Error> {
    let mut existing = HashMap::new();
    for ids in volumes.chunks(FILTERED) {
        let ids = ids.iter().map(|id| id.to_string()).collect();
        let filter = Filter::builder().name("volume-id").set_values(Some(ids)).build();
        let mut listed = ec2.describe_volumes().filters(filter).into_paginator().items().send();
        while let Some(volume) = listed.next().await {
            let volume = volume.map_err(|error| error::from_sdk("DescribeVolumes", error))?;
            existing.extend(volume.volume_id.clone().map(|id| (id, volume)));
        }
    }
    Ok(existing)
}
