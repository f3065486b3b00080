//! The outcome of a restore point, and the updated proof of its volume.

use domain::{
    Reason,
    drill::{
        Proof, Proven, RestorePoint,
        messages::{ChildState, ProvenVolume, Stage, UnprovenVolume},
    },
    reason::Code,
};
use jiff::Timestamp;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProofOutcome {
    Proven(ProvenVolume),
    Unproven(UnprovenVolume),
    /// The drill ended before it reached the restore point. The volume is still due.
    NotTried(UnprovenVolume),
}

impl ProofOutcome {
    /// Reads the outcome from the last state of a child execution. If the volume could not be deleted, the outcome is the same.
    pub fn new(ended: ChildState) -> Self {
        let ChildState { point, progress, failure, .. } = ended;
        match (failure, progress.map(|progress| progress.stage)) {
            (None, Some(Stage::Proven { seconds, depth, at })) => {
                let RestorePoint { snapshot_id, volume_id, night, intervals, .. } = point;
                let proven = Proven { at, snapshot_id, night, intervals, seconds, depth };
                Self::Proven(ProvenVolume { volume_id, proven })
            }
            (Some(failure), _) => Self::Unproven(UnprovenVolume::new(point, failure.reason())),
            (None, _) => Self::not_tried(point, "the child execution ended before the check".to_owned()),
        }
    }

    /// Creates the outcome of a restore point without a child execution.
    pub fn not_tried(point: RestorePoint, why: String) -> Self {
        Self::NotTried(UnprovenVolume::new(point, Reason::new(Code::NotTried, why)))
    }

    pub fn snapshot_id(&self) -> &str {
        match self {
            Self::Proven(of) => &of.proven.snapshot_id,
            Self::Unproven(of) | Self::NotTried(of) => &of.unproven.snapshot_id,
        }
    }

    pub fn volume_id(&self) -> &str {
        match self {
            Self::Proven(of) => &of.volume_id,
            Self::Unproven(of) | Self::NotTried(of) => &of.volume_id,
        }
    }

    /// Returns the reason if the restore point is not proven.
    pub fn reason(&self) -> Option<&Reason> {
        match self {
            Self::Proven(_) => None,
            Self::Unproven(of) | Self::NotTried(of) => Some(&of.unproven.reason),
        }
    }
}

/// Returns the proof of a volume after a drill that started at `tried`. If the drill reached none of the volume's restore points, the proof
/// does not change. The newest proof is kept until there is another.
pub fn proof_after(old: Option<Proof>, outcomes: &[ProofOutcome], tried: Timestamp) -> Option<Proof> {
    let mut reached = outcomes.iter().filter(|outcome| !matches!(outcome, ProofOutcome::NotTried(_))).peekable();
    let Some(volume_id) = reached.peek().map(|outcome| outcome.volume_id().to_owned()) else { return old };
    let (mut newest, mut unproven) = (None::<Proven>, Vec::new());
    for outcome in reached {
        match outcome {
            ProofOutcome::Proven(of) if newest.as_ref().is_none_or(|newest| newest.night < of.proven.night) => {
                newest = Some(of.proven.clone());
            }
            ProofOutcome::Proven(_) => {}
            ProofOutcome::Unproven(of) | ProofOutcome::NotTried(of) => unproven.push(of.unproven.clone()),
        }
    }
    let proven = newest.or(old.and_then(|old| old.proven));
    Some(Proof { volume_id, tried, proven, unproven })
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::drill::Depth;
    use serde_json::{Value, json};

    fn at(days: i64) -> Timestamp {
        Timestamp::from_second(days * 86_400).unwrap()
    }

    fn point(night: &str) -> RestorePoint {
        let (snapshot_id, night) = (format!("snap-{night}"), night.parse().unwrap());
        RestorePoint {
            snapshot_id,
            volume_id: "vol-1".into(),
            night,
            intervals: "Daily".parse().unwrap(),
            gibibytes: 8,
            creation_tags: [].into(),
        }
    }

    fn ended(night: &str, stage: Value, failure: Option<&str>) -> ProofOutcome {
        let progress = json!({"volumeId": "vol-9", "created": at(1), "stage": stage, "waitSeconds": 5});
        let failure =
            failure.map(|message| json!({"Error": "Refused", "Cause": json!({"errorMessage": message}).to_string()}));
        let ended = json!({"point": point(night), "progress": progress, "failure": failure});
        ProofOutcome::new(serde_json::from_value(ended).unwrap())
    }

    fn proven(night: &str) -> ProofOutcome {
        ended(night, json!({"name": "proven", "seconds": 40, "depth": "files", "at": at(1)}), None)
    }

    fn unproven(night: &str) -> ProofOutcome {
        ended(night, json!({"name": "creating"}), Some("VolumeError: x"))
    }

    #[test]
    fn only_a_check_that_ended_well_is_a_proof() {
        let ProofOutcome::Proven(of) = proven("2026-11-28") else { panic!("not proven") };
        assert_eq!((of.proven.seconds, of.proven.depth, of.proven.at), (40, Depth::Files, at(1)));
        assert_eq!(unproven("2026-11-28").reason().unwrap().code, "VolumeError");
        assert!(matches!(ended("2026-11-28", json!({"name": "creating"}), None), ProofOutcome::NotTried(_)));
    }

    #[test]
    fn the_newest_proof_stays_until_there_is_another() {
        let first = proof_after(None, &[proven("2026-10-01"), proven("2026-11-28")], at(10)).unwrap();
        assert_eq!(first.proven.as_ref().unwrap().night.to_string(), "2026-11-28");
        let worse = proof_after(Some(first.clone()), &[unproven("2026-11-29")], at(17)).unwrap();
        assert_eq!((worse.tried, worse.unproven.len(), &worse.proven), (at(17), 1, &first.proven));
        let untried = ProofOutcome::not_tried(point("2026-11-30"), String::new());
        assert_eq!(proof_after(Some(worse.clone()), std::slice::from_ref(&untried), at(24)), Some(worse.clone()));
        assert_eq!(proof_after(None, &[untried], at(24)), None);
        assert!(!worse.is_forgotten(at(17 + 400)) && worse.is_forgotten(at(17 + 401)));
    }
}
