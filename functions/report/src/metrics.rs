//! The CloudWatch metrics, in embedded metric format: a line of JSON in a function's log.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{drill::DrillReport, summary::Summary};

pub const NAMESPACE: &str = "NightlyBackup";
/// The only dimension. A metric for each volume or Region would cost $0.30 a month.
pub const DIMENSION: &str = "BackupStack";
pub const ALL: [&str; 7] =
    ["CompleteNights", "Protected", "Unprotected", "RestorePointAge", "Proven", "Unproven", "ProofAge"];

/// Returns the metrics of a run. Returns none for a dry run. Unknown values are omitted.
pub fn run_metrics(run: &Summary) -> Option<Value> {
    if run.dry_run {
        return None;
    }
    let stalest = run.regions.iter().filter_map(|region| region.stalest).min();
    let metrics = [
        ("CompleteNights", count(usize::from(run.is_complete()))),
        ("Protected", count(run.total(|region| region.protected))),
        ("Unprotected", count(run.total(|region| region.unprotected))),
        ("RestorePointAge", stalest.map(|stalest| age(stalest, run.ended))),
    ];
    Some(line(&run.backup_stack, run.ended, &metrics, json!({"Night": run.night, "execution": run.execution})))
}

/// Returns the metrics of a drill. Unknown values are omitted.
pub fn drill_metrics(drill: &DrillReport) -> Value {
    let oldest = drill.regions.iter().filter_map(|region| region.oldest_proof).min();
    let metrics = [
        ("Proven", count(drill.total(|region| region.proven.len()))),
        ("Unproven", count(drill.total(|region| region.unproven.len()))),
        ("ProofAge", oldest.map(|oldest| age(oldest, drill.ended))),
    ];
    line(&drill.backup_stack, drill.ended, &metrics, json!({"Night": drill.date, "execution": drill.execution}))
}

fn count(count: usize) -> Option<(f64, &'static str)> {
    Some((count as f64, "Count"))
}

fn age(since: Timestamp, now: Timestamp) -> (f64, &'static str) {
    (now.duration_since(since).as_secs_f64().max(0.0), "Seconds")
}

/// Formats the line (CloudWatch user guide, "Specification: Embedded metric format").
fn line(backup_stack: &str, now: Timestamp, metrics: &[(&str, Option<(f64, &str)>)], mut line: Value) -> Value {
    let known: Vec<_> = metrics.iter().filter_map(|(name, value)| Some((*name, (*value)?))).collect();
    let declared: Vec<_> = known.iter().map(|(name, (_, unit))| json!({"Name": name, "Unit": unit})).collect();
    line["_aws"] = json!({
        "Timestamp": now.as_millisecond(),
        "CloudWatchMetrics": [{"Namespace": NAMESPACE, "Dimensions": [[DIMENSION]], "Metrics": declared}],
    });
    line[DIMENSION] = json!(backup_stack);
    for (name, (value, _)) in known {
        line[name] = json!(value);
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{drill::DrillRegion, summary::RegionCounts};
    use std::collections::BTreeSet;

    fn run(region: RegionCounts) -> Summary {
        let time: Timestamp = "2026-05-20T04:30:00Z".parse().unwrap();
        Summary {
            backup_stack: "prod".into(),
            stack: "prod".into(),
            night: "2026-05-20".parse().unwrap(),
            intervals: "Daily".parse().ok(),
            dry_run: false,
            execution: String::new(),
            location: String::new(),
            time,
            started: time,
            ended: time + jiff::SignedDuration::from_secs(90),
            regions: vec![region],
        }
    }

    fn drill(region: DrillRegion) -> DrillReport {
        let text = String::new;
        DrillReport {
            backup_stack: "prod".into(),
            stack: "prod".into(),
            date: "2026-11-29".parse().unwrap(),
            execution: text(),
            location: text(),
            started: Timestamp::UNIX_EPOCH,
            ended: Timestamp::UNIX_EPOCH + jiff::SignedDuration::from_secs(90),
            regions: vec![region],
            complete: true,
            mail: None,
        }
    }

    fn names(line: &Value) -> BTreeSet<String> {
        let declared = &line["_aws"]["CloudWatchMetrics"][0];
        assert!(line[declared["Dimensions"][0][0].as_str().unwrap()].is_string());
        let names = declared["Metrics"].as_array().unwrap().iter().map(|metric| metric["Name"].as_str().unwrap());
        names.inspect(|name| assert!(line[*name].is_f64(), "{name} has no value")).map(str::to_owned).collect()
    }

    #[test]
    fn every_metric_has_a_value_if_it_is_known() {
        let stalest = "2026-05-20T04:30:30Z".parse().ok();
        let run = run_metrics(&run(RegionCounts { stalest, ..RegionCounts::default() })).unwrap();
        assert_eq!(run["RestorePointAge"], json!(60.0));
        let oldest_proof = Some(Timestamp::UNIX_EPOCH);
        let drill = drill_metrics(&drill(DrillRegion { oldest_proof, ..DrillRegion::default() }));
        assert_eq!(drill["ProofAge"], json!(90.0));
        assert_eq!(names(&run).union(&names(&drill)).cloned().collect::<BTreeSet<_>>(), ALL.map(str::to_owned).into());
    }

    #[test]
    fn unknown_values_are_omitted_and_a_dry_run_has_no_metrics() {
        let line = run_metrics(&run(RegionCounts::default())).unwrap();
        assert!(line["RestorePointAge"].is_null() && !names(&line).contains("RestorePointAge"));
        assert!(drill_metrics(&drill(DrillRegion::default()))["ProofAge"].is_null());
        assert_eq!(run_metrics(&Summary { dry_run: true, ..run(RegionCounts::default()) }), None);
    }
}
