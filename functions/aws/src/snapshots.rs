//! The managed snapshots of a Region, which have this stack's `BackupStack` tag.

use aws_sdk_ec2::{
    Client,
    types::{Filter, Snapshot, Tag},
};
use domain::{
    Error, Night,
    tags::{self, Tags},
};

use crate::error;

/// Passes each managed snapshot of `stack` that matches `filters` (pairs of an EC2 filter's name and value) to `take`. Keeps only one page
/// in memory. EC2 may return an empty page with a token. The paginator then continues.
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

/// Passes each managed snapshot of one Night to `take`.
pub async fn each_of_night(
    ec2: &Client,
    stack: &str,
    night: Night,
    take: impl AsyncFnMut(Snapshot) -> Result<(), Error>,
) -> Result<(), Error> {
    each_managed(ec2, stack, &[(&format!("tag:{}", tags::NIGHT), &night.to_string())], take).await
}

pub fn protects(snapshot: &Snapshot) -> bool {
    snapshot.state().is_some_and(|state| domain::retention::protects(state.as_str()))
}

/// Converts EC2 tags to tags of the domain.
pub fn tags_of(tags: &[Tag]) -> Tags {
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    tags.iter().map(|tag| (text(tag.key()), text(tag.value()))).collect()
}

/// Converts tags of the domain to EC2 tags.
pub fn ec2_tags(tags: Tags) -> Vec<Tag> {
    tags.into_iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect()
}
