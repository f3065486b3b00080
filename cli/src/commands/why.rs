//! `nightly why`: says why a snapshot is kept, and until when.

use anyhow::{Result, bail};
use aws_sdk_ec2::types::Image;
use domain::{
    Interval, Night,
    due::{DueDate, made_up},
    plan::DEFAULT,
    tags::{self, BACKUP_STACK, Identity},
};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeSet;

use crate::{
    Exit,
    account::{
        Account,
        ec2::{Region, Snapshot, filter},
        inventory::{Histories, Inventory, each_region, readable},
        stack::Stack,
    },
    forecast::{Forecast, SnapshotEnd, Standing},
    ui::{
        output,
        text::{minute, safe},
    },
    view::expiry,
};

#[derive(Clone, Debug, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    pub snapshot_id: String,
    region: String,
    volume_id: String,
    /// None for a snapshot of another stack.
    volume_exists: Option<bool>,
    /// Whether the snapshot has this stack's `BackupStack` tag.
    managed: bool,
    night: Option<Night>,
    interval: Option<Interval>,
    intervals: Option<String>,
    /// Name of the plan that decides when the snapshot expires.
    plan: Option<String>,
    /// Intervals that were due before the snapshot's Night, and that it makes up.
    makes_up: Vec<DueDate>,
    state: String,
    gibibytes: i32,
    started: Option<Timestamp>,
    /// Night on which the snapshot expires. None if it never expires, or if it belongs to another stack.
    pub expires: Option<Night>,
    images: Vec<String>,
    pub text: Vec<String>,
}

/// Prints why a snapshot is kept.
pub async fn run(account: &Account, stack: &Stack, id: &str, json: bool, now: Timestamp) -> Result<Exit> {
    check(id)?;
    let answers = each_region(account, &stack.regions, async |region| find(&region, stack, id).await).await;
    let (found, unread) = readable(answers)?;
    let Some((snapshot, images, inventory)) = found.into_iter().flatten().next() else {
        let read: Vec<_> = stack.regions.iter().filter(|region| !unread.contains(region)).map(String::as_str).collect();
        bail!("no snapshot {id} in {}; `nightly list` lists those of this stack", read.join(", "));
    };
    let next = inventory.next_night(now, &stack.time_zone);
    let answer = Explanation::new(&snapshot, images, &inventory.histories(), stack, next);
    output::answer(json, &answer, |terminal| {
        answer.text.iter().map(|text| terminal.prose(0, &safe(text))).collect::<Vec<_>>().join("\n")
    })?;
    Ok(Exit::Good)
}

/// Refuses a malformed id, because EC2's own error names neither the format nor a remedy.
fn check(id: &str) -> Result<()> {
    let digits = id.strip_prefix("snap-").unwrap_or_default();
    if !matches!(digits.len(), 8 | 17) || !digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
        bail!("{id:?} is not the id of a snapshot, such as snap-0123456789abcdef0; `nightly list` lists them");
    }
    Ok(())
}

/// Returns the snapshot and the AMIs that use it, or none if this Region does not have it. If it belongs to the stack, also returns its
/// volume with all snapshots.
async fn find(region: &Region, stack: &Stack, id: &str) -> Result<Option<(Snapshot, Vec<String>, Inventory)>> {
    let found = region.snapshots(&[filter("snapshot-id", [id])]).await?;
    let Some(snapshot) = found.into_iter().find(|one| one.id == id) else { return Ok(None) };
    // A caller without permission to list AMIs still gets the rest.
    let used = filter("block-device-mapping.snapshot-id", [id]);
    let images = region.client.describe_images().owners("self").filters(used).send().await;
    let images = images.map(|answer| answer.images.unwrap_or_default()).unwrap_or_default();
    let uses = |image: &Image| {
        image.block_device_mappings().iter().any(|one| one.ebs().and_then(|ebs| ebs.snapshot_id()) == Some(id))
    };
    let images = images.into_iter().filter(uses).filter_map(|image| image.image_id).collect();
    let volumes = BTreeSet::from([snapshot.volume_id.clone()]);
    let is_ours = snapshot.tags.get(BACKUP_STACK) == Some(&stack.backup_stack);
    let volumes = if is_ours { volumes } else { BTreeSet::new() };
    let inventory = Inventory::read_volumes(region, &stack.backup_stack, &volumes).await?;
    Ok(Some((snapshot, images, inventory)))
}

impl Explanation {
    /// Explains the snapshot, given the other snapshots of its volume.
    pub fn new(
        snapshot: &Snapshot,
        images: Vec<String>,
        histories: &Histories<'_>,
        stack: &Stack,
        next: Night,
    ) -> Self {
        let managed = snapshot.tags.get(BACKUP_STACK) == Some(&stack.backup_stack);
        let history = histories.get(&(snapshot.region.as_str(), snapshot.volume_id.as_str())).cloned();
        let (volume, mut own) = history.map(|one| (one.volume, one.snapshots)).unwrap_or_default();
        // The listing may lack the snapshot.
        if !own.iter().any(|one| one.id == snapshot.id) {
            own.push(snapshot);
        }
        let standing = Standing::new(volume, &stack.selection, &stack.plans);
        let forecast_each = Forecast::new(&stack.plans, next).forecast_each(&own, &standing);
        let end = own
            .iter()
            .zip(forecast_each)
            .find(|(one, _)| one.id == snapshot.id)
            .and_then(|(_, end)| end.filter(|_| managed));
        let own_rule = tags::require_own(&snapshot.tags, &snapshot.volume_id, volume.is_some());
        let identity = own_rule.as_ref().and(snapshot.identity.as_ref());
        let verdict = match (&end, identity) {
            (Some(end), Ok(identity)) => expiry::sentences(end, identity, &snapshot.state, &stack.plans, next),
            (_, Err(problem)) if managed => format!(
                "It has this stack's {BACKUP_STACK} tag, but the tags cannot be read: {problem}. So it neither counts nor expires, \
                 and every night's report names it, until somebody fixes the tag or deletes the snapshot."
            ),
            _ => not_ours(snapshot, &stack.backup_stack),
        };
        let mut text = vec![what(snapshot, volume.map(|volume| volume.name()), managed, stack), verdict];
        let identity = identity.ok().filter(|_| managed);
        let makes_up = identity.map(|one| made_up(one.night, &one.intervals, &stack.plans)).unwrap_or_default();
        text.extend((!makes_up.is_empty()).then(|| in_place_of(&makes_up)));
        let gone = managed && volume.is_none();
        if gone && end.as_ref().is_some_and(|end| !told_of_gone(end)) {
            text.push("Its volume no longer exists.".to_owned());
        }
        if !images.is_empty() {
            text.push(format!(
                "EC2 does not delete it while an AMI uses it: {}. Deregister that first.",
                images.join(", ")
            ));
        }
        Self {
            region: snapshot.region.clone(),
            volume_id: snapshot.volume_id.clone(),
            volume_exists: managed.then_some(volume.is_some()),
            managed,
            night: snapshot.night().filter(|_| managed),
            interval: identity.map(|identity| identity.interval),
            intervals: identity.map(|identity| identity.intervals.to_string()),
            plan: identity.map(|identity| identity.plan.clone()),
            makes_up,
            state: snapshot.state.clone(),
            gibibytes: snapshot.gibibytes,
            started: snapshot.started,
            expires: end.as_ref().and_then(SnapshotEnd::expires),
            images,
            text,
            snapshot_id: snapshot.id.clone(),
        }
    }
}

fn in_place_of(makes_up: &[DueDate]) -> String {
    let missed: Vec<_> = makes_up.iter().map(|due| due.to_string()).collect();
    format!("It stands for the {}, for which the volume had no snapshot.", missed.join(" and the "))
}

fn told_of_gone(end: &SnapshotEnd) -> bool {
    matches!(end, SnapshotEnd::NewestOfGone | SnapshotEnd::Aged { .. })
}

fn what(snapshot: &Snapshot, volume_name: Option<&str>, managed: bool, stack: &Stack) -> String {
    let Snapshot { id, region, volume_id, state, gibibytes, .. } = snapshot;
    let own_name = snapshot.tags.get(tags::NAME).map(String::as_str);
    let name = volume_name
        .filter(|name| !name.is_empty())
        .or(own_name)
        .filter(|name| !name.is_empty() && *name != volume_id.as_str());
    let name = name.map(|name| format!(" ({name})")).unwrap_or_default();
    let night = match &snapshot.identity {
        Ok(identity) if managed => {
            let Identity { night, interval, intervals, plan } = identity;
            let plan = if plan == DEFAULT { String::new() } else { format!(", plan {plan}") };
            let governed = if intervals.to_string() == interval.to_string() {
                String::new()
            } else {
                format!(", governed by {interval}")
            };
            format!(" of the Night {night} ({intervals}{governed}{plan})")
        }
        _ => String::new(),
    };
    let zone = &stack.time_zone;
    let started = snapshot.started.map(|started| format!(", started {}", minute(started, zone)));
    let started = started.map(|started| format!("{started} {}", zone.iana_name().unwrap_or("UTC"))).unwrap_or_default();
    format!("{id} is a snapshot of {volume_id}{name} in {region}{night}: {state}, {gibibytes} GiB{started}.")
}

fn not_ours(snapshot: &Snapshot, stack: &str) -> String {
    let tag = match snapshot.tags.get(BACKUP_STACK) {
        Some(other) => format!("its {BACKUP_STACK} tag says {other:?}"),
        None => format!("it has no {BACKUP_STACK} tag"),
    };
    format!("It is not a snapshot of {stack}: {tag}. This backup neither counts nor deletes it, whatever its age.")
}

#[cfg(test)]
#[path = "why_tests.rs"]
mod tests;
