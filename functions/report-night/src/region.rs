//! One Region's part of the report: what was planned there, held against what EC2 now has. Every list is read in order of its
//! ids, side by side with the others, so that none is whole in memory.

use aws_sdk_ec2::Client;
use domain::{
    Error, Night,
    report::{Facts, Failure, Fate, Named, RegionSummary, Tonight, Unprotected},
    wire::{Execution, Expired, Keyed, List, RegionNight, Unreadable, Volume},
};
use runtime::{Ledger, Sorted, Sorter, document::Document, snapshots};
use serde::{Serialize, de::DeserializeOwned};
use std::{collections::BTreeSet, time::Duration};

const LOOKS_AGAIN: usize = 3;
const BETWEEN_LOOKS: Duration = Duration::from_millis(if cfg!(test) { 1 } else { 5_000 });

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
        report.list("unreadable").await?;
        let mut unreadable =
            self.ledger.read_list::<Unreadable>(&self.list(|night| Some(&night.expiry.as_ref()?.unreadable))).await?;
        while let Some(snapshot) = unreadable.next().await? {
            report.value(&snapshot).await?;
        }
        report.close().await?;
        report.close().await?;
        Ok(summary)
    }

    /// A list that the night handed on; an empty one where it did not come so far as to write it.
    fn list(&self, of: impl Fn(&RegionNight) -> Option<&List>) -> List {
        of(&self.planned).cloned().unwrap_or_default()
    }

    fn sorter<T: Keyed + Clone + Serialize + DeserializeOwned>(&self, name: &str) -> Sorter<'a, T> {
        Sorter::new(self.ledger, self.execution.sorting_name(&self.planned.region, name))
    }

    /// Writes `planned`, `protected` and `unprotected`; returns the last.
    async fn write_volumes(
        &self,
        report: &mut Document<'_>,
        summary: &mut RegionSummary,
    ) -> Result<Sorted<'a, Unprotected>, Error> {
        let (work_list, before) =
            (self.list(|night| night.work_list.as_ref()), self.list(|night| night.protected.as_ref()));
        let tonight = self.settled(&work_list, &before).await?;
        let step = self.first_step().await?;
        let (mut planned, mut unprotected) =
            (self.sorter::<Named>("planned"), self.sorter::<Unprotected>("unprotected"));
        report.list("protected").await?;
        for (list, on_work_list) in [(&work_list, true), (&before, false)] {
            let (mut tonight, mut children) = (tonight.read().await?, self.children.read().await?);
            let mut volumes = self.ledger.read_list::<Volume>(list).await?;
            while let Some(volume) = volumes.next().await? {
                let (tonight, children) = (tonight.of(&volume.volume_id).await?, children.of(&volume.volume_id).await?);
                let (dry_run, step) = (self.dry_run, step.as_ref());
                match (Facts { volume: &volume, on_work_list, dry_run, tonight: &tonight, children: &children, step })
                    .fate()
                {
                    Fate::Planned(volume) => planned.push(volume).await?,
                    Fate::Unprotected(volume) => unprotected.push(volume).await?,
                    Fate::Protected(volume) => {
                        summary.protected += 1;
                        report.value(&volume).await?;
                    }
                }
            }
        }
        report.close().await?;
        report.list("planned").await?;
        let mut planned = planned.finish().await?.read().await?;
        while let Some(volume) = planned.next().await? {
            summary.planned += 1;
            report.value(&volume).await?;
        }
        report.close().await?;
        let unprotected = unprotected.finish().await?;
        report.list("unprotected").await?;
        let mut volumes = unprotected.read().await?;
        while let Some(volume) = volumes.next().await? {
            summary.add_unprotected(&volume);
            report.value(&volume).await?;
        }
        report.close().await?;
        Ok(unprotected)
    }

    /// The first failure that is about no volume: in order of their subjects those without one come first.
    async fn first_step(&self) -> Result<Option<Failure>, Error> {
        let child = self.children.read().await?.next().await?.filter(|child| child.subject.is_none());
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
            report.value(failure).await?;
        }
        let (mut children, mut unprotected) = (self.children.read().await?, unprotected.read().await?);
        while let Some(failure) = children.next().await? {
            let is_told = unprotected.has(failure.key()).await?;
            summary.add_failure(&failure, is_told);
            report.value(&failure).await?;
        }
        report.close().await
    }

    /// Writes `expired`, and `kept`: what EC2 still lists although its deletion did not fail, mostly because an AMI uses it.
    async fn write_expired(&self, report: &mut Document<'_>, summary: &mut RegionSummary) -> Result<(), Error> {
        let list = self.list(|night| Some(&night.expiry.as_ref()?.expired));
        let still = self.still_listed(&list).await?;
        let (mut still, mut children) = (still.read().await?, self.children.read().await?);
        let mut kept = self.sorter::<Expired>("kept");
        let mut snapshots = self.ledger.read_list::<Expired>(&list).await?;
        report.list("expired").await?;
        while let Some(snapshot) = snapshots.next().await? {
            let id = &snapshot.snapshot_id;
            let (is_listed, has_failed) = (still.has(id).await?, children.has(id).await?);
            if !is_listed {
                summary.add_expired(&snapshot);
                report.value(&snapshot).await?;
            } else if !has_failed {
                kept.push(snapshot).await?;
            }
        }
        report.close().await?;
        report.list("kept").await?;
        let mut kept = kept.finish().await?.read().await?;
        while let Some(snapshot) = kept.next().await? {
            report.value(&snapshot).await?;
        }
        report.close().await
    }

    /// Tonight's snapshots, asked for again where one that no child execution failed to make is not listed: what EC2 lists is
    /// eventually consistent (EC2 developer guide, "Eventual consistency"), and a moment's lag is no failed night.
    async fn settled(&self, work_list: &List, before: &List) -> Result<Sorted<'a, Tonight>, Error> {
        if work_list.count + before.count == 0 {
            return self.sorter("tonight").finish().await;
        }
        let mut found = self.tonight().await?;
        for _ in 0..LOOKS_AGAIN {
            if self.dry_run || self.are_listed(work_list, &found).await? {
                break;
            }
            tokio::time::sleep(BETWEEN_LOOKS).await;
            found = self.tonight().await?;
        }
        Ok(found)
    }

    async fn are_listed(&self, work_list: &List, found: &Sorted<'_, Tonight>) -> Result<bool, Error> {
        let (mut found, mut children) = (found.read().await?, self.children.read().await?);
        let mut volumes = self.ledger.read_list::<Volume>(work_list).await?;
        while let Some(Volume { volume_id, .. }) = volumes.next().await? {
            if !found.has(&volume_id).await? && !children.has(&volume_id).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn tonight(&self) -> Result<Sorted<'a, Tonight>, Error> {
        let mut found = self.sorter("tonight");
        snapshots::each_of_night(&self.ec2, self.stack, self.night, async |snapshot| {
            let state = snapshot.state().map(|state| state.as_str().to_owned()).unwrap_or_default();
            let (snapshot_id, volume_id) = (snapshot.snapshot_id, snapshot.volume_id);
            let (snapshot_id, volume_id) = (snapshot_id.unwrap_or_default(), volume_id.unwrap_or_default());
            found.push(Tonight { volume_id, snapshot_id, state }).await
        })
        .await?;
        found.finish().await
    }

    /// The ids that EC2 still lists of the Nights of the expired snapshots. They share a few Nights, so it asks by Night, not one
    /// by one. A dry run deleted nothing, and asks nothing.
    async fn still_listed(&self, expired: &List) -> Result<Sorted<'a, String>, Error> {
        let (mut nights, mut still) = (BTreeSet::new(), self.sorter("still-listed"));
        if !self.dry_run {
            let mut expired = self.ledger.read_list::<Expired>(expired).await?;
            while let Some(snapshot) = expired.next().await? {
                nights.insert(snapshot.night);
            }
        }
        for night in nights {
            snapshots::each_of_night(&self.ec2, self.stack, night, async |snapshot| {
                still.push(snapshot.snapshot_id.unwrap_or_default()).await
            })
            .await?;
        }
        still.finish().await
    }
}
