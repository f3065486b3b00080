//! One Region's part of the report, and what is known of its volumes from then on. Every list is read in order of the volumes' ids, side
//! by side with the others, so that none is whole in memory.

use domain::{
    Error,
    drill::{
        Item, Proof, RestorePoint, Round,
        messages::{RegionDrill, UnprovenOf},
    },
    messages::Keyed,
    step_functions::Execution,
};
use ledger::{Ledger, Sorted, Sorter, document::Document};
use report::{
    drill::{Outcome, RegionDrilled, proof_after},
    night::Failure,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::children::{Left, not_tried};

/// A Region of a drill, and where what is known of it comes from.
pub struct Region<'a> {
    /// The ledger.
    pub ledger: &'a Ledger,
    /// The execution.
    pub execution: &'a Execution,
    /// What the state machine handed on.
    pub planned: RegionDrill,
}

impl<'a> Region<'a> {
    /// Writes the Region's entry of the report and its proofs, and returns it in numbers.
    ///
    /// # Errors
    /// `Transient` or `Refused` from S3.
    pub async fn write(
        &self,
        report: &mut Document<'_>,
        mut left: Left<'a>,
        tell: &mut impl FnMut(Value),
    ) -> Result<RegionDrilled, Error> {
        let RegionDrill { region, volumes, taken, .. } = &self.planned;
        let (volumes, taken) = (*volumes, *taken);
        let mut drilled = RegionDrilled { region: region.clone(), volumes, taken, ..RegionDrilled::default() };
        let outcomes = self.all(left.outcomes.take()).await?;
        report.object().await?;
        report.member("region", region).await?;
        report.member("volumes", &volumes).await?;
        report.member("taken", &taken).await?;
        self.write_outcomes(report, &outcomes, &mut drilled).await?;
        report.list("failures").await?;
        for (step, caught) in &self.planned.failure {
            let failure = Failure::of_step(step, caught);
            drilled.add_failure(&failure);
            report.item(&failure).await?;
        }
        report.close().await?;
        report.member("removed", &left.removed).await?;
        left.not_removed.iter().for_each(|volume| drilled.add_not_removed(volume));
        report.member("notRemoved", &left.not_removed).await?;
        report.close().await?;
        self.write_proofs(&outcomes, &mut drilled, tell).await?;
        Ok(drilled)
    }

    fn sorting<T: Keyed + Clone + Serialize + DeserializeOwned>(&self, name: &str) -> Sorter<'a, T> {
        Sorter::new(self.ledger, self.execution.sorting_name(&self.planned.region, name))
    }

    /// What became of every restore point that was chosen: what the rounds left, held against what they were to do, and what could not be
    /// taken at all.
    async fn all(&self, left: Option<Sorter<'a, Outcome>>) -> Result<Sorted<'a, Outcome>, Error> {
        let (mut planned, mut all) = (self.sorting("planned"), self.sorting("all"));
        let mut rounds = self.ledger.read_list::<Round>(&self.planned.rounds.clone().unwrap_or_default()).await?;
        while let Some(round) = rounds.next().await? {
            for item in round.items {
                if let Item::Point(point) = item {
                    planned.insert(point).await?;
                }
            }
        }
        let left = left.unwrap_or_else(|| self.sorting("outcomes")).finish().await?;
        let (mut planned, mut left) = (planned.finish().await?.merge().await?, left.merge().await?);
        loop {
            let points: Vec<RestorePoint> = planned.next_group().await?;
            let Some(first) = points.first() else { break };
            let known = left.of(first.key()).await?;
            for point in points {
                let of_it = known.iter().find(|outcome| outcome.snapshot_id() == point.snapshot_id);
                let outcome = of_it.cloned().unwrap_or_else(|| not_tried(&self.planned, point));
                all.insert(outcome).await?;
            }
        }
        let refused = self.planned.unproven.clone().unwrap_or_default();
        let mut refused = self.ledger.read_list::<UnprovenOf>(&refused).await?;
        while let Some(of) = refused.next().await? {
            all.insert(Outcome::Unproven(of)).await?;
        }
        all.finish().await
    }

    async fn write_outcomes(
        &self,
        report: &mut Document<'_>,
        outcomes: &Sorted<'_, Outcome>,
        drilled: &mut RegionDrilled,
    ) -> Result<(), Error> {
        let mut all = outcomes.merge().await?;
        report.list("proven").await?;
        while let Some(outcome) = all.next().await? {
            drilled.add(&outcome);
            if let Outcome::Proven(of) = &outcome {
                report.item(of).await?;
            }
        }
        report.close().await?;
        let mut all = outcomes.merge().await?;
        report.list("unproven").await?;
        while let Some(outcome) = all.next().await? {
            if let Outcome::Unproven(of) | Outcome::NotTried(of) = &outcome {
                report.item(of).await?;
            }
        }
        report.close().await
    }

    /// Merges what was known of the Region's volumes with what the drill came to, and tells of each that it took.
    async fn write_proofs(
        &self,
        outcomes: &Sorted<'_, Outcome>,
        drilled: &mut RegionDrilled,
        tell: &mut impl FnMut(Value),
    ) -> Result<(), Error> {
        let (key, tried) = (Proof::ledger_key(&self.planned.region), self.execution.start_time);
        let (mut known, mut all) = (self.ledger.read_any_list::<Proof>(&key).await?, outcomes.merge().await?);
        let (mut old, mut group) = (known.next().await?, all.next_group().await?);
        let mut list = self.ledger.write_list(key);
        loop {
            let (before, of_one) = match (old.take(), group.first().map(Keyed::key)) {
                (None, None) => break,
                (Some(before), Some(volume)) if before.volume_id.as_str() > volume => {
                    old = Some(before);
                    (None, std::mem::replace(&mut group, all.next_group().await?))
                }
                (Some(before), Some(volume)) if before.volume_id == volume => {
                    old = known.next().await?;
                    (Some(before), std::mem::replace(&mut group, all.next_group().await?))
                }
                (Some(before), _) => {
                    old = known.next().await?;
                    (Some(before), Vec::new())
                }
                (None, Some(_)) => (None, std::mem::replace(&mut group, all.next_group().await?)),
            };
            let proof = proof_after(before, &of_one, tried).filter(|proof| !proof.is_forgotten(tried));
            if let Some(first) = of_one.first() {
                tell(self.line(first.key(), &of_one, proof.as_ref()));
            }
            if let Some(proof) = proof {
                drilled.add_proof(&proof);
                list.write(&proof).await?;
            }
        }
        list.finish().await.map(drop)
    }

    /// A volume's line of the log.
    fn line(&self, volume: &str, of_one: &[Outcome], proof: Option<&Proof>) -> Value {
        let proven = proof.and_then(|proof| proof.proven.as_ref());
        let problem = of_one.iter().find_map(|outcome| match outcome {
            Outcome::Proven(_) => None,
            Outcome::Unproven(of) | Outcome::NotTried(of) => Some(&of.unproven.reason),
        });
        let mut line = json!({"execution": self.execution.name, "region": self.planned.region, "volume": volume});
        if let Some(proven) = proven {
            line["provenAt"] = json!(proven.at);
            line["provenSeconds"] = json!(proven.seconds);
            line["night"] = json!(proven.night);
            line["depth"] = json!(proven.depth);
        }
        if let Some(problem) = problem {
            line["problem"] = json!(problem);
        }
        line
    }
}
