//! The child executions of a Region, as Step Functions wrote their results to the ledger.

use domain::{
    Error, Reason,
    drill::{
        RestorePoint,
        messages::{ChildState, UnprovenVolume},
    },
    messages::ResultsManifest,
    reason::Code,
};
use ledger::{
    Ledger,
    map_results::{self, ChildResult, ResultKind},
};
use report::drill::NotRemoved;
use serde::Deserialize;
use std::collections::HashMap;

use crate::outcome::ProofOutcome;

#[derive(Clone, Debug, PartialEq)]
pub struct Child {
    pub outcome: ProofOutcome,
    pub not_removed: Option<NotRemoved>,
}

/// Reads the results of a Map. Returns each child by the id of its snapshot.
///
/// # Errors
/// `Transient` or `Refused` from S3.
pub async fn read(ledger: &Ledger, manifest: Option<&ResultsManifest>) -> Result<HashMap<String, Child>, Error> {
    let mut children = HashMap::new();
    if let Some(manifest) = manifest {
        let kinds = [ResultKind::Succeeded, ResultKind::Failed];
        map_results::each_child(ledger, &manifest.key, &kinds, |_, result| children.extend(child(&result))).await?;
    }
    Ok(children)
}

#[derive(Deserialize)]
struct Input {
    point: RestorePoint,
}

/// Parses a child from its last state, which is its output, or its cause if it failed. A child that timed out or was stopped has neither.
fn child(result: &ChildResult) -> Option<(String, Child)> {
    let last = result.output.as_ref().or(result.cause.as_ref());
    if let Some(ended) = last.and_then(|text| serde_json::from_str::<ChildState>(text).ok()) {
        return Some((ended.point.snapshot_id.clone(), Child::new(ended)));
    }
    let point = serde_json::from_str::<Input>(&result.input).ok()?.point;
    let snapshot_id = Some(point.snapshot_id.clone());
    let reason = Reason::new(Code::NotRemoved, "the child execution ended early, and the volume may still exist");
    let not_removed = Some(NotRemoved { volume_id: None, snapshot_id, reason });
    let outcome = ProofOutcome::Unproven(UnprovenVolume::new(point, result.caught().reason()));
    Some((outcome.snapshot_id().to_owned(), Child { outcome, not_removed }))
}

impl Child {
    fn new(ended: ChildState) -> Self {
        let left = ended.removal.as_ref().and_then(|removal| removal.left.first());
        let volume_id = ended.progress.as_ref().map(|progress| &progress.volume_id).or(left).cloned();
        let snapshot_id = Some(ended.point.snapshot_id.clone());
        let reason = ended.not_removed.as_ref().map(|caught| caught.reason());
        let not_removed = reason.map(|reason| NotRemoved { volume_id, snapshot_id, reason });
        Self { outcome: ProofOutcome::new(ended), not_removed }
    }
}
