//! What a drill came to: the parts of its report, its numbers, and the email of one that could not prove everything.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt::Write;

use crate::{
    Night,
    advice::Said,
    drill::{Proof, Proven, RestorePoint, Unproven},
    mail::{MOST_TOLD, Mail, console, cut_ascii, plural},
    reasons,
    report::Failure,
    wire::Keyed,
};

/// A drill in numbers, and what of it a person should read.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Drill {
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

/// One Region's part of a [`Drill`].
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RegionDrilled {
    /// The Region.
    pub region: String,
    /// Restore points that were proven.
    pub proven: usize,
    /// Those that could not be.
    pub unproven: usize,
    /// Steps that failed, and volumes that could not be deleted.
    pub failures: usize,
    /// Seconds to restore of the slowest.
    pub slowest: Option<u64>,
    /// When the volume was last proven that is worst off of those that ever were.
    pub stalest: Option<Timestamp>,
    /// The first of what there is to tell, as much as an email holds: what was said, and of what.
    #[serde(skip)]
    pub told: Vec<(String, String)>,
}

/// A restore point that was proven, as the report has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProvenPoint {
    /// `vol-…`
    pub volume_id: String,
    /// The proof.
    #[serde(flatten)]
    pub proven: Proven,
}

/// A restore point that could not be proven, as the report has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UnprovenPoint {
    /// `vol-…`
    pub volume_id: String,
    /// Which, and why.
    #[serde(flatten)]
    pub unproven: Unproven,
}

impl UnprovenPoint {
    /// A restore point and why it could not be proven: an error's name and its message.
    pub fn new(point: RestorePoint, reason: String) -> Self {
        let RestorePoint { snapshot_id, volume_id, night, intervals, .. } = point;
        Self { volume_id, unproven: Unproven { snapshot_id, night, intervals, reason } }
    }
}

/// What a drill came to for one restore point.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    /// It was proven.
    Proven(ProvenPoint),
    /// It could not be.
    Unproven(UnprovenPoint),
}

impl Keyed for Outcome {
    fn key(&self) -> &str {
        match self {
            Self::Proven(point) => &point.volume_id,
            Self::Unproven(point) => &point.volume_id,
        }
    }
}

impl RegionDrilled {
    /// Whether everything was proven, and nothing failed.
    pub fn is_good(&self) -> bool {
        self.unproven == 0 && self.failures == 0
    }

    /// Counts a restore point, and tells of it where it could not be proven.
    pub fn add(&mut self, outcome: &Outcome) {
        match outcome {
            Outcome::Proven(point) => {
                self.proven += 1;
                self.slowest = self.slowest.max(Some(point.proven.seconds));
            }
            Outcome::Unproven(UnprovenPoint { volume_id, unproven }) => {
                self.unproven += 1;
                let Unproven { snapshot_id, night, intervals, reason } = unproven;
                self.tell(reason.clone(), format!("{volume_id}, {intervals} of {night} ({snapshot_id})"));
            }
        }
    }

    /// Counts a failure, and tells of it.
    pub fn add_failure(&mut self, failure: &Failure) {
        self.failures += 1;
        let of = match &failure.subject {
            Some(subject) => format!("{} of {subject}", failure.step),
            None => format!("the step {}", failure.step),
        };
        self.tell(format!("{}: {}", failure.error, failure.message), of);
    }

    fn tell(&mut self, said: String, of: String) {
        if self.told.len() < MOST_TOLD {
            self.told.push((said, format!("{of}, {}", self.region)));
        }
    }
}

impl Drill {
    /// Whether everything was proven, and nothing failed.
    pub fn is_good(&self) -> bool {
        self.regions.iter().all(RegionDrilled::is_good)
    }

    /// A number over all Regions.
    pub fn total(&self, count: impl Fn(&RegionDrilled) -> usize) -> usize {
        self.regions.iter().map(count).sum()
    }

    /// How it went, in a few words: `6 restore points proven`, `1 of 6 restore points not proven`, `1 step failed`.
    pub fn headline(&self) -> String {
        let (proven, unproven) = (self.total(|region| region.proven), self.total(|region| region.unproven));
        let failures = self.total(|region| region.failures);
        if unproven > 0 {
            format!("{unproven} of {} not proven", plural(unproven + proven, "restore point"))
        } else if failures > 0 {
            format!("{} failed", plural(failures, "step"))
        } else {
            format!("{} proven", plural(proven, "restore point"))
        }
    }

    /// The email of one that is not good.
    pub fn mail(&self) -> Mail {
        let subject =
            format!("[{}] Restore drill of {}: {}", cut_ascii(&self.backup_stack, 50), self.date, self.headline());
        Mail { subject: cut_ascii(&subject, 99), message: self.message() }
    }

    fn message(&self) -> String {
        let unproven = self.total(|region| region.unproven);
        let mut text = match unproven {
            0 => format!("The restore drill of {} is not complete: {}.\n", self.date, self.headline()),
            1 => "1 restore point could not be proven: it may not come back when you need it.\n".to_owned(),
            many => format!("{many} restore points could not be proven: they may not come back when you need them.\n"),
        };
        let told = self.regions.iter().flat_map(|region| &region.told).take(MOST_TOLD);
        text += &reasons::in_words(told.map(|(said, of)| (Said::read(said), of.clone())));
        let more = (unproven + self.total(|region| region.failures))
            .saturating_sub(self.regions.iter().map(|region| region.told.len()).sum::<usize>().min(MOST_TOLD));
        if more > 0 {
            let _ = writeln!(text, "\nAnd {more} more: the report has them all.");
        }
        let region = self.execution.split(':').nth(3).unwrap_or_default();
        let command = |name: &str| format!("nightly {name} --stack {} --region {region}", self.backup_stack);
        let _ = write!(text, "\nThen start the drill again:\n           {}\n\n", command("drill"));
        let _ = writeln!(text, "all of it  {}", command("coverage"));
        let (execution, report) = (console(&self.execution), &self.location);
        let _ = write!(text, "execution  {execution}\nreport     {report}\n");
        text
    }
}

impl Proof {
    /// What is known of a volume after a drill of it; `before` is what was.
    pub fn after(volume_id: &str, now: Timestamp, outcomes: &[Outcome], before: Option<Proof>) -> Self {
        let proven = outcomes.iter().filter_map(|outcome| match outcome {
            Outcome::Proven(point) => Some(point.proven.clone()),
            Outcome::Unproven(_) => None,
        });
        let unproven = outcomes.iter().filter_map(|outcome| match outcome {
            Outcome::Unproven(point) => Some(point.unproven.clone()),
            Outcome::Proven(_) => None,
        });
        let newest = proven.max_by_key(|proven| proven.night);
        Self {
            volume_id: volume_id.to_owned(),
            tried: now,
            proven: newest.or(before.and_then(|before| before.proven)),
            unproven: unproven.collect(),
        }
    }
}

#[cfg(test)]
#[path = "drill_report_tests.rs"]
mod tests;
