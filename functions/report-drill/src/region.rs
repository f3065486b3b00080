//! One Region's part of the report, and its proofs.

use domain::{
    Error,
    drill::Proof,
    drill_report::{Outcome, RegionDrilled, UnprovenPoint},
    drill_wire::RegionDrill,
    metrics,
    report::Failure,
    wire::{Execution, Keyed},
};
use jiff::{Timestamp, ToSpan};
use runtime::{Ledger, Sorted, document::Document};

use crate::rounds::CameTo;

/// Days after which a volume that is drilled no more is forgotten: as long as the ledger keeps anything.
const KEPT: i64 = 400;

/// Writes both.
///
/// # Errors
/// `Transient` or `Refused` from S3.
pub async fn write(
    ledger: &Ledger,
    execution: &Execution,
    now: Timestamp,
    say: &dyn Fn(serde_json::Value),
    planned: RegionDrill,
    mut came_to: CameTo<'_>,
    report: &mut Document<'_>,
) -> Result<RegionDrilled, Error> {
    let mut drilled = RegionDrilled { region: planned.region.clone(), ..RegionDrilled::default() };
    if let Some(list) = &planned.unproven {
        let mut too_large = ledger.read_list::<UnprovenPoint>(list).await?;
        while let Some(point) = too_large.next().await? {
            came_to.outcomes.insert(Outcome::Unproven(point)).await?;
        }
    }
    let outcomes = came_to.outcomes.finish().await?;
    let mut failures: Vec<_> = planned.failure.iter().map(|(step, caught)| Failure::of_step(step, caught)).collect();
    failures.extend(came_to.failures);

    report.object().await?;
    report.member("region", &planned.region).await?;
    report.member("volumes", &planned.volumes).await?;
    report.member("taken", &planned.taken).await?;
    report.member("leftovers", &came_to.leftovers).await?;
    report.list("proven").await?;
    let mut all = outcomes.merge().await?;
    while let Some(outcome) = all.next().await? {
        drilled.add(&outcome);
        if let Outcome::Proven(point) = &outcome {
            report.item(point).await?;
        }
    }
    report.close().await?;
    report.list("unproven").await?;
    let mut all = outcomes.merge().await?;
    while let Some(outcome) = all.next().await? {
        if let Outcome::Unproven(point) = &outcome {
            report.item(point).await?;
        }
    }
    report.close().await?;
    report.list("failures").await?;
    for failure in &failures {
        drilled.add_failure(failure);
        report.item(failure).await?;
    }
    report.close().await?;
    report.close().await?;
    drilled.stalest = prove(ledger, execution, now, say, &planned.region, &outcomes).await?;
    Ok(drilled)
}

/// Merges what the drill came to into the Region's proofs, both in order of the volumes' ids. Returns when the volume was last proven that
/// is worst off of those that ever were. Two drills that ended in the same moment could lose one's proofs: less would be known than is true.
async fn prove(
    ledger: &Ledger,
    execution: &Execution,
    now: Timestamp,
    say: &dyn Fn(serde_json::Value),
    region: &str,
    outcomes: &Sorted<'_, Outcome>,
) -> Result<Option<Timestamp>, Error> {
    let forgotten = now.checked_sub((KEPT * 24).hours()).unwrap_or(Timestamp::MIN);
    let mut known = ledger.find_list::<Proof>(&Proof::ledger_key(region)).await?;
    let mut before = match &mut known {
        Some(known) => known.next().await?,
        None => None,
    };
    let mut drilled = outcomes.merge().await?;
    let mut stalest: Option<Timestamp> = None;
    let mut proofs = ledger.write_list(Proof::ledger_key(region));
    let mut group = drilled.next_group().await?;
    loop {
        let volume = group.first().map(|first| first.key().to_owned());
        let is_old = match (&before, &volume) {
            (None, None) => break,
            (Some(before), Some(volume)) => before.volume_id < *volume,
            (before, _) => before.is_some(),
        };
        let proof = if is_old {
            let old = before.take();
            before = next(&mut known).await?;
            old.filter(|old| old.tried > forgotten)
        } else {
            let volume = volume.unwrap_or_default();
            let own = before.take_if(|before| before.volume_id == volume);
            if own.is_some() {
                before = next(&mut known).await?;
            }
            // When this execution began, not now: the volumes of one drill have all had their turn at the same time.
            let proof = Proof::after(&volume, execution.start_time, &group, own);
            say(metrics::of_proof(region, &proof));
            group = drilled.next_group().await?;
            Some(proof)
        };
        if let Some(proof) = proof {
            let at = proof.proven.as_ref().map(|proven| proven.at);
            stalest = stalest.into_iter().chain(at).min();
            proofs.write(&proof).await?;
        }
    }
    proofs.finish().await?;
    Ok(stalest)
}

async fn next(known: &mut Option<runtime::lines::LineReader<Proof>>) -> Result<Option<Proof>, Error> {
    match known {
        Some(known) => known.next().await,
        None => Ok(None),
    }
}
