//! What drills proved of a Region's volumes, read beside a list of them in the same order.

use domain::{
    Error,
    drill::{Proof, Proven},
    messages::Keyed,
};
use ledger::{Ledger, lines::LineReader};

/// The proofs of a Region. They only add to the report: what cannot be read of them is left out, with a warning.
pub struct Proofs {
    lines: Option<LineReader<Proof>>,
    next: Option<Proof>,
}

impl Proofs {
    /// Begins at the first.
    pub async fn read(ledger: &Ledger, region: &str) -> Self {
        let lines = ledger.read_any_list(&Proof::ledger_key(region)).await;
        let mut proofs = Self { lines: lines.map_or_else(without, Some), next: None };
        proofs.advance().await;
        proofs
    }

    /// The newest proof of a volume; those before it are passed over. Volumes are asked for in order of their ids.
    pub async fn of(&mut self, volume_id: &str) -> Option<Proven> {
        while self.next.as_ref().is_some_and(|proof| proof.key() < volume_id) {
            self.advance().await;
        }
        self.next.as_ref().filter(|proof| proof.key() == volume_id)?.proven.clone()
    }

    async fn advance(&mut self) {
        self.next = match &mut self.lines {
            Some(lines) => lines.next().await.unwrap_or_else(without),
            None => None,
        };
        if self.next.is_none() {
            self.lines = None;
        }
    }
}

fn without<T>(error: Error) -> Option<T> {
    tracing::warn!(%error, "the report goes without what drills proved");
    None
}
