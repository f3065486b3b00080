//! The managed snapshots of a Region: those with this stack's `BackupStack` tag.

use aws_sdk_ec2::{
    Client,
    types::{Filter, Snapshot, Tag},
};
use domain::{
    Error, Night,
    tags::{self, Tags},
};

use crate::error;

/// Hands on the managed snapshots of `stack` that pass `filters` (an EC2 filter's name and its value), page by page: no more
/// than one is held. A page of EC2's may be empty and yet have a token; the paginator goes on.
pub async fn each_managed(
    ec2: &Client,
    stack: &str,
    filters: &[(&str, &str)],
    mut take: impl AsyncFnMut(Snapshot) -> Result<(), Error>,
) -> Result<(), Error> {
    let stack_filter = format!("tag:{}", tags::BACKUP_STACK);
    let filters = [(stack_filter.as_str(), stack)].into_iter().chain(filters.iter().copied());
    let filters = filters.map(|(name, value)| Filter::builder().name(name).values(value).build()).collect();
    let pages = ec2.describe_snapshots().owner_ids("self").set_filters(Some(filters)).max_results(1_000);
    let mut snapshots = pages.into_paginator().items().send();
    while let Some(snapshot) = snapshots.next().await {
        take(snapshot.map_err(|error| error::from_sdk("DescribeSnapshots", error))?).await?;
    }
    Ok(())
}

/// The same for the snapshots of one Night.
pub async fn each_of_night(
    ec2: &Client,
    stack: &str,
    night: Night,
    take: impl AsyncFnMut(Snapshot) -> Result<(), Error>,
) -> Result<(), Error> {
    each_managed(ec2, stack, &[(&format!("tag:{}", tags::NIGHT), &night.to_string())], take).await
}

/// Whether a snapshot protects its volume.
pub fn protects(snapshot: &Snapshot) -> bool {
    snapshot.state().is_some_and(|state| domain::retention::protects(state.as_str()))
}

/// EC2's tags as the domain knows them.
pub fn tags_of(tags: &[Tag]) -> Tags {
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    tags.iter().map(|tag| (text(tag.key()), text(tag.value()))).collect()
}

/// The domain's tags as EC2 takes them.
pub fn ec2_tags(tags: Tags) -> Vec<Tag> {
    tags.into_iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect()
}
