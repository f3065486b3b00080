//! The servers by their names.

use aws_sdk_ec2::types::Filter;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tokio::time::timeout;

use crate::{
    account::Account,
    view::{
        report::{Region, Report},
        show,
    },
};

/// Values that a filter of EC2's takes at most.
const MOST_VALUES: usize = 200;
/// The report comes first: names that take longer are left out.
const LONGEST_WAIT: Duration = Duration::from_secs(15);

/// The `Name` tags of the servers whose volumes are shown, by instance id. A Region whose EC2 does not answer has none.
pub async fn names(account: &Account, report: &Report) -> BTreeMap<String, String> {
    let mut names = BTreeMap::new();
    for region in &report.regions {
        if let Ok(found) = timeout(LONGEST_WAIT, names_in(account, region)).await {
            names.extend(found);
        }
    }
    names
}

async fn names_in(account: &Account, region: &Region) -> BTreeMap<String, String> {
    let shown: BTreeSet<_> = show::volumes(region).flat_map(|volume| &volume.instances).collect();
    let shown: Vec<_> = shown.into_iter().cloned().collect();
    let ec2 = account.ec2(&region.region);
    let mut names = BTreeMap::new();
    for ids in shown.chunks(MOST_VALUES) {
        let filter = Filter::builder().name("instance-id").set_values(Some(ids.to_vec())).build();
        let mut pages = ec2.describe_instances().filters(filter).into_paginator().send();
        while let Some(Ok(page)) = pages.next().await {
            for server in page.reservations().iter().flat_map(|one| one.instances()) {
                let name = server.tags().iter().find(|tag| tag.key() == Some("Name")).and_then(|tag| tag.value());
                if let (Some(id), Some(name)) = (server.instance_id(), name.filter(|name| !name.is_empty())) {
                    names.insert(id.to_owned(), name.to_owned());
                }
            }
        }
    }
    names
}
