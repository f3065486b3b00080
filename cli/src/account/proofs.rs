//! What restore drills proved of volumes: read from the ledger, and in words.

use anyhow::{Context, Result};
use domain::drill::{Proof, Proven};
use jiff::{Timestamp, tz::TimeZone};
use std::collections::HashMap;

use crate::account::{Account, follow::in_words, ledger::Nights, stack::Stack};

/// The proofs of a stack by Region and volume.
pub type Proofs = HashMap<(String, String), Proof>;

/// Reads them; none where the stack has no drill.
///
/// # Errors
/// S3 does not answer, or what it has are no proofs.
pub async fn read(account: &Account, stack: &Stack) -> Result<Option<Proofs>> {
    if stack.drill.is_none() {
        return Ok(None);
    }
    let ledger = Nights::of(account, stack);
    let mut proofs = Proofs::new();
    for region in &stack.regions {
        let key = Proof::ledger_key(region);
        let Some((lines, _)) = ledger.object(&key).await? else { continue };
        for line in lines.lines() {
            let proof: Proof = serde_json::from_str(line).with_context(|| format!("s3://{}/{key}", stack.ledger))?;
            proofs.insert((region.clone(), proof.volume_id.clone()), proof);
        }
    }
    Ok(Some(proofs))
}

/// What is known of a volume, in one line and in two.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words {
    /// `2026-11-22, 14 s`, `never` or `FAILED 2026-11-29`.
    pub line: String,
    /// The same under no heading, each line 20 characters or so: `restored 2026-11-22`, `in 14 s`.
    pub lines: String,
}

impl Words {
    /// Of the last drill that took the volume; `zone` is that of the dates.
    pub fn of(proof: Option<&Proof>, zone: &TimeZone) -> Self {
        match proof {
            Some(proof) if !proof.unproven.is_empty() => {
                let tried = date(proof.tried, zone);
                Self { line: format!("FAILED {tried}"), lines: format!("restore FAILED\n{tried}") }
            }
            Some(Proof { proven: Some(proven), .. }) => Self::of_proven(proven, zone),
            _ => Self { line: "never".to_owned(), lines: "never restored".to_owned() },
        }
    }

    /// Of a volume's newest proof.
    pub fn of_proven(proven: &Proven, zone: &TimeZone) -> Self {
        let (at, took) = (date(proven.at, zone), in_words(proven.seconds));
        Self { line: format!("{at}, {took}"), lines: format!("restored {at}\nin {took}") }
    }
}

/// A date in a zone.
pub fn date(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).date().to_string()
}
