//! Existing volumes that a run no longer selects, although the last run selected them.

use aws_sdk_ec2::{Client, types::Volume};
use domain::{Error, selection::opted_out};
use ledger::{Ledger, keys};
use report::night::{Deselected, NamedVolume, RunRegion};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

use crate::listed::existing;

/// A volume of the Region's last run, and the run that reported it as no longer selected.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct LastSelected {
    volume_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reported_by: Option<String>,
}

/// Returns the volumes that this run is the first to miss. The ledger records the volumes that the Region's last run selected, and those
/// that were reported since. So only one run reports each volume, even if that run writes its report several times.
///
/// # Errors
/// `Throttled`, `Transient` or `Refused` from EC2 or S3.
pub async fn deselected(
    ec2: &Client,
    ledger: &Ledger,
    execution: &str,
    report: &RunRegion,
) -> Result<Vec<Deselected>, Error> {
    let key = keys::selected(&report.region);
    let selected = selected(report);
    let (mut missed, mut lines) = (Vec::new(), ledger.read_any_list::<LastSelected>(&key).await?);
    while let Some(line) = lines.next().await? {
        if !selected.contains(line.volume_id.as_str()) {
            missed.push(line);
        }
    }
    let ids: Vec<_> = missed.iter().map(|line| line.volume_id.as_str()).collect();
    let existing = existing(ec2, &ids).await?;
    let (mut now, mut deselected) = (ledger.write_list(key), Vec::new());
    for volume_id in &selected {
        now.write(&LastSelected { volume_id: (*volume_id).to_owned(), reported_by: None }).await?;
    }
    for LastSelected { volume_id, reported_by } in missed {
        let Some(volume) = existing.get(&volume_id) else { continue };
        let by = reported_by.unwrap_or_else(|| execution.to_owned());
        if by == execution {
            deselected.push(Deselected { volume: named(volume), problem: problem(volume).to_owned() });
        }
        now.write(&LastSelected { volume_id, reported_by: Some(by) }).await?;
    }
    now.close_list().await?;
    Ok(deselected)
}

/// Returns the volumes that discovery listed.
fn selected(report: &RunRegion) -> BTreeSet<&str> {
    let protected = report.protected.iter().map(|one| &one.volume);
    let unprotected = report.unprotected.iter().map(|one| &one.volume);
    protected.chain(unprotected).chain(&report.gone).map(|volume| volume.volume_id.as_str()).collect()
}

fn named(volume: &Volume) -> NamedVolume {
    let instances = volume.attachments().iter().filter_map(|attachment| attachment.instance_id.clone()).collect();
    let name = aws::snapshots::tags_of(volume.tags()).remove(domain::tags::NAME).filter(|name| !name.is_empty());
    NamedVolume { volume_id: volume.volume_id.clone().unwrap_or_default(), name, instances, server: None }
}

fn problem(volume: &Volume) -> &'static str {
    match opted_out(&aws::snapshots::tags_of(volume.tags())) {
        _ if volume.attachments().is_empty() => "it is detached",
        true => "it has the tag Backup=false",
        false => "it does not have the tag that VolumeTag asks for",
    }
}
