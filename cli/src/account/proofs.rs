//! Proofs of restore drills, from the ledger and as text.

use anyhow::{Context, Result};
use domain::drill::{Proof, Proven};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use ledger::keys;
use std::collections::HashMap;

use crate::{
    account::{Account, ledger::LedgerRuns, stack::Stack},
    ui::text::duration,
};

/// Proofs of a stack by Region and volume id.
pub type Proofs = HashMap<(String, String), Proof>;

/// Reads the proofs. Returns none if the stack has no drill.
pub async fn read(account: &Account, stack: &Stack) -> Result<Option<Proofs>> {
    if stack.drill.is_none() {
        return Ok(None);
    }
    let ledger = LedgerRuns::new(account, stack);
    let mut proofs = Proofs::new();
    for region in &stack.regions {
        let key = keys::proofs(region);
        let Some(lines) = ledger.object(&key).await? else { continue };
        for line in lines.lines() {
            let proof: Proof = serde_json::from_str(line).with_context(|| format!("s3://{}/{key}", stack.ledger))?;
            proofs.insert((region.clone(), proof.volume_id.clone()), proof);
        }
    }
    Ok(Some(proofs))
}

/// Formats the last proof of a volume in a time zone: `2026-11-22, 14s`, `never` or `FAILED 2026-11-29`.
pub fn in_words(proof: Option<&Proof>, zone: &TimeZone) -> String {
    match proof {
        Some(proof) if !proof.unproven.is_empty() => format!("FAILED {}", date(proof.tried, zone)),
        Some(Proof { proven: Some(proven), .. }) => proven_in_words(proven, zone),
        _ => "never".to_owned(),
    }
}

/// Formats the date on which a volume was last proven, and the duration of the restore.
pub fn proven_in_words(proven: &Proven, zone: &TimeZone) -> String {
    let took = SignedDuration::from_secs(proven.seconds.try_into().unwrap_or(i64::MAX));
    format!("{}, {}", date(proven.at, zone), duration(took))
}

pub fn date(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).date().to_string()
}
