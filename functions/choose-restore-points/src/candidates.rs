//! The volumes that have restore points, those that were drilled longest ago first.

use aws_sdk_ec2::types::{Snapshot, SnapshotState};
use domain::{
    Error,
    drill::{Proof, RestorePoint},
    tags::read_identity,
    wire::Keyed,
};
use runtime::{Ledger, Merge, Sorted, Sorter, snapshots};
use serde::{Deserialize, Serialize};

/// A volume and its restore points.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Candidate {
    /// When it was last drilled, empty where it never was; then its id.
    order: String,
    /// All of them.
    pub restore_points: Vec<RestorePoint>,
}

impl Keyed for Candidate {
    fn key(&self) -> &str {
        &self.order
    }
}

/// The candidates of a Region.
pub struct Candidates<'a> {
    /// How many there are.
    pub count: usize,
    sorted: Sorted<'a, Candidate>,
}

impl Candidates<'_> {
    /// From the one that was drilled longest ago; those that never were come first.
    pub async fn oldest_first(&self) -> Result<Merge<Candidate>, Error> {
        self.sorted.merge().await
    }
}

/// Reads the Region's managed snapshots and its proofs, both in order of the volumes' ids.
pub async fn read<'a>(
    ec2: &aws_sdk_ec2::Client,
    ledger: &'a Ledger,
    stack: &str,
    region: &str,
    sorting: impl Fn(&str) -> String,
) -> Result<Candidates<'a>, Error> {
    let mut points = Sorter::new(ledger, sorting("restore-points"));
    snapshots::each_managed(ec2, stack, &[], async |snapshot| match restore_point(snapshot) {
        Some(point) => points.insert(point).await,
        None => Ok(()),
    })
    .await?;
    let mut points = points.finish().await?.merge().await?;
    let mut proofs = ledger.find_list::<Proof>(&Proof::ledger_key(region)).await?;
    let mut proof = None;
    let (mut sorted, mut count) = (Sorter::new(ledger, sorting("candidates")), 0);
    loop {
        let restore_points: Vec<RestorePoint> = points.next_group().await?;
        let Some(volume_id) = restore_points.first().map(|first| first.volume_id.clone()) else { break };
        if let Some(proofs) = &mut proofs {
            while proof.as_ref().is_none_or(|proof: &Proof| proof.volume_id < volume_id) {
                proof = proofs.next().await?;
                if proof.is_none() {
                    break;
                }
            }
        }
        let tried = proof.as_ref().filter(|proof| proof.volume_id == volume_id).map(|proof| proof.tried.to_string());
        let order = format!("{}|{volume_id}", tried.unwrap_or_default());
        sorted.insert(Candidate { order, restore_points }).await?;
        count += 1;
    }
    Ok(Candidates { count, sorted: sorted.finish().await? })
}

/// A completed snapshot whose tags can be read: find-expired tells of the others.
fn restore_point(snapshot: Snapshot) -> Option<RestorePoint> {
    if snapshot.state() != Some(&SnapshotState::Completed) {
        return None;
    }
    let (night, _, intervals) = read_identity(&snapshots::tags_of(snapshot.tags())).ok()?;
    Some(RestorePoint {
        night,
        intervals,
        gibibytes: snapshot.volume_size.and_then(|size| u32::try_from(size).ok())?,
        snapshot_id: snapshot.snapshot_id?,
        volume_id: snapshot.volume_id?,
    })
}
