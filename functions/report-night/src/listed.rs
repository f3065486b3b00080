//! What EC2 lists of a Region when the run ends.

use aws::snapshots;
use domain::{
    Error,
    messages::{Expired, Volume},
};
use std::{
    collections::{BTreeSet, HashMap, HashSet},
    time::Duration,
};

use crate::{children::Children, region::Planned};

const LOOKS_AGAIN: usize = 3;
const BETWEEN_LOOKS: Duration = Duration::from_millis(if cfg!(test) { 1 } else { 5_000 });

/// A snapshot of the Night.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// `snap-…`
    pub snapshot_id: String,
    /// `pending`, `completed`, `error`, …
    pub state: String,
}

/// The snapshots of the Night, by their volumes' ids.
#[derive(Debug, Default)]
pub struct Tonight(HashMap<String, Vec<Snapshot>>);

impl Tonight {
    /// Those of a volume.
    pub fn of_volume(&self, volume_id: &str) -> &[Snapshot] {
        self.0.get(volume_id).map_or(&[], Vec::as_slice)
    }
}

impl Planned<'_> {
    /// Lists the snapshots of the Night, and again if one is missing that no child execution failed to create: what EC2 lists is
    /// eventually consistent (EC2 developer guide, "Eventual consistency").
    pub(crate) async fn tonight(&self, children: &Children) -> Result<Tonight, Error> {
        let count = |list: &Option<_>| list.as_ref().map_or(0, |list: &domain::step_functions::List| list.count);
        if count(&self.region.work_list) + count(&self.region.protected) == 0 {
            return Ok(Tonight::default());
        }
        let mut listed = self.list_tonight().await?;
        for _ in 0..LOOKS_AGAIN {
            if self.dry_run || !self.is_any_missing(&listed, children).await? {
                break;
            }
            tokio::time::sleep(BETWEEN_LOOKS).await;
            listed = self.list_tonight().await?;
        }
        Ok(listed)
    }

    async fn is_any_missing(&self, listed: &Tonight, children: &Children) -> Result<bool, Error> {
        let Some(work_list) = &self.region.work_list else { return Ok(false) };
        let mut volumes = self.ledger.read_list::<Volume>(work_list).await?;
        while let Some(Volume { volume_id, .. }) = volumes.next().await? {
            if listed.of_volume(&volume_id).is_empty() && children.of(&volume_id).is_none() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn list_tonight(&self) -> Result<Tonight, Error> {
        let mut listed = Tonight::default();
        snapshots::each_of_night(&self.ec2, self.stack, self.night, async |snapshot| {
            let state = snapshot.state().map(|state| state.as_str().to_owned()).unwrap_or_default();
            let (volume_id, snapshot_id) = (snapshot.volume_id, snapshot.snapshot_id.unwrap_or_default());
            listed.0.entry(volume_id.unwrap_or_default()).or_default().push(Snapshot { snapshot_id, state });
            Ok(())
        })
        .await?;
        Ok(listed)
    }

    /// The ids that EC2 still lists, of the Nights of the expired snapshots. These are a few Nights, so it asks by Night. A dry run
    /// deleted nothing, and asks nothing.
    pub(crate) async fn still_listed(&self, expired: &[Expired]) -> Result<HashSet<String>, Error> {
        let mut listed = HashSet::new();
        if self.dry_run {
            return Ok(listed);
        }
        for night in expired.iter().map(|snapshot| snapshot.night).collect::<BTreeSet<_>>() {
            snapshots::each_of_night(&self.ec2, self.stack, night, async |snapshot| {
                listed.extend(snapshot.snapshot_id);
                Ok(())
            })
            .await?;
        }
        Ok(listed)
    }
}
