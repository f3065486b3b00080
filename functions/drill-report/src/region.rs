//! One Region's part of the report, and the updated proofs of its volumes.

use domain::{
    Error,
    drill::{
        Proof, RestorePoint,
        messages::{DrillRegionInput, UnprovenVolume},
    },
    step_functions::Execution,
};
use ledger::{Ledger, keys};
use report::drill::{DrillRegion, FailedStep, NotRemoved};
use serde_json::{Value, json};
use std::collections::BTreeMap;

use crate::{
    children,
    outcome::{ProofOutcome, proof_after},
};

/// The outcomes of a Region's restore points, by volume.
type Outcomes = BTreeMap<String, Vec<ProofOutcome>>;

/// Returns one Region's part of the report, and writes its proofs to the ledger. `log` receives a line for each volume that the drill took.
///
/// # Errors
/// `Transient` or `Refused` from S3.
pub async fn report(
    ledger: &Ledger,
    execution: &Execution,
    drill: DrillRegionInput,
    log: &mut impl FnMut(Value),
) -> Result<DrillRegion, Error> {
    let (outcomes, not_removed) = outcomes(ledger, &drill).await?;
    let proofs = write_proofs(ledger, execution, &drill.region, &outcomes).await?;
    for (volume, outcomes_of_volume) in &outcomes {
        log(line(execution, &drill.region, volume, outcomes_of_volume, proofs.get(volume)));
    }
    let failures = drill.failure.into_iter().map(|(step, caught)| FailedStep { step, reason: caught.reason() });
    let mut report = DrillRegion {
        region: drill.region,
        volumes: drill.volumes,
        taken: drill.taken,
        failures: failures.collect(),
        removed: drill.removal.into_iter().flat_map(|removal| removal.deleted).collect(),
        not_removed,
        oldest_proof: proofs.values().filter_map(|proof| Some(proof.proven.as_ref()?.at)).min(),
        ..DrillRegion::default()
    };
    for outcome in outcomes.into_values().flatten() {
        match outcome {
            ProofOutcome::Proven(of) => report.proven.push(of),
            ProofOutcome::Unproven(of) | ProofOutcome::NotTried(of) => report.unproven.push(of),
        }
    }
    Ok(report)
}

/// Returns the outcome of every chosen restore point, and the volumes that could not be deleted.
async fn outcomes(ledger: &Ledger, drill: &DrillRegionInput) -> Result<(Outcomes, Vec<NotRemoved>), Error> {
    let mut children = children::read(ledger, drill.manifest.as_ref()).await?;
    let (mut outcomes, mut not_removed) = (Outcomes::new(), Vec::new());
    let mut add = |outcome: ProofOutcome| outcomes.entry(outcome.volume_id().to_owned()).or_default().push(outcome);
    let mut points = ledger.read_list::<RestorePoint>(&drill.points.clone().unwrap_or_default()).await?;
    while let Some(point) = points.next().await? {
        match children.remove(&point.snapshot_id) {
            Some(child) => {
                not_removed.extend(child.not_removed);
                add(child.outcome);
            }
            None => add(ProofOutcome::not_tried(point, why_not_tried(drill))),
        }
    }
    let mut too_large = ledger.read_list::<UnprovenVolume>(&drill.unproven.clone().unwrap_or_default()).await?;
    while let Some(of) = too_large.next().await? {
        add(ProofOutcome::Unproven(of));
    }
    Ok((outcomes, not_removed))
}

fn why_not_tried(drill: &DrillRegionInput) -> String {
    match drill.failure.get("ProveRestorePoints") {
        Some(caught) => format!("ProveRestorePoints failed: {}", caught.reason()),
        None => "the child execution did not start".to_owned(),
    }
}

/// Updates the proofs of the volumes that the drill took, and writes all proofs that are not too old.
async fn write_proofs(
    ledger: &Ledger,
    execution: &Execution,
    region: &str,
    outcomes: &Outcomes,
) -> Result<BTreeMap<String, Proof>, Error> {
    let (key, tried) = (keys::proofs(region), execution.start_time);
    let mut proofs = BTreeMap::new();
    let mut known = ledger.read_any_list::<Proof>(&key).await?;
    while let Some(proof) = known.next().await? {
        proofs.insert(proof.volume_id.clone(), proof);
    }
    for (volume, outcomes_of_volume) in outcomes {
        let proof = proof_after(proofs.remove(volume), outcomes_of_volume, tried);
        proofs.extend(proof.map(|proof| (volume.clone(), proof)));
    }
    proofs.retain(|_, proof| !proof.is_forgotten(tried));
    let mut list = ledger.write_list(key);
    for proof in proofs.values() {
        list.write(proof).await?;
    }
    list.close_list().await?;
    Ok(proofs)
}

/// Formats a volume's line of the log, which the dashboard reads.
fn line(execution: &Execution, region: &str, volume: &str, outcomes: &[ProofOutcome], proof: Option<&Proof>) -> Value {
    let mut line = json!({"execution": execution.name, "region": region, "volume": volume});
    if let Some(proven) = proof.and_then(|proof| proof.proven.as_ref()) {
        line["provenAt"] = json!(proven.at);
        line["provenSeconds"] = json!(proven.seconds);
        line["night"] = json!(proven.night);
        line["depth"] = json!(proven.depth);
    }
    if let Some(reason) = outcomes.iter().find_map(ProofOutcome::reason) {
        line["problem"] = json!(reason.to_string());
    }
    line
}
