//! `nightly why`: what a snapshot is, why it is kept, and until when.

use anyhow::{Result, bail};
use aws::error;
use aws_sdk_ec2::{Client, error::ProvideErrorMetadata, types::Filter};
use domain::{
    Error, Interval, Night,
    tags::{self, BACKUP_STACK},
};
use jiff::Timestamp;
use serde::Serialize;

use crate::{
    Verdict,
    account::{
        Account,
        inventory::{self, Inventory, Snapshot, everywhere, fates},
        stack::Stack,
    },
    ui::{
        output,
        terminal::Terminal,
        text::{minute, safe},
    },
    view::expiry,
};

/// The answer.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    /// `snap-…`
    pub snapshot_id: String,
    region: String,
    volume_id: String,
    /// Unknown of a snapshot that is none of this stack's.
    volume_exists: Option<bool>,
    /// Whether it bears this stack's `BackupStack` tag.
    managed: bool,
    night: Option<Night>,
    interval: Option<Interval>,
    intervals: Option<String>,
    state: String,
    gibibytes: i32,
    begun: Option<Timestamp>,
    /// The Night on which it expires; none where it never does, or where that is none of this stack's business.
    pub expires: Option<Night>,
    images: Vec<String>,
    /// The whole in words: paragraphs.
    pub text: Vec<String>,
}

/// Prints why a snapshot is kept.
///
/// # Errors
/// The id is none, no Region has it, or EC2 refuses.
pub async fn run(account: &Account, stack: &Stack, id: &str, json: bool, now: Timestamp) -> Result<Verdict> {
    check(id)?;
    let asked = id.to_owned();
    let found = everywhere(account, &stack.regions, move |ec2, region| find(ec2, region, asked.clone())).await?;
    let Some((snapshot, images)) = found.into_iter().flatten().next() else {
        bail!("no snapshot {id} in {}; `nightly list` names those of this stack", stack.regions.join(", "));
    };
    let is_ours = snapshot.tags.get(BACKUP_STACK) == Some(&stack.backup_stack);
    let inventory = if is_ours { Inventory::read(account, stack).await? } else { Inventory::default() };
    let answer = Answer::of(snapshot, images, &inventory, stack, now);
    if json {
        output::print_json(&answer)?;
    } else {
        let terminal = Terminal::of_stdout();
        let paragraphs: Vec<_> = answer.text.iter().map(|text| terminal.prose(0, &safe(text))).collect();
        output::print(&paragraphs.join("\n"))?;
    }
    Ok(Verdict::Good)
}

/// EC2's own words for a malformed id name neither the shape nor the way out.
fn check(id: &str) -> Result<()> {
    let digits = id.strip_prefix("snap-").unwrap_or_default();
    if !matches!(digits.len(), 8 | 17) || !digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
        bail!("{id:?} is not a snapshot's id such as snap-0123456789abcdef0; `nightly list` names them");
    }
    Ok(())
}

/// The snapshot and the AMIs that use it, if this Region has it.
async fn find(ec2: Client, region: String, id: String) -> Result<Option<(Snapshot, Vec<String>)>, Error> {
    let answer = match ec2.describe_snapshots().snapshot_ids(&id).send().await {
        Err(error) if error.code() == Some("InvalidSnapshot.NotFound") => return Ok(None),
        answer => answer.map_err(|error| error::of("DescribeSnapshots", error))?,
    };
    let Some(found) = answer.snapshots.unwrap_or_default().into_iter().find(|one| one.snapshot_id() == Some(&id))
    else {
        return Ok(None);
    };
    let used = Filter::builder().name("block-device-mapping.snapshot-id").values(&id).build();
    // The caller may not be allowed to list AMIs, which bear on little.
    let images = ec2.describe_images().owners("self").filters(used).send().await;
    let images = images.map(|answer| answer.images.unwrap_or_default()).unwrap_or_default();
    let uses = |image: &aws_sdk_ec2::types::Image| {
        image.block_device_mappings().iter().any(|one| one.ebs().and_then(|ebs| ebs.snapshot_id()) == Some(&id))
    };
    let images = images.into_iter().filter(uses).filter_map(|image| image.image_id).collect();
    Ok(Some((Snapshot::of(&region, found), images)))
}

impl Answer {
    /// Judges the snapshot among the others of its volume.
    pub fn of(snapshot: Snapshot, images: Vec<String>, inventory: &Inventory, stack: &Stack, now: Timestamp) -> Self {
        let managed = snapshot.tags.get(BACKUP_STACK) == Some(&stack.backup_stack);
        let key = (snapshot.region.as_str(), snapshot.volume_id.as_str());
        let volume = inventory.existing().get(&key).copied();
        let mut own = inventory.by_volume().remove(&key).unwrap_or_default();
        // It may have been made since.
        if !own.iter().any(|one| one.id == snapshot.id) {
            own.push(&snapshot);
        }
        let next = inventory.next_night(now, &stack.time_zone);
        let fates = fates(&own, stack.policy, volume.is_some(), next);
        let fate =
            own.iter().zip(fates).find(|(one, _)| one.id == snapshot.id).and_then(|(_, fate)| fate.filter(|_| managed));
        let identity = snapshot.identity.as_ref();
        let verdict = match (&fate, identity) {
            (Some(fate), Ok(identity)) => {
                let tagged = identity.interval != identity.intervals.governing();
                expiry::sentences(fate, identity.interval, tagged, &snapshot.state, stack.policy, next)
            }
            (_, Err(problem)) if managed => format!(
                "It bears this stack's {BACKUP_STACK} tag, but its tags cannot be read: {problem}. So it neither counts nor expires, \
                 and every night's report names it, until somebody mends the tag or deletes the snapshot."
            ),
            _ => not_ours(&snapshot, &stack.backup_stack),
        };
        let mut text = vec![what(&snapshot, volume.and_then(|volume| volume.name()), managed, stack), verdict];
        let gone = managed && volume.is_none();
        if gone && fate.as_ref().is_some_and(|fate| !told_of_gone(fate)) {
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
            interval: identity.ok().filter(|_| managed).map(|identity| identity.interval),
            intervals: identity.ok().filter(|_| managed).map(|identity| identity.intervals.to_string()),
            state: snapshot.state.clone(),
            gibibytes: snapshot.gibibytes,
            begun: snapshot.begun,
            expires: fate.as_ref().and_then(expiry::date),
            images,
            text,
            snapshot_id: snapshot.id.clone(),
        }
    }
}

fn told_of_gone(fate: &domain::lifetime::Fate) -> bool {
    use domain::lifetime::{Because, Fate, Never};
    matches!(fate, Fate::Never(Never::NewestOfGone) | Fate::Expires { because: Because::Age { .. }, .. })
}

fn what(snapshot: &Snapshot, volume_name: Option<&str>, managed: bool, stack: &Stack) -> String {
    let Snapshot { id, region, volume_id, state, gibibytes, .. } = snapshot;
    let own_name = snapshot.tags.get(tags::NAME).map(String::as_str);
    let name = volume_name.or(own_name).filter(|name| !name.is_empty() && *name != volume_id.as_str());
    let name = name.map(|name| format!(" ({name})")).unwrap_or_default();
    let night = match &snapshot.identity {
        Ok(identity) if managed => {
            let inventory::Identity { night, interval, intervals } = identity;
            let governed = if intervals.to_string() == interval.to_string() {
                String::new()
            } else {
                format!(", governed by {interval}")
            };
            format!(" of the Night {night} ({intervals}{governed})")
        }
        _ => String::new(),
    };
    let zone = &stack.time_zone;
    let begun = snapshot.begun.map(|begun| format!(", begun {}", minute(begun, zone)));
    let begun = begun.map(|begun| format!("{begun} {}", zone.iana_name().unwrap_or("UTC"))).unwrap_or_default();
    format!("{id} is a snapshot of {volume_id}{name} in {region}{night}: {state}, {gibibytes} GiB{begun}.")
}

fn not_ours(snapshot: &Snapshot, stack: &str) -> String {
    let tag = match snapshot.tags.get(BACKUP_STACK) {
        Some(other) => format!("its {BACKUP_STACK} tag says {other:?}"),
        None => format!("it bears no {BACKUP_STACK} tag"),
    };
    format!("It is not a snapshot of {stack}: {tag}. This backup neither counts nor deletes it, whatever its age.")
}

#[cfg(test)]
#[path = "why_tests.rs"]
mod tests;
