//! One Region's part of the report: what was planned there, held against what EC2 now has. Every list is read in order of its
//! ids, side by side with the others, so that none is whole in memory.

use crate::outcome::{Facts, Fate};
use aws_sdk_ec2::Client;
use domain::{
    Error, Night,
    messages::{Expired, Keyed, RegionNight, Unreadable, Volume},
    step_functions::{Execution, List},
};
use ledger::{Ledger, Sorted, Sorter, document::Document};
use report::night::{Failure, RegionSummary, Unprotected};
use serde::{Serialize, de::DeserializeOwned};

use crate::proofs::Proofs;

/// A Region of a night, and where what is known of it comes from.
pub struct Region<'a> {
    /// EC2 there.
    pub ec2: Client,
    /// The ledger.
    pub ledger: &'a Ledger,
    /// Whose night.
    pub stack: &'a str,
    /// Which Night.
    pub night: Night,
    /// Whether the night only says what it would do.
    pub dry_run: bool,
    /// The execution.
    pub execution: &'a Execution,
    /// What the state machine handed on.
    pub planned: RegionNight,
    /// Steps that failed as a whole.
    pub steps: Vec<Failure>,
    /// Child executions that failed.
    pub children: Sorted<'a, Failure>,
}

impl<'a> Region<'a> {
    /// Writes the Region's entry of the report, and returns it in numbers.
    pub async fn write(&self, report: &mut Document<'_>) -> Result<RegionSummary, Error> {
        let mut summary = RegionSummary { region: self.planned.region.clone(), ..RegionSummary::default() };
        report.object().await?;
        report.member("region", &self.planned.region).await?;
        let unprotected = self.write_volumes(report, &mut summary).await?;
        self.write_failures(report, &mut summary, unprotected).await?;
        self.write_expired(report, &mut summary).await?;
        if let Some(expiry) = &self.planned.expiry {
            summary.kept = Some(expiry.managed.saturating_sub(summary.expired));
            summary.stalest = expiry.stalest;
        }
        report.list("unreadable").await?;
        let mut unreadable =
            self.ledger.read_list::<Unreadable>(&self.list(|night| Some(&night.expiry.as_ref()?.unreadable))).await?;
        while let Some(snapshot) = unreadable.next().await? {
            report.item(&snapshot).await?;
        }
        report.close().await?;
        report.close().await?;
        Ok(summary)
    }

    /// A list that the night handed on; an empty one where it did not come so far as to write it.
    fn list(&self, of: impl Fn(&RegionNight) -> Option<&List>) -> List {
        of(&self.planned).cloned().unwrap_or_default()
    }

    pub(crate) fn sorter<T: Keyed + Clone + Serialize + DeserializeOwned>(&self, name: &str) -> Sorter<'a, T> {
        Sorter::new(self.ledger, self.execution.sorting_name(&self.planned.region, name))
    }

    /// Writes `protected`, `planned` and `unprotected`; returns the last.
    async fn write_volumes(
        &self,
        report: &mut Document<'_>,
        summary: &mut RegionSummary,
    ) -> Result<Sorted<'a, Unprotected>, Error> {
        let (mut planned, mut unprotected) = (self.sorter("planned"), self.sorter("unprotected"));
        report.list("protected").await?;
        self.tell_fates(async |fate| {
            summary.add_proven(fate.volume());
            match fate {
                Fate::Planned(volume) => planned.insert(volume).await,
                Fate::Unprotected(volume) => unprotected.insert(volume).await,
                Fate::Protected(volume) => {
                    summary.protected += 1;
                    report.item(&volume).await
                }
            }
        })
        .await?;
        report.close().await?;
        write_list(report, "planned", &planned.finish().await?, |_| summary.planned += 1).await?;
        let unprotected = unprotected.finish().await?;
        write_list(report, "unprotected", &unprotected, |volume| summary.add_unprotected(volume)).await?;
        Ok(unprotected)
    }

    /// Hands on what became of each volume.
    async fn tell_fates(&self, mut take: impl AsyncFnMut(Fate) -> Result<(), Error>) -> Result<(), Error> {
        let work_list = self.list(|night| night.work_list.as_ref());
        let before = self.list(|night| night.protected.as_ref());
        let all_tonight = self.settled(&work_list, &before).await?;
        let step = self.first_step().await?;
        for (list, on_work_list) in [(&work_list, true), (&before, false)] {
            let (mut all_tonight, mut all_children) = (all_tonight.merge().await?, self.children.merge().await?);
            if list.count == 0 {
                continue;
            }
            let mut proofs = Proofs::read(self.ledger, &self.planned.region).await;
            let mut volumes = self.ledger.read_list::<Volume>(list).await?;
            while let Some(volume) = volumes.next().await? {
                let proven = proofs.of(&volume.volume_id).await;
                let tonight = &all_tonight.of(&volume.volume_id).await?;
                let children = &all_children.of(&volume.volume_id).await?;
                let (dry_run, step) = (self.dry_run, step.as_ref());
                take(Facts { volume: &volume, proven, on_work_list, dry_run, tonight, children, step }.fate()).await?;
            }
        }
        Ok(())
    }

    /// The first failure that is about no volume: in order of their subjects those without one come first.
    async fn first_step(&self) -> Result<Option<Failure>, Error> {
        let child = self.children.merge().await?.next().await?.filter(|child| child.subject.is_none());
        Ok(self.steps.first().cloned().or(child))
    }

    async fn write_failures(
        &self,
        report: &mut Document<'_>,
        summary: &mut RegionSummary,
        unprotected: Sorted<'_, Unprotected>,
    ) -> Result<(), Error> {
        report.list("failures").await?;
        for failure in &self.steps {
            summary.add_failure(failure, false);
            report.item(failure).await?;
        }
        let (mut children, mut unprotected) = (self.children.merge().await?, unprotected.merge().await?);
        while let Some(failure) = children.next().await? {
            let is_told = unprotected.has(failure.key()).await?;
            summary.add_failure(&failure, is_told);
            report.item(&failure).await?;
        }
        report.close().await
    }

    /// Writes `expired`, and `stillListed`: what EC2 still lists although its deletion did not fail, mostly because an AMI uses it.
    async fn write_expired(&self, report: &mut Document<'_>, summary: &mut RegionSummary) -> Result<(), Error> {
        let list = self.list(|night| Some(&night.expiry.as_ref()?.expired));
        let still = self.still_listed(&list).await?;
        let (mut still, mut children) = (still.merge().await?, self.children.merge().await?);
        let mut still_listed = self.sorter("still-listed-expired");
        let mut snapshots = self.ledger.read_list::<Expired>(&list).await?;
        report.list("expired").await?;
        while let Some(snapshot) = snapshots.next().await? {
            let id = &snapshot.snapshot_id;
            let (is_listed, has_failed) = (still.has(id).await?, children.has(id).await?);
            if !is_listed {
                summary.add_expired(&snapshot);
                report.item(&snapshot).await?;
            } else if !has_failed {
                still_listed.insert(snapshot).await?;
            }
        }
        report.close().await?;
        write_list(report, "stillListed", &still_listed.finish().await?, |_: &Expired| ()).await
    }
}

/// Writes a list of the report, each item seen before.
async fn write_list<T: Keyed + Clone + Serialize + DeserializeOwned>(
    report: &mut Document<'_>,
    name: &str,
    items: &Sorted<'_, T>,
    mut see: impl FnMut(&T),
) -> Result<(), Error> {
    report.list(name).await?;
    let mut items = items.merge().await?;
    while let Some(item) = items.next().await? {
        see(&item);
        report.item(&item).await?;
    }
    report.close().await
}
