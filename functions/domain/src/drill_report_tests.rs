use super::*;

fn outcome(night: &str, reason: Option<&str>) -> Outcome {
    let (snapshot_id, volume_id) = (format!("snap-{night}"), "vol-1".to_owned());
    let night: Night = night.parse().unwrap();
    let intervals = crate::Intervals::due(night);
    match reason {
        Some(reason) => Outcome::Unproven(UnprovenPoint {
            volume_id,
            unproven: Unproven { snapshot_id, night, intervals, reason: reason.into() },
        }),
        None => Outcome::Proven(ProvenPoint {
            volume_id,
            proven: Proven {
                at: Timestamp::UNIX_EPOCH,
                snapshot_id,
                night,
                intervals,
                seconds: 14,
                depth: crate::drill::Depth::Volume,
            },
        }),
    }
}

#[test]
fn the_newest_that_was_proven_stands_for_the_volume_and_what_was_proven_before_stays() {
    let now = "2026-11-29T12:00:00Z".parse().unwrap();
    let outcomes =
        [outcome("2026-10-01", None), outcome("2026-11-28", None), outcome("2025-12-31", Some("TooLarge: x"))];
    let first = Proof::after("vol-1", now, &outcomes, None);
    assert_eq!(first.proven.as_ref().unwrap().night.to_string(), "2026-11-28");
    assert_eq!(first.unproven.len(), 1);
    let second = Proof::after("vol-1", now, &[outcome("2026-11-29", Some("VolumeError: x"))], Some(first.clone()));
    assert_eq!((second.proven, second.unproven.len()), (first.proven, 1));
    assert_eq!(Proof::after("vol-1", now, &outcomes[..2], None).unproven, []);
}

#[test]
fn a_report_is_flat_and_an_outcome_is_read_back() {
    let proven = outcome("2026-11-28", None);
    let Outcome::Proven(point) = &proven else { unreachable!() };
    let text = serde_json::to_value(point).unwrap();
    assert_eq!((text["volumeId"].as_str(), text["night"].as_str()), (Some("vol-1"), Some("2026-11-28")));
    let text = serde_json::to_string(&proven).unwrap();
    assert_eq!(serde_json::from_str::<Outcome>(&text).unwrap(), proven);
}
