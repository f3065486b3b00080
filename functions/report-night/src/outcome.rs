//! What became of one volume tonight: what was planned, held against what EC2 now has.

use serde::{Deserialize, Serialize};

use domain::{
    drill::Proven,
    messages::{Keyed, Volume},
    retention::protects,
};
use report::night::{Failure, Named, Protected, Unprotected};

/// A snapshot of tonight as EC2 lists it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Tonight {
    /// `vol-…`
    pub volume_id: String,
    /// `snap-…`
    pub snapshot_id: String,
    /// `pending`, `completed`, `error`, …
    pub state: String,
}

impl Keyed for Tonight {
    fn key(&self) -> &str {
        &self.volume_id
    }
}

/// What became of a volume tonight.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// A dry run would have snapshotted it.
    Planned(Named),
    /// It has tonight's snapshot.
    Protected(Protected),
    /// It has none.
    Unprotected(Unprotected),
}

impl Fate {
    /// Whose.
    pub fn volume(&self) -> &Named {
        match self {
            Self::Planned(volume) => volume,
            Self::Protected(protected) => &protected.volume,
            Self::Unprotected(unprotected) => &unprotected.volume,
        }
    }
}

/// All that is known of one volume when the night ends.
#[derive(Clone, Debug)]
pub struct Facts<'a> {
    /// The volume.
    pub volume: &'a Volume,
    /// The newest of its restore points that a drill proved.
    pub proven: Option<Proven>,
    /// Whether it was to be snapshotted; false where it was protected before.
    pub on_work_list: bool,
    /// Whether the night only says what it would do.
    pub dry_run: bool,
    /// Its snapshots of tonight, as EC2 lists them now.
    pub tonight: &'a [Tonight],
    /// Its child executions that failed.
    pub children: &'a [Failure],
    /// The first failure of its Region that is about no volume.
    pub step: Option<&'a Failure>,
}

impl Facts<'_> {
    /// Holds what was planned against what EC2 now has.
    pub fn fate(self) -> Fate {
        let volume = Named { proven: self.proven.clone(), ..Named::from(self.volume) };
        match self.tonight.iter().find(|snapshot| protects(&snapshot.state)) {
            Some(snapshot) => Fate::Protected(Protected {
                volume,
                snapshot_id: snapshot.snapshot_id.clone(),
                state: snapshot.state.clone(),
                created: self.on_work_list && !self.dry_run,
            }),
            None if self.dry_run => Fate::Planned(volume),
            None => Fate::Unprotected(Unprotected { volume, reason: self.reason() }),
        }
    }

    fn reason(&self) -> String {
        match (self.children.first(), self.tonight.first(), self.step) {
            (Some(failure), ..) => format!("{}: {}", failure.error, failure.message),
            (None, Some(snapshot), _) => {
                format!("SnapshotError: EBS reports {} as {}", snapshot.snapshot_id, snapshot.state)
            }
            (None, None, Some(failure)) => format!("{} failed: {}: {}", failure.step, failure.error, failure.message),
            (None, None, None) => {
                "NoSnapshot: EC2 lists no snapshot of tonight, and no step reported an error".to_owned()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::step_functions::Caught;
    use std::collections::BTreeMap;

    fn volume(id: &str) -> Volume {
        Volume {
            volume_id: id.into(),
            instances: vec![],
            tags: BTreeMap::new(),
            origin: None,
            server: None,
            has_snapshot: false,
        }
    }

    fn tonight(id: &str, state: &str) -> Vec<Tonight> {
        vec![Tonight { volume_id: id.into(), snapshot_id: format!("snap-of-{id}"), state: state.into() }]
    }

    fn facts<'a>(volume: &'a Volume, tonight: &'a [Tonight]) -> Facts<'a> {
        Facts { volume, proven: None, on_work_list: true, dry_run: false, tonight, children: &[], step: None }
    }

    fn reason(facts: Facts) -> String {
        match facts.fate() {
            Fate::Unprotected(unprotected) => unprotected.reason,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_volume_is_protected_by_a_completed_or_a_pending_snapshot_only() {
        let one = volume("vol-1");
        for (state, on_work_list) in [("completed", true), ("pending", true), ("completed", false)] {
            let tonight = tonight("vol-1", state);
            let Fate::Protected(protected) = (Facts { on_work_list, ..facts(&one, &tonight) }).fate() else { panic!() };
            assert_eq!((protected.snapshot_id.as_str(), protected.created), ("snap-of-vol-1", on_work_list));
        }
        let failed = tonight("vol-1", "error");
        assert_eq!(reason(facts(&one, &failed)), "SnapshotError: EBS reports snap-of-vol-1 as error");
    }

    #[test]
    fn a_volume_without_a_snapshot_says_why_as_exactly_as_is_known() {
        let one = volume("vol-1");
        let nothing = facts(&one, &[]);
        assert_eq!(
            reason(nothing.clone()),
            "NoSnapshot: EC2 lists no snapshot of tonight, and no step reported an error"
        );
        let caught = Caught { error: "Transient".into(), cause: r#"{"errorMessage":"503"}"#.into() };
        let step = Failure::of_step("SnapshotVolumes", &caught);
        let of_step = Facts { step: Some(&step), ..nothing };
        assert_eq!(reason(of_step.clone()), "SnapshotVolumes failed: Transient: 503");
        let own = Caught { error: "Refused".into(), cause: r#"{"errorMessage":"CreateSnapshot: no"}"#.into() };
        let children = [Failure::of_step("SnapshotVolumes", &own)];
        assert_eq!(reason(Facts { children: &children, ..of_step }), "Refused: CreateSnapshot: no");
    }

    #[test]
    fn a_dry_run_finds_nobody_unprotected() {
        let one = volume("vol-1");
        let dry = Facts { dry_run: true, ..facts(&one, &[]) };
        assert_eq!(dry.clone().fate(), Fate::Planned(Named::from(&one)));
        let tonight = tonight("vol-1", "pending");
        let Fate::Protected(protected) = (Facts { tonight: &tonight, ..dry }).fate() else { panic!() };
        assert!(!protected.created);
    }
}
