//! What a drill came to: the fate of each restore point, what is known of its volume from then on, and the drill in numbers.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{mail::MOST_DESCRIBED, night::Failure};
use domain::{
    Night, Reason,
    drill::{
        Item, Proof, Proven, RestorePoint,
        messages::{Progress, ProvenOf, UnprovenOf},
    },
    messages::Keyed,
    reason::Code,
    step_functions::Caught,
};

/// What became of one restore point.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    /// A volume was made from it.
    Proven(ProvenOf),
    /// None was, or it did not hold what it should.
    Unproven(UnprovenOf),
    /// The drill ended before it came to it: it is not proven, and its volume is as due as before.
    NotTried(UnprovenOf),
}

impl Keyed for Outcome {
    fn key(&self) -> &str {
        match self {
            Self::Proven(of) => &of.volume_id,
            Self::Unproven(of) | Self::NotTried(of) => &of.volume_id,
        }
    }
}

impl Outcome {
    /// What became of a restore point, by how far it has come.
    pub fn of(point: RestorePoint, progress: &Progress) -> Self {
        let failed = |step| progress.failure.get(step).map(in_words);
        let checked = progress.checked.as_ref();
        let problem = failed("DrillRestore").or_else(|| failed("DrillCheck"));
        let problem = problem.or_else(|| checked.and_then(|checked| checked.problem.clone()));
        let proof = checked.and_then(|checked| Some((checked.at?, checked.seconds?, checked.depth?)));
        match (problem, proof) {
            (None, Some((at, seconds, depth))) => {
                let RestorePoint { snapshot_id, volume_id, night, intervals, .. } = point;
                Self::Proven(ProvenOf {
                    volume_id,
                    proven: Proven { at, snapshot_id, night, intervals, seconds, depth },
                })
            }
            (problem, _) => {
                let reason =
                    problem.unwrap_or_else(|| "NotTried: the drill ended before the check was over".to_owned());
                Self::Unproven(UnprovenOf::new(point, reason))
            }
        }
    }

    /// The snapshot.
    pub fn snapshot_id(&self) -> &str {
        match self {
            Self::Proven(of) => &of.proven.snapshot_id,
            Self::Unproven(of) | Self::NotTried(of) => &of.unproven.snapshot_id,
        }
    }
}

/// An error and what it said.
pub fn in_words(caught: &Caught) -> String {
    format!("{}: {}", caught.error, caught.message())
}

/// A volume that the drill was to delete.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NotRemoved {
    /// `vol-…`; absent where nobody knows it.
    pub volume_id: Option<String>,
    /// The snapshot that it was made from: `snap-…`; absent for a leftover.
    pub snapshot_id: Option<String>,
    /// Why it is still there: an error's name and its message.
    pub reason: String,
}

impl NotRemoved {
    /// The volume of an item whose removal failed.
    pub fn of(progress: &Progress) -> Option<Self> {
        let reason = in_words(progress.failure.get("DrillRemove")?);
        let restored = progress.restored.as_ref().map(|restored| restored.volume_id.clone());
        Some(match &progress.item {
            Item::Leftover(leftover) => Self { volume_id: Some(leftover.volume_id.clone()), snapshot_id: None, reason },
            Item::Point(point) => Self { volume_id: restored, snapshot_id: Some(point.snapshot_id.clone()), reason },
        })
    }
}

/// What is known of a volume after a drill; `old` is what was known before. A drill that did not come to any of its restore points
/// changes nothing.
pub fn proof_after(old: Option<Proof>, outcomes: &[Outcome], tried: Timestamp) -> Option<Proof> {
    let mut proven = old.as_ref().and_then(|old| old.proven.clone());
    let (mut newest, mut unproven, mut volume_id) = (None::<Proven>, Vec::new(), None);
    for outcome in outcomes {
        match outcome {
            Outcome::NotTried(_) => continue,
            Outcome::Unproven(of) => unproven.push(of.unproven.clone()),
            Outcome::Proven(of) if newest.as_ref().is_none_or(|newest| newest.night < of.proven.night) => {
                newest = Some(of.proven.clone());
            }
            Outcome::Proven(_) => (),
        }
        volume_id = Some(outcome.key().to_owned());
    }
    let Some(volume_id) = volume_id else { return old };
    proven = newest.or(proven);
    Some(Proof { volume_id, tried, proven, unproven })
}

fn read(text: &str) -> Reason {
    let (name, message) = text.split_once(": ").unwrap_or((text, ""));
    match Code::ALL.into_iter().find(|code| code.name() == name) {
        Some(code) => Reason::new(code, message),
        None => Reason::from_error(name, message),
    }
}

/// A drill in numbers; and what of it a person should read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DrillSummary {
    /// Whose drill.
    pub backup_stack: String,
    /// Its date.
    pub date: Night,
    /// The ARN of the execution.
    pub execution: String,
    /// `s3://…` of the report.
    pub location: String,
    /// When the execution started.
    pub started: Timestamp,
    /// When the report was made.
    pub ended: Timestamp,
    /// One entry a Region.
    pub regions: Vec<RegionDrilled>,
}

/// One Region's part of a [`DrillSummary`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RegionDrilled {
    /// The Region.
    pub region: String,
    /// Volumes that have restore points.
    pub volumes: usize,
    /// Those of them that this drill took.
    pub taken: usize,
    /// Restore points that it proved.
    pub proven: usize,
    /// Restore points that it did not.
    pub unproven: usize,
    /// Steps that failed.
    pub failures: usize,
    /// Volumes that it could not delete.
    pub not_removed: usize,
    /// The longest that a volume took to be available, in seconds; absent where none was.
    pub slowest: Option<u64>,
    /// When the volume that is worst off was last proven; absent where none ever was.
    pub stalest: Option<Timestamp>,
    /// How much there is to tell a person.
    pub news: usize,
    /// The first of it: as much as an email holds.
    #[serde(skip)]
    pub told: Vec<DrillNews>,
}

/// What an email tells of a drill: the error, and what it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DrillNews {
    /// The error.
    pub reason: Reason,
    /// What it is about.
    pub subject: String,
}

impl DrillSummary {
    /// Whether all that it took is proven, and nothing is left of it.
    pub fn is_good(&self) -> bool {
        self.total(|region| region.unproven + region.failures + region.not_removed) == 0
    }

    /// A number over all Regions.
    pub fn total(&self, count: impl Fn(&RegionDrilled) -> usize) -> usize {
        self.regions.iter().map(count).sum()
    }
}

impl RegionDrilled {
    /// Counts what became of a restore point.
    pub fn add(&mut self, outcome: &Outcome) {
        match outcome {
            Outcome::Proven(of) => {
                self.proven += 1;
                self.slowest = self.slowest.max(Some(of.proven.seconds));
            }
            Outcome::Unproven(of) | Outcome::NotTried(of) => {
                self.unproven += 1;
                let (volume, point) = (&of.volume_id, &of.unproven);
                let subject = format!("{volume}: {}, {} of {}", point.snapshot_id, point.intervals, point.night);
                self.tell(&point.reason, subject);
            }
        }
    }

    /// Counts a step that failed.
    pub fn add_failure(&mut self, failure: &Failure) {
        self.failures += 1;
        if let Failure::Step { step, reason } = failure {
            self.tell(&reason.to_string(), format!("the step {step}"));
        }
    }

    /// Counts a volume that is still there.
    pub fn add_not_removed(&mut self, volume: &NotRemoved) {
        self.not_removed += 1;
        let subject = match (&volume.volume_id, &volume.snapshot_id) {
            (Some(id), _) => format!("{id}, which the drill made and could not delete"),
            (None, snapshot) => format!("the volume of {}", snapshot.as_deref().unwrap_or("a snapshot")),
        };
        self.tell(&volume.reason, subject);
    }

    /// Takes the proof of a volume into account.
    pub fn add_proof(&mut self, proof: &Proof) {
        let proven = proof.proven.as_ref().map(|proven| proven.at);
        self.stalest = match (self.stalest, proven) {
            (Some(stalest), Some(proven)) => Some(stalest.min(proven)),
            (stalest, proven) => stalest.or(proven),
        };
    }

    fn tell(&mut self, reason: &str, subject: String) {
        self.news += 1;
        if self.told.len() < MOST_DESCRIBED {
            self.told.push(DrillNews { reason: read(reason), subject });
        }
    }
}

#[cfg(test)]
#[path = "drill_tests.rs"]
mod tests;
