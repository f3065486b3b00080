//! What CloudWatch is told of a night, in its embedded metric format: one line of JSON in the function's log.

use domain::report::{RegionReport, Report};
use jiff::Timestamp;
use serde_json::{Value, json};

/// Prints the metrics of a night; a dry run has none.
pub fn emit(report: &Report, now: Timestamp) {
    if !report.dry_run {
        println!("{}", embedded(report, now));
    }
}

/// The line itself (CloudWatch user guide, "Specification: Embedded metric format").
fn embedded(report: &Report, now: Timestamp) -> Value {
    let total = |count: fn(&RegionReport) -> usize| report.regions.iter().map(count).sum::<usize>();
    let names = ["CompleteNights", "Protected", "Unprotected", "Expired", "Failures"];
    let metrics = names.map(|name| json!({"Name": name, "Unit": "Count"}));
    json!({
        "_aws": {
            "Timestamp": now.as_millisecond(),
            "CloudWatchMetrics": [{"Namespace": "NightlyBackup", "Dimensions": [["BackupStack"]], "Metrics": metrics}],
        },
        "BackupStack": report.backup_stack,
        "Night": report.night,
        "CompleteNights": u8::from(report.complete),
        "Protected": total(|region| region.protected.len()),
        "Unprotected": total(|region| region.unprotected.len()),
        "Expired": total(|region| region.expired.len()),
        "Failures": total(|region| region.failures.len()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_that_is_declared_has_a_value() {
        let report = Report {
            backup_stack: "prod".into(),
            night: "2026-05-20".parse().unwrap(),
            intervals: "Daily".parse().unwrap(),
            dry_run: false,
            execution: String::new(),
            location: String::new(),
            complete: true,
            regions: vec![RegionReport::default()],
            mail: None,
        };
        let line = embedded(&report, Timestamp::UNIX_EPOCH);
        let declared = &line["_aws"]["CloudWatchMetrics"][0];
        for metric in declared["Metrics"].as_array().unwrap() {
            assert!(line[metric["Name"].as_str().unwrap()].is_u64(), "{metric}");
        }
        assert!(line[declared["Dimensions"][0][0].as_str().unwrap()].is_string());
    }
}
