//! The outcome of one volume, from the plan and the snapshots that EC2 lists.

use domain::{
    Interval, Night, Reason, due::DueDate, messages::SelectedVolume, plan::Plans, reason::Code, retention::protects,
};
use report::night::{Failure, NamedVolume, Protected, Unprotected};

use crate::listed::ListedSnapshot;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VolumeOutcome {
    /// A dry run would have created a snapshot of the volume.
    Planned(NamedVolume),
    /// The volume has a snapshot of the Night.
    Protected(Protected),
    Unprotected(Unprotected),
}

/// All facts about a volume at the end of the run.
#[derive(Clone, Debug)]
pub struct Facts<'a> {
    pub volume: &'a SelectedVolume,
    /// Whether the run was to create a snapshot. False if the volume was already protected.
    pub on_work_list: bool,
    pub dry_run: bool,
    /// Snapshots of the Night, as EC2 lists them now.
    pub tonight: &'a [ListedSnapshot],
    /// Failure of the volume's child execution, if any.
    pub child: Option<&'a Failure>,
    /// First step of the Region that failed as a whole.
    pub step: Option<&'a Failure>,
    pub night: Night,
    pub plans: &'a Plans,
}

impl Facts<'_> {
    pub fn outcome(self) -> VolumeOutcome {
        let volume = NamedVolume::from(self.volume);
        match self.tonight.iter().find(|snapshot| protects(&snapshot.state)) {
            Some(snapshot) => VolumeOutcome::Protected(Protected {
                volume,
                snapshot_id: snapshot.snapshot_id.clone(),
                state: snapshot.state.clone(),
                created: self.on_work_list && !self.dry_run,
                makes_up: self.makes_up(),
            }),
            None if self.dry_run => VolumeOutcome::Planned(volume),
            None => VolumeOutcome::Unprotected(Unprotected { volume, reason: self.reason(), lacks: self.lacks() }),
        }
    }

    /// Returns what the Night's snapshot makes up. The first snapshot of a volume makes up nothing, whatever its Intervals.
    fn makes_up(&self) -> Vec<DueDate> {
        let intervals = self.volume.intervals.as_ref();
        let is_made = |due: &&DueDate| intervals.is_some_and(|intervals| intervals.contains(due.interval));
        self.volume.missed.iter().filter(is_made).copied().collect()
    }

    fn lacks(&self) -> Vec<DueDate> {
        let intervals = self.volume.intervals.iter().flat_map(|intervals| intervals.iter());
        let longer = intervals.filter(|interval| *interval != Interval::Daily);
        let tonight = longer.filter_map(|interval| DueDate::last(interval, self.night, self.plans.weekly_on));
        let tonight = tonight.filter(|due| due.night == self.night);
        tonight.chain(self.volume.missed.iter().copied().filter(|due| due.interval != Interval::Daily)).collect()
    }

    fn reason(&self) -> Reason {
        match (self.child, self.tonight.first(), self.step) {
            (Some(failure), ..) => failure.reason().clone(),
            (None, Some(snapshot), _) => {
                let message = format!("EBS reports {} as {}", snapshot.snapshot_id, snapshot.state);
                Reason::new(Code::SnapshotError, message)
            }
            (None, None, Some(failure)) => failure.reason().clone(),
            (None, None, None) => Reason::new(Code::NoSnapshot, "no step reported an error"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::step_functions::Caught;
    use std::sync::LazyLock;

    fn volume() -> SelectedVolume {
        serde_json::from_str(r#"{"volumeId": "vol-1", "instances": [], "tags": {}}"#).unwrap()
    }

    fn tonight(state: &str) -> Vec<ListedSnapshot> {
        vec![ListedSnapshot { snapshot_id: "snap-1".into(), state: state.into() }]
    }

    fn facts<'a>(volume: &'a SelectedVolume, tonight: &'a [ListedSnapshot]) -> Facts<'a> {
        static PLANS: LazyLock<Plans> = LazyLock::new(|| Plans::read("Daily=7", "", "Sunday").unwrap());
        let night = "2027-01-01".parse().unwrap();
        Facts { volume, on_work_list: true, dry_run: false, tonight, child: None, step: None, night, plans: &PLANS }
    }

    fn reason(facts: Facts) -> String {
        match facts.outcome() {
            VolumeOutcome::Unprotected(unprotected) => unprotected.reason.to_string(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_volume_is_protected_by_a_completed_or_a_pending_snapshot_only() {
        let volume = volume();
        for (state, on_work_list) in [("completed", true), ("pending", true), ("completed", false)] {
            let tonight = tonight(state);
            let facts = Facts { on_work_list, ..facts(&volume, &tonight) };
            let VolumeOutcome::Protected(protected) = facts.outcome() else { panic!() };
            assert_eq!((protected.snapshot_id.as_str(), protected.created), ("snap-1", on_work_list));
        }
        let failed = tonight("error");
        assert_eq!(reason(facts(&volume, &failed)), "SnapshotError: EBS reports snap-1 as error");
    }

    #[test]
    fn an_unprotected_volume_has_the_most_exact_reason_that_is_known() {
        let volume = volume();
        let nothing = facts(&volume, &[]);
        assert_eq!(reason(nothing.clone()), "NoSnapshot: no step reported an error");
        let caught = Caught { error: "Transient".into(), cause: r#"{"errorMessage":"503"}"#.into() };
        let step = Failure::from_caught("SnapshotVolumes", &caught);
        let from_caught = Facts { step: Some(&step), ..nothing };
        assert_eq!(reason(from_caught.clone()), "Transient: 503");
        let own = Caught { error: "Refused".into(), cause: r#"{"errorMessage":"CreateSnapshot: Denied: no"}"#.into() };
        let child = Failure::from_caught("SnapshotVolumes", &own);
        assert_eq!(reason(Facts { child: Some(&child), ..from_caught }), "CreateSnapshot: Denied: no");
    }

    #[test]
    fn a_snapshot_makes_up_what_was_missed_and_a_volume_without_one_lacks_it() {
        let annual = DueDate { interval: Interval::Annual, night: "2026-12-31".parse().unwrap() };
        let intervals = "Daily+Quarterly+Annual".parse().ok();
        let volume = SelectedVolume { intervals, missed: vec![annual], ..volume() };
        let tonight = tonight("pending");
        let VolumeOutcome::Protected(protected) = facts(&volume, &tonight).outcome() else { panic!() };
        assert_eq!(protected.makes_up, [annual]);
        let VolumeOutcome::Unprotected(unprotected) = facts(&volume, &[]).outcome() else { panic!() };
        let quarterly = DueDate { interval: Interval::Quarterly, night: "2027-01-01".parse().unwrap() };
        assert_eq!(unprotected.lacks, [quarterly, annual]);
        let new = SelectedVolume { intervals: "Weekly".parse().ok(), missed: vec![], ..volume.clone() };
        let VolumeOutcome::Protected(protected) = facts(&new, &tonight).outcome() else { panic!() };
        assert!(protected.makes_up.is_empty(), "a new volume missed nothing");
    }

    #[test]
    fn a_dry_run_finds_no_volume_unprotected() {
        let volume = volume();
        let dry = Facts { dry_run: true, ..facts(&volume, &[]) };
        assert_eq!(dry.clone().outcome(), VolumeOutcome::Planned(NamedVolume::from(&volume)));
        let tonight = tonight("pending");
        let VolumeOutcome::Protected(protected) = (Facts { tonight: &tonight, ..dry }).outcome() else { panic!() };
        assert!(!protected.created);
    }
}
