//! What CloudWatch is told, in its embedded metric format: a line of JSON in a function's log.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{drill::DrillSummary, night::Summary};

/// Where the metrics are.
pub const NAMESPACE: &str = "NightlyBackup";
/// Their only dimension: a metric for each volume or Region would cost $0.30 a month.
pub const DIMENSION: &str = "BackupStack";
/// Every metric that there is.
pub const ALL: [&str; 12] = [
    "CompleteNights",
    "Protected",
    "Unprotected",
    "Expired",
    "Kept",
    "Failures",
    "Duration",
    "RestorePointAge",
    "Proven",
    "Unproven",
    "RestoreTime",
    "ProofAge",
];

/// The metrics of a night; none of a dry run. What is not known of it is not told.
pub fn of_night(night: &Summary) -> Option<Value> {
    if night.dry_run {
        return None;
    }
    let count = |count: usize| Some((count as f64, "Count"));
    let seconds = |since: Timestamp| night.ended.duration_since(since).as_secs_f64().max(0.0);
    let kept: Option<usize> = night.regions.iter().map(|region| region.kept).sum();
    let stalest = night.regions.iter().filter_map(|region| region.stalest).min();
    let metrics = [
        ("CompleteNights", count(usize::from(night.is_complete()))),
        ("Protected", count(night.total(|region| region.protected))),
        ("Unprotected", count(night.total(|region| region.unprotected))),
        ("Expired", count(night.total(|region| region.expired))),
        ("Kept", kept.and_then(count)),
        ("Failures", count(night.total(|region| region.failures))),
        ("Duration", Some((seconds(night.started), "Seconds"))),
        ("RestorePointAge", stalest.map(|stalest| (seconds(stalest), "Seconds"))),
    ];
    let known: Vec<_> = metrics.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
    let mut line = embedded(&night.backup_stack, night.ended, &known);
    line["Night"] = json!(night.night);
    line["execution"] = json!(night.execution);
    Some(line)
}

/// The metrics of a drill. What is not known of it is not told.
pub fn of_drill(drill: &DrillSummary) -> Value {
    let count = |count: usize| Some((count as f64, "Count"));
    let slowest = drill.regions.iter().filter_map(|region| region.slowest).max();
    let stalest = drill.regions.iter().filter_map(|region| region.stalest).min();
    let age = |since: Timestamp| drill.ended.duration_since(since).as_secs_f64().max(0.0);
    let metrics = [
        ("Proven", count(drill.total(|region| region.proven))),
        ("Unproven", count(drill.total(|region| region.unproven))),
        ("RestoreTime", slowest.map(|slowest| (slowest as f64, "Seconds"))),
        ("ProofAge", stalest.map(|stalest| (age(stalest), "Seconds"))),
    ];
    let known: Vec<_> = metrics.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
    let mut line = embedded(&drill.backup_stack, drill.ended, &known);
    line["Night"] = json!(drill.date);
    line["execution"] = json!(drill.execution);
    line
}

/// The line itself (CloudWatch user guide, "Specification: Embedded metric format").
fn embedded(backup_stack: &str, now: Timestamp, metrics: &[(&str, (f64, &str))]) -> Value {
    let declared: Vec<_> = metrics.iter().map(|(name, (_, unit))| json!({"Name": name, "Unit": unit})).collect();
    let mut line = json!({
        "_aws": {
            "Timestamp": now.as_millisecond(),
            "CloudWatchMetrics": [{"Namespace": NAMESPACE, "Dimensions": [[DIMENSION]], "Metrics": declared}],
        },
        DIMENSION: backup_stack,
    });
    for (name, (value, _)) in metrics {
        line[*name] = json!(value);
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{drill::RegionDrilled, night::RegionSummary};
    use std::collections::BTreeSet;

    fn night(region: RegionSummary) -> Summary {
        let time: Timestamp = "2026-05-20T04:30:00Z".parse().unwrap();
        Summary {
            backup_stack: "prod".into(),
            night: "2026-05-20".parse().unwrap(),
            intervals: "Daily".parse().unwrap(),
            dry_run: false,
            execution: String::new(),
            location: String::new(),
            time,
            started: time,
            ended: time + jiff::SignedDuration::from_secs(90),
            dollars: 0.0,
            regions: vec![region],
            failing_since: None,
        }
    }

    fn names(line: &Value) -> BTreeSet<String> {
        let declared = &line["_aws"]["CloudWatchMetrics"][0];
        assert!(line[declared["Dimensions"][0][0].as_str().unwrap()].is_string());
        let metrics = declared["Metrics"].as_array().unwrap().iter();
        metrics
            .map(|metric| {
                let name = metric["Name"].as_str().unwrap();
                assert!(line[name].is_f64(), "{name} has no value");
                name.to_owned()
            })
            .collect()
    }

    fn drill(region: RegionDrilled) -> DrillSummary {
        let text = String::new;
        DrillSummary {
            backup_stack: "prod".into(),
            date: "2026-11-29".parse().unwrap(),
            execution: text(),
            location: text(),
            started: Timestamp::UNIX_EPOCH,
            ended: Timestamp::UNIX_EPOCH + jiff::SignedDuration::from_secs(90),
            regions: vec![region],
        }
    }

    #[test]
    fn every_metric_has_a_value_and_together_they_are_all_that_there_are() {
        let known = RegionSummary { kept: Some(7), stalest: Some(Timestamp::UNIX_EPOCH), ..RegionSummary::default() };
        let of_night = of_night(&night(known)).unwrap();
        assert_eq!((&of_night["Duration"], &of_night["Kept"]), (&json!(90.0), &json!(7.0)));
        let of_drill = of_drill(&drill(RegionDrilled {
            slowest: Some(7),
            stalest: Some(Timestamp::UNIX_EPOCH),
            ..RegionDrilled::default()
        }));
        assert_eq!((&of_drill["RestoreTime"], &of_drill["ProofAge"]), (&json!(7.0), &json!(90.0)));
        let all: BTreeSet<_> = [of_night, of_drill].iter().flat_map(names).collect();
        assert_eq!(all, ALL.map(str::to_owned).into());
    }

    #[test]
    fn what_is_not_known_is_not_told_and_a_dry_run_tells_nothing() {
        let line = of_night(&night(RegionSummary::default())).unwrap();
        let of_drill = of_drill(&drill(RegionDrilled::default()));
        assert!(of_drill["RestoreTime"].is_null() && of_drill["ProofAge"].is_null());
        assert!(line["Kept"].is_null() && line["RestorePointAge"].is_null());
        assert!(!names(&line).contains("Kept"));
        let dry = Summary { dry_run: true, ..night(RegionSummary::default()) };
        assert_eq!(of_night(&dry), None);
    }
}
