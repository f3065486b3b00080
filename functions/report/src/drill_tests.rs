use super::*;
use domain::drill::Depth;
use proptest::{collection::vec, prelude::*};
use serde_json::json;

fn at(days: i64) -> Timestamp {
    Timestamp::from_second(days * 86_400).unwrap()
}

fn point(night: &str) -> RestorePoint {
    let (snapshot_id, night) = (format!("snap-{night}"), night.parse().unwrap());
    RestorePoint { snapshot_id, volume_id: "vol-1".into(), night, intervals: "Daily".parse().unwrap(), gibibytes: 8 }
}

fn progress(changes: serde_json::Value) -> Progress {
    let mut progress = json!({"region": "r", "execution": "run", "item": {"point": point("2026-11-28")}});
    for (key, value) in changes.as_object().unwrap() {
        progress[key] = value.clone();
    }
    serde_json::from_value(progress).unwrap()
}

fn outcome(changes: serde_json::Value) -> Outcome {
    Outcome::of(point("2026-11-28"), &progress(changes))
}

fn reason(outcome: Outcome) -> String {
    match outcome {
        Outcome::Unproven(of) => of.unproven.reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn only_a_check_that_ended_well_is_a_proof() {
    let good = json!({"isOver": true, "waitSeconds": 5, "seconds": 40, "depth": "files", "at": at(1), "command": null, "problem": null});
    let Outcome::Proven(of) = outcome(json!({"checked": good})) else { panic!("not proven") };
    assert_eq!((of.proven.seconds, of.proven.depth, of.proven.at), (40, Depth::Files, at(1)));
    let failed = |step: &str| json!({step: {"Error": "Refused", "Cause": "{\"errorMessage\":\"no\"}"}});
    assert_eq!(reason(outcome(json!({"failure": failed("DrillRestore")}))), "Refused: no");
    assert_eq!(reason(outcome(json!({"checked": good, "failure": failed("DrillCheck")}))), "Refused: no");
    let bad = json!({"isOver": true, "waitSeconds": 5, "seconds": 40, "depth": null, "at": null, "command": null, "problem": "WrongSize: x"});
    assert_eq!(reason(outcome(json!({"checked": bad}))), "WrongSize: x");
    assert!(reason(outcome(json!({}))).starts_with("NotTried: "));
    assert!(matches!(outcome(json!({"checked": good, "failure": failed("DrillRemove")})), Outcome::Proven(_)));
}

#[test]
fn a_volume_that_stays_is_told_by_what_is_known_of_it() {
    let failure = json!({"DrillRemove": {"Error": "Refused", "Cause": "x"}});
    let restored = json!({"volumeId": "vol-9", "begun": at(0)});
    let left = NotRemoved::of(&progress(json!({"failure": failure, "restored": restored}))).unwrap();
    assert_eq!((left.volume_id.as_deref(), left.reason.as_str()), (Some("vol-9"), "Refused: x"));
    let unknown = NotRemoved::of(&progress(json!({"failure": failure}))).unwrap();
    assert_eq!((unknown.volume_id, unknown.snapshot_id.as_deref()), (None, Some("snap-2026-11-28")));
    assert_eq!(NotRemoved::of(&progress(json!({}))), None);
}

fn made(night: &str, proven: bool) -> Outcome {
    let seconds = 7;
    let checked = json!({"isOver": true, "waitSeconds": 5, "seconds": seconds, "depth": "volume", "at": at(9), "command": null,
        "problem": (!proven).then_some("VolumeError: x")});
    Outcome::of(point(night), &progress(json!({"checked": checked})))
}

#[test]
fn the_newest_proof_stays_until_another_comes() {
    let first = proof_after(None, &[made("2026-10-01", true), made("2026-11-28", true)], at(10)).unwrap();
    assert_eq!(first.proven.as_ref().unwrap().night.to_string(), "2026-11-28");
    let worse = proof_after(Some(first.clone()), &[made("2026-11-29", false)], at(17)).unwrap();
    assert_eq!((worse.tried, worse.unproven.len(), &worse.proven), (at(17), 1, &first.proven));
    let untried = Outcome::NotTried(UnprovenOf::new(point("2026-11-30"), String::new()));
    assert_eq!(proof_after(Some(worse.clone()), std::slice::from_ref(&untried), at(24)), Some(worse.clone()));
    assert_eq!(proof_after(None, &[untried], at(24)), None);
    assert!(!worse.is_forgotten(at(17 + 400)) && worse.is_forgotten(at(17 + 401)));
}

proptest! {
    #[test]
    fn every_outcome_is_counted_once_and_a_drill_is_good_only_if_all_are_proven(proven in vec(any::<bool>(), 0..80)) {
        let mut region = RegionDrilled::default();
        proven.iter().for_each(|proven| region.add(&made("2026-11-28", *proven)));
        prop_assert_eq!(region.proven + region.unproven, proven.len());
        prop_assert_eq!((region.news, region.told.len()), (region.unproven, region.unproven.min(MOST_DESCRIBED)));
        let (execution, location) = (String::new(), String::new());
        let date = "2026-11-29".parse().unwrap();
        let drill = DrillSummary {
            backup_stack: "prod".into(), date, execution, location, started: at(0), ended: at(0), regions: vec![region],
        };
        prop_assert_eq!(drill.is_good(), proven.iter().all(|proven| *proven));
    }
}
