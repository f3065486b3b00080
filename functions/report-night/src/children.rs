//! The failed child executions of a Region's Maps, as Step Functions wrote them to the ledger.

use domain::{
    Error,
    messages::{ManagedSnapshot, RunRegionInput, SelectedVolume},
};
use ledger::{
    Ledger,
    map_results::{self, ChildResult, ResultKind},
};
use report::night::Failure;
use serde::Deserialize;
use std::collections::BTreeMap;

/// The failed child executions, by the id of the volume or snapshot.
#[derive(Debug, Default)]
pub struct Children(BTreeMap<String, Failure>);

/// The input of a child execution: a volume to snapshot, or a snapshot to delete.
#[derive(Deserialize)]
struct Input {
    volume: Option<SelectedVolume>,
    snapshot: Option<ManagedSnapshot>,
}

impl Children {
    /// Reads the results of every Map that ended.
    ///
    /// # Errors
    /// `Transient` or `Refused` from S3.
    pub async fn read(ledger: &Ledger, region: &RunRegionInput) -> Result<Self, Error> {
        let mut failed = BTreeMap::new();
        for (step, manifest) in &region.results {
            map_results::each_child(ledger, &manifest.key, &[ResultKind::Failed, ResultKind::Pending], |_, child| {
                let (subject, failure) = failure(step, child);
                failed.insert(subject, failure);
            })
            .await?;
        }
        Ok(Self(failed))
    }

    /// Returns the failure of the child execution for a volume or a snapshot.
    pub fn failure_of(&self, subject: &str) -> Option<&Failure> {
        self.0.get(subject)
    }

    pub fn remove(&mut self, subject: &str) {
        self.0.remove(subject);
    }

    /// Returns all failures, sorted by the id of the volume or snapshot.
    pub fn into_failures(self) -> impl Iterator<Item = Failure> {
        self.0.into_values()
    }
}

fn failure(step: &str, child: ChildResult) -> (String, Failure) {
    let input = serde_json::from_str::<Input>(&child.input).ok();
    let subject = input.and_then(|input| {
        let volume = input.volume.map(|volume| volume.volume_id);
        volume.or(input.snapshot.map(|snapshot| snapshot.snapshot_id))
    });
    let reason = child.caught().reason();
    let (step, execution) = (step.to_owned(), child.execution_arn);
    let subject = subject.unwrap_or_else(|| execution.clone());
    (subject.clone(), Failure::Child { step, subject, reason, execution })
}
