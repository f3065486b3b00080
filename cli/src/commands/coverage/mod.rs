//! `nightly coverage`: lists every in-use volume with its newest restore point and its last drill, worst first, and the volumes that are no
//! longer backed up.

mod text;

use anyhow::Result;
use domain::{Interval, Night, drill::Proof, due::DueDate};
use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::HashMap;

use crate::{
    Exit,
    account::{
        Account,
        ec2::{Snapshot, Volume},
        inventory::{Inventory, each_region},
        proofs::{self, Proofs},
        stack::Stack,
    },
    cli::Coverage as Asked,
    forecast,
    ui::output,
};

/// Age above which a restore point is stale, in the form that `--max-age` takes: a night and a half.
pub const DEFAULT_MAX_AGE: &str = "36h";

/// Verdict on a volume. The variants are in the order of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Cover {
    None,
    Stale,
    /// The volume has restore points, but is no longer backed up, because its tags changed or it is detached.
    Deselected,
    Covered,
    /// The volume is not backed up, because of its `Backup` tag or the parameter `VolumeTag`.
    LeftOut,
}

impl Cover {
    fn is_backed_up(self) -> bool {
        !matches!(self, Self::Deselected | Self::LeftOut)
    }
}

#[derive(Clone, Debug, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CoveragePoint {
    snapshot_id: String,
    night: String,
    started: Timestamp,
    age_seconds: i64,
}

#[derive(Clone, Debug, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct VolumeCoverage {
    pub volume_id: String,
    pub name: String,
    pub servers: Vec<String>,
    pub region: String,
    /// Name of the plan.
    plan: String,
    /// Value of the tag `BackupPlan`, if it names no plan. Then the volume has the default plan.
    unknown_plan: Option<String>,
    /// Intervals that the volume missed. The next run makes them up.
    lacks: Vec<DueDate>,
    /// Age in seconds above which a restore point of this volume is stale. It is larger if its plan or the schedule skips Nights.
    max_age_seconds: i64,
    /// Age of the volume.
    pub volume_age_seconds: Option<i64>,
    pub restore_point: Option<CoveragePoint>,
    /// Newer snapshot that is still pending.
    pub pending: Option<CoveragePoint>,
    pub verdict: Cover,
    /// Result of the volume's last drill. Absent if no drill included the volume.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proof: Option<Proof>,
}

/// In-use volumes, and volumes that have restore points, worst first.
#[derive(Clone, Debug, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CoverageReport {
    /// Whether every volume that is backed up has a fresh restore point.
    covered: bool,
    /// Regions that could not be read.
    unread_regions: Vec<String>,
    /// Whether the stack has a restore drill.
    has_drill: bool,
    /// Age in seconds above which a restore point is stale.
    max_age_seconds: i64,
    volumes: Vec<VolumeCoverage>,
}

pub async fn run(account: &Account, stack: &Stack, asked: &Asked, json: bool, now: Timestamp) -> Result<Exit> {
    let inventory = Inventory::read(account, stack, None).await?;
    let regions: Vec<_> = stack.regions.iter().filter(|one| !inventory.unread.contains(one)).cloned().collect();
    let names = server_names(account, &regions).await;
    // A caller without access to the ledger still gets the restore points.
    let proofs = proofs::read(account, stack).await.unwrap_or_else(|error| {
        output::note(&format!("nightly: without what restore drills proved: {error:#}"));
        None
    });
    let coverage = CoverageReport::new(&inventory, &names, stack, asked.max_age, now).with_proofs(proofs);
    output::answer(json, &coverage, |terminal| coverage.text(&stack.regions, &stack.time_zone, terminal))?;
    Ok(match (inventory.unread.is_empty(), coverage.covered) {
        (false, _) => Exit::Partial,
        (true, true) => Exit::Good,
        (true, false) => Exit::Bad,
    })
}

/// Returns the names of the servers by instance id. A caller without permission to list them still sees the ids.
async fn server_names(account: &Account, regions: &[String]) -> HashMap<String, String> {
    let answers = each_region(account, regions, async |region| region.instances(&[]).await).await;
    let mut names = HashMap::new();
    for (region, answer) in answers {
        match answer {
            Ok(servers) => names.extend(servers.into_iter().map(|one| (one.id, one.name))),
            Err(error) => output::note(&format!("nightly: without the servers' names in {region}: {error:#}")),
        }
    }
    names.retain(|_, name| !name.is_empty());
    names
}

impl CoverageReport {
    /// Determines the verdict on each volume.
    pub fn new(
        inventory: &Inventory,
        names: &HashMap<String, String>,
        stack: &Stack,
        max_age: SignedDuration,
        now: Timestamp,
    ) -> Self {
        let judge = Judge { names, stack, max_age, now, next: inventory.next_night(now, &stack.time_zone) };
        let histories = inventory.histories();
        let in_use = histories.values().filter_map(|history| Some((history.volume?, &history.snapshots)));
        let in_use = in_use.filter(|(volume, own)| volume.state == "in-use" || !own.is_empty());
        let mut volumes: Vec<_> = in_use.map(|(volume, own)| judge.coverage(volume, own)).collect();
        volumes.sort_by_cached_key(|row| {
            let age = row.restore_point.as_ref().map(|point| -point.age_seconds);
            (row.verdict, age, row.name.clone(), row.region.clone(), row.volume_id.clone())
        });
        let mut selected = volumes.iter().filter(|row| row.verdict.is_backed_up()).peekable();
        let covered = selected.peek().is_some() && selected.all(|row| row.verdict == Cover::Covered);
        let unread = inventory.unread.clone();
        Self {
            covered: covered && unread.is_empty(),
            unread_regions: unread,
            has_drill: false,
            max_age_seconds: max_age.as_secs(),
            volumes,
        }
    }

    /// Adds the proofs of drills, if the stack has a drill.
    pub fn with_proofs(mut self, proofs: Option<Proofs>) -> Self {
        self.has_drill = proofs.is_some();
        let mut proofs = proofs.unwrap_or_default();
        for row in &mut self.volumes {
            row.proof = proofs.remove(&(row.region.clone(), row.volume_id.clone()));
        }
        self
    }
}

/// Everything that the verdict on a volume depends on, apart from the volume.
struct Judge<'a> {
    names: &'a HashMap<String, String>,
    stack: &'a Stack,
    max_age: SignedDuration,
    now: Timestamp,
    next: Night,
}

impl Judge<'_> {
    fn coverage(&self, volume: &Volume, own: &[&Snapshot]) -> VolumeCoverage {
        let newest = |state| {
            let readable =
                own.iter().filter(|one| one.state == state && !one.is_archived).filter_map(|one| point(one, self.now));
            readable.min_by_key(|point| point.age_seconds)
        };
        let plans = &self.stack.plans;
        let (plan, rule) = plans.of_volume(&volume.tags);
        let skipped = SignedDuration::from_hours(24 * (rule.shortest().nights() - 1));
        let max_age_seconds = (self.max_age + skipped + self.stack.longer_pause()).as_secs();
        let (restore_point, pending) = (newest("completed"), newest("pending"));
        let age = restore_point.as_ref().map(|point| point.age_seconds);
        let is_selected = volume.state == "in-use" && self.stack.selection.selects(&volume.tags);
        let verdict = match age {
            _ if !is_selected && own.is_empty() => Cover::LeftOut,
            _ if !is_selected => Cover::Deselected,
            None => Cover::None,
            Some(age) if age > max_age_seconds => Cover::Stale,
            Some(_) => Cover::Covered,
        };
        let managed: Vec<_> = own.iter().filter_map(|one| forecast::managed(one, self.next)).collect();
        let mut lacks = forecast::history(&managed).missed(rule, self.next, plans.weekly_on);
        lacks.retain(|due| is_selected && due.interval != Interval::Daily);
        VolumeCoverage {
            volume_id: volume.id.clone(),
            name: volume.name().to_owned(),
            servers: volume.attachments.iter().map(|(id, _)| self.names.get(id).unwrap_or(id).clone()).collect(),
            region: volume.region.clone(),
            plan: plan.to_owned(),
            unknown_plan: plans.unknown(&volume.tags).filter(|_| is_selected).map(str::to_owned),
            lacks,
            max_age_seconds,
            volume_age_seconds: volume.created.map(|created| self.now.duration_since(created).as_secs()),
            pending: pending.filter(|pending| age.is_none_or(|age| pending.age_seconds < age)),
            restore_point,
            verdict,
            proof: None,
        }
    }
}

fn point(snapshot: &Snapshot, now: Timestamp) -> Option<CoveragePoint> {
    let (night, started) = (snapshot.night()?.to_string(), snapshot.started?);
    let age_seconds = now.duration_since(started).as_secs();
    Some(CoveragePoint { snapshot_id: snapshot.id.clone(), night, started, age_seconds })
}

#[cfg(test)]
mod tests;
