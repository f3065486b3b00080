//! Compares the volumes that a run selected with those of the last run, so that each change is reported once.

use aws_sdk_ec2::{Client, types::Volume};
use domain::{Error, selection::opted_out};
use ledger::{Ledger, keys};
use report::night::{Deselected, NamedVolume, RunRegion, UnknownPlan};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, HashMap};

use crate::listed::existing;

/// A volume of the Region's last run, and the runs that reported something about it.
#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct LastSelected {
    volume_id: String,
    /// Run that reported the volume as no longer selected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reported_by: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unknown_plan: Option<ReportedPlan>,
}

/// An unknown plan, and the run that reported it.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ReportedPlan {
    name: String,
    reported_by: String,
}

/// Adds the volumes that this run is the first to miss to `report`, and removes the unknown plans that an earlier run reported. The ledger
/// records the volumes that the Region's last run selected, and what was reported since. So only one run reports each change, even if that
/// run writes its report several times.
///
/// # Errors
/// `Throttled`, `Transient` or `Refused` from EC2 or S3.
pub async fn compare(ec2: &Client, ledger: &Ledger, execution: &str, report: &mut RunRegion) -> Result<(), Error> {
    let key = keys::selected(&report.region);
    let selected: BTreeSet<_> = selected(report).map(str::to_owned).collect();
    let (mut missed, mut reported_plans) = (Vec::new(), HashMap::new());
    let mut lines = ledger.read_any_list::<LastSelected>(&key).await?;
    while let Some(line) = lines.next().await? {
        if !selected.contains(&line.volume_id) {
            missed.push(line);
        } else if let Some(plan) = line.unknown_plan {
            reported_plans.insert(line.volume_id, plan);
        }
    }
    let mut unknown_plans = unknown_plans(report, reported_plans, execution);
    report.unknown_plans.retain(|one| {
        unknown_plans.get(&one.volume.volume_id).is_some_and(|reported| reported.reported_by == execution)
    });
    let ids: Vec<_> = missed.iter().map(|line| line.volume_id.as_str()).collect();
    let existing = existing(ec2, &ids).await?;
    let mut now = ledger.write_list(key);
    for volume_id in selected {
        let unknown_plan = unknown_plans.remove(&volume_id);
        now.write(&LastSelected { volume_id, unknown_plan, reported_by: None }).await?;
    }
    for LastSelected { volume_id, reported_by, .. } in missed {
        let Some(volume) = existing.get(&volume_id) else { continue };
        let by = reported_by.unwrap_or_else(|| execution.to_owned());
        if by == execution {
            report.deselected.push(Deselected { volume: named(volume), problem: problem(volume).to_owned() });
        }
        now.write(&LastSelected { volume_id, reported_by: Some(by), unknown_plan: None }).await?;
    }
    now.close_list().await.map(drop)
}

/// Returns the unknown plan of each volume, and the run that reports it: the run that already did, unless the name has changed since.
fn unknown_plans(
    report: &RunRegion,
    mut reported: HashMap<String, ReportedPlan>,
    execution: &str,
) -> HashMap<String, ReportedPlan> {
    let unknown = report.unknown_plans.iter().map(|UnknownPlan { volume, plan }| {
        let earlier = reported.remove(&volume.volume_id).filter(|earlier| earlier.name == *plan);
        let now = || ReportedPlan { name: plan.clone(), reported_by: execution.to_owned() };
        (volume.volume_id.clone(), earlier.unwrap_or_else(now))
    });
    unknown.collect()
}

/// Returns the volumes that discovery listed.
fn selected(report: &RunRegion) -> impl Iterator<Item = &str> {
    let protected = report.protected.iter().map(|one| &one.volume);
    let unprotected = report.unprotected.iter().map(|one| &one.volume);
    let others = report.not_due.iter().chain(&report.gone);
    protected.chain(unprotected).chain(others).map(|volume| volume.volume_id.as_str())
}

fn named(volume: &Volume) -> NamedVolume {
    let instances = volume.attachments().iter().filter_map(|attachment| attachment.instance_id.clone()).collect();
    let name = aws::snapshots::tags_of(volume.tags()).remove(domain::tags::NAME).filter(|name| !name.is_empty());
    NamedVolume { volume_id: volume.volume_id.clone().unwrap_or_default(), name, instances, ..NamedVolume::default() }
}

fn problem(volume: &Volume) -> &'static str {
    match opted_out(&aws::snapshots::tags_of(volume.tags())) {
        _ if volume.attachments().is_empty() => "it is detached",
        true => "it has the tag Backup=false",
        false => "it does not have the tag that VolumeTag asks for",
    }
}
