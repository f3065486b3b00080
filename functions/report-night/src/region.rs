//! One Region's part of the report, from the plan and the snapshots that EC2 lists.

use aws_sdk_ec2::Client;
use domain::{
    Error, Night,
    messages::{ManagedSnapshot, RunRegionInput, SelectedVolume, Unreadable},
    plan::Plans,
    retention::protects,
    rules::{LastRules, Rules},
    step_functions::LedgerList,
};
use ledger::{Ledger, keys};
use report::night::{Failure, NamedVolume, RunRegion, UnknownPlan, Unprotected};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{collections::HashMap, time::Duration};

use crate::{
    children::Children,
    listed::{Tonight, existing, still_listed, tonight},
    outcome::{Facts, VolumeOutcome},
    selected,
};

const LOOKS_AGAIN: usize = 3;
const BETWEEN_LOOKS: Duration = Duration::from_millis(if cfg!(test) { 1 } else { 5_000 });

/// A Region's plan, and the sources of its outcome.
pub struct RegionSources<'a> {
    pub ec2: Client,
    pub ledger: &'a Ledger,
    pub stack: &'a str,
    pub night: Night,
    pub plans: &'a Plans,
    /// The text of `plans`, which the ledger remembers.
    pub rules: &'a Rules,
    pub dry_run: bool,
    pub execution: &'a str,
    pub region: RunRegionInput,
}

/// A failed snapshot, and the execution that reported it.
#[derive(Serialize, Deserialize)]
struct ReportedFailure {
    #[serde(flatten)]
    snapshot: ManagedSnapshot,
    execution: String,
}

impl RegionSources<'_> {
    /// Returns the Region's part of the report.
    ///
    /// # Errors
    /// `Transient` or `Refused` from EC2 or S3.
    pub async fn report(&self) -> Result<RunRegion, Error> {
        let steps = self.region.failure.iter().map(|(step, caught)| Failure::from_caught(step, caught));
        let mut report =
            RunRegion { region: self.region.region.clone(), failures: steps.collect(), ..RunRegion::default() };
        let mut children = Children::read(self.ledger, &self.region).await?;
        let tonight = self.tonight(&children).await?;
        self.add_volumes(&mut report, &children, &tonight).await?;
        self.move_gone(&mut report, &mut children).await?;
        self.add_expired(&mut report, &children).await?;
        if !self.dry_run {
            self.add_failed_snapshots(&mut report, &tonight).await?;
            if self.region.work_list.is_some() {
                selected::compare(&self.ec2, self.ledger, self.execution, &mut report).await?;
            }
            if self.region.expiry.is_some() {
                self.remember_rules().await?;
            }
        }
        if let Some(expiry) = &self.region.expiry {
            report.kept = Some(expiry.managed.saturating_sub(report.expired.len()));
            report.stalest = expiry.stalest;
            report.unreadable = self.list::<Unreadable>(Some(&expiry.unreadable)).await?;
            report.spared = self.list::<ManagedSnapshot>(Some(&expiry.spared)).await?;
            report.without_rule = self.list::<ManagedSnapshot>(Some(&expiry.without_rule)).await?;
        }
        report.failures.extend(children.into_failures());
        Ok(report)
    }

    /// Reads a list of the run. Returns an empty list if the run did not reach that step.
    async fn list<T: DeserializeOwned>(&self, list: Option<&LedgerList>) -> Result<Vec<T>, Error> {
        let mut items = Vec::new();
        let Some(list) = list else { return Ok(items) };
        let mut lines = self.ledger.read_list(list).await?;
        while let Some(item) = lines.next().await? {
            items.push(item);
        }
        Ok(items)
    }

    /// Lists the snapshots of the Night. Lists them again if one is missing although no child execution failed to create it, because EC2 is
    /// eventually consistent (EC2 developer guide, "Eventual consistency").
    async fn tonight(&self, children: &Children) -> Result<Tonight, Error> {
        let lists = [&self.region.work_list, &self.region.protected].into_iter().flatten();
        if lists.map(|list| list.count).sum::<usize>() == 0 {
            return Ok(Tonight::default());
        }
        let mut listed = tonight(&self.ec2, self.stack, self.night).await?;
        for _ in 0..LOOKS_AGAIN {
            if self.dry_run || !self.is_any_missing(&listed, children).await? {
                break;
            }
            tokio::time::sleep(BETWEEN_LOOKS).await;
            listed = tonight(&self.ec2, self.stack, self.night).await?;
        }
        Ok(listed)
    }

    async fn is_any_missing(&self, listed: &Tonight, children: &Children) -> Result<bool, Error> {
        let Some(work_list) = &self.region.work_list else { return Ok(false) };
        let mut volumes = self.ledger.read_list::<SelectedVolume>(work_list).await?;
        while let Some(SelectedVolume { volume_id, .. }) = volumes.next().await? {
            if listed.snapshots(&volume_id).is_empty() && children.failure_of(&volume_id).is_none() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn add_volumes(&self, report: &mut RunRegion, children: &Children, tonight: &Tonight) -> Result<(), Error> {
        let step = report.failures.first().cloned();
        for (list, on_work_list) in [(&self.region.work_list, true), (&self.region.protected, false)] {
            let Some(list) = list else { continue };
            let mut volumes = self.ledger.read_list::<SelectedVolume>(list).await?;
            while let Some(volume) = volumes.next().await? {
                self.add_unknown_plan(report, &volume);
                let facts = Facts {
                    night: self.night,
                    plans: self.plans,
                    on_work_list,
                    dry_run: self.dry_run,
                    tonight: tonight.snapshots(&volume.volume_id),
                    child: children.failure_of(&volume.volume_id),
                    step: step.as_ref(),
                    volume: &volume,
                };
                match facts.outcome() {
                    VolumeOutcome::Planned(volume) => report.planned.push(volume),
                    VolumeOutcome::Protected(volume) => report.protected.push(volume),
                    VolumeOutcome::Unprotected(volume) => report.unprotected.push(volume),
                }
            }
        }
        for volume in self.list::<SelectedVolume>(self.region.not_due.as_ref()).await? {
            self.add_unknown_plan(report, &volume);
            report.not_due.push(NamedVolume::from(&volume));
        }
        report.not_due.sort_by(|one, other| one.volume_id.cmp(&other.volume_id));
        report.unknown_plans.sort_by(|one, other| one.volume.volume_id.cmp(&other.volume.volume_id));
        report.planned.sort_by(|one, other| one.volume_id.cmp(&other.volume_id));
        report.protected.sort_by(|one, other| one.volume.volume_id.cmp(&other.volume.volume_id));
        report.unprotected.sort_by(|one, other| one.volume.volume_id.cmp(&other.volume.volume_id));
        Ok(())
    }

    fn add_unknown_plan(&self, report: &mut RunRegion, volume: &SelectedVolume) {
        if let Some(plan) = self.plans.unknown(&volume.tags) {
            report.unknown_plans.push(UnknownPlan { volume: NamedVolume::from(volume), plan: plan.to_owned() });
        }
    }

    /// Writes the rules of this run to the ledger. A run that never gets here counts as none, so that the next one spares the same snapshots
    /// and reports them.
    async fn remember_rules(&self) -> Result<(), Error> {
        let key = keys::rules(&self.region.region);
        let last = self.ledger.read_any_line::<LastRules>(&key).await?;
        let mut line = self.ledger.write_list(key);
        line.write(&LastRules::after(last, self.night, self.rules.clone())).await?;
        line.close_list().await.map(drop)
    }

    /// Moves the unprotected volumes that EC2 does not list in any state to `gone`. Somebody deleted these volumes, so they need no
    /// snapshot, and their failed child executions are not failures either.
    async fn move_gone(&self, report: &mut RunRegion, children: &mut Children) -> Result<(), Error> {
        let unprotected: Vec<_> = report.unprotected.iter().map(|one| one.volume.volume_id.as_str()).collect();
        let existing = existing(&self.ec2, &unprotected).await?;
        let (unprotected, gone) = std::mem::take(&mut report.unprotected)
            .into_iter()
            .partition(|one| existing.contains_key(&one.volume.volume_id));
        report.unprotected = unprotected;
        for Unprotected { volume, .. } in gone {
            children.remove(&volume.volume_id);
            report.gone.push(volume);
        }
        Ok(())
    }

    /// Adds the snapshots that were to be deleted: those that are gone, and those that EC2 still lists although no deletion failed. A dry
    /// run deletes nothing.
    async fn add_expired(&self, report: &mut RunRegion, children: &Children) -> Result<(), Error> {
        let list = self.region.expiry.as_ref().map(|expiry| &expiry.expired);
        let mut expired = self.list::<ManagedSnapshot>(list).await?;
        expired.sort_by(|one, other| one.snapshot_id.cmp(&other.snapshot_id));
        let asked = if self.dry_run { &[] } else { expired.as_slice() };
        let still_listed = still_listed(&self.ec2, self.stack, asked).await?;
        for snapshot in expired {
            if !still_listed.contains(&snapshot.snapshot_id) {
                report.expired.push(snapshot);
            } else if children.failure_of(&snapshot.snapshot_id).is_none() {
                report.still_listed.push(snapshot);
            }
        }
        Ok(())
    }

    /// Adds the failed snapshots that no other run reported. Failed snapshots of the Night are reported with their volumes. The ledger
    /// records every failed snapshot that still exists. So only one run reports each of them, even if that run writes its report several
    /// times.
    async fn add_failed_snapshots(&self, report: &mut RunRegion, tonight: &Tonight) -> Result<(), Error> {
        let Some(expiry) = &self.region.expiry else { return Ok(()) };
        let failed = self.list::<ManagedSnapshot>(Some(&expiry.failed)).await?;
        let key = keys::failed_snapshots(&self.region.region);
        let mut reported = HashMap::new();
        let mut lines = self.ledger.read_any_list::<ReportedFailure>(&key).await?;
        while let Some(ReportedFailure { snapshot, execution }) = lines.next().await? {
            reported.insert(snapshot.snapshot_id, execution);
        }
        if failed.is_empty() && reported.is_empty() {
            return Ok(());
        }
        let is_unprotected = |volume: &str| !tonight.snapshots(volume).iter().any(|one| protects(&one.state));
        let mut now = self.ledger.write_list(key);
        for snapshot in failed {
            let by = reported.remove(&snapshot.snapshot_id).unwrap_or_else(|| self.execution.to_owned());
            let is_ours = by == self.execution;
            now.write(&ReportedFailure { snapshot: snapshot.clone(), execution: by }).await?;
            let is_of_tonight = snapshot.night == self.night && is_unprotected(&snapshot.volume_id);
            if is_ours && !is_of_tonight {
                report.failed_snapshots.push(snapshot);
            }
        }
        now.close_list().await.map(drop)
    }
}
