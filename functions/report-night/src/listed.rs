//! What EC2 lists of a Region when the night ends.

use crate::outcome::Tonight;
use aws::snapshots;
use domain::{
    Error,
    messages::{Expired, Volume},
    step_functions::List,
};
use ledger::Sorted;
use std::{collections::BTreeSet, time::Duration};

use crate::region::Region;

const LOOKS_AGAIN: usize = 3;
const BETWEEN_LOOKS: Duration = Duration::from_millis(if cfg!(test) { 1 } else { 5_000 });

impl<'a> Region<'a> {
    /// Tonight's snapshots, asked for again where one that no child execution failed to make is not listed: what EC2 lists is
    /// eventually consistent (EC2 developer guide, "Eventual consistency"), and a moment's lag is no failed night.
    pub(crate) async fn settled(&self, work_list: &List, before: &List) -> Result<Sorted<'a, Tonight>, Error> {
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
        let (mut found, mut children) = (found.merge().await?, self.children.merge().await?);
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
            found.insert(Tonight { volume_id, snapshot_id, state }).await
        })
        .await?;
        found.finish().await
    }

    /// The ids that EC2 still lists of the Nights of the expired snapshots. They share a few Nights, so it asks by Night, not one
    /// by one. A dry run deleted nothing, and asks nothing.
    pub(crate) async fn still_listed(&self, expired: &List) -> Result<Sorted<'a, String>, Error> {
        let (mut nights, mut still) = (BTreeSet::new(), self.sorter("still-listed"));
        if !self.dry_run {
            let mut expired = self.ledger.read_list::<Expired>(expired).await?;
            while let Some(snapshot) = expired.next().await? {
                nights.insert(snapshot.night);
            }
        }
        for night in nights {
            snapshots::each_of_night(&self.ec2, self.stack, night, async |snapshot| {
                still.insert(snapshot.snapshot_id.unwrap_or_default()).await
            })
            .await?;
        }
        still.finish().await
    }
}
