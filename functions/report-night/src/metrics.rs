//! What CloudWatch is told of a night, in its embedded metric format: one line of JSON in the function's log.

use domain::report::Summary;
use jiff::Timestamp;
use serde_json::{Value, json};

/// Prints the metrics of a night; a dry run has none.
pub fn emit(night: &Summary, now: Timestamp) {
    if !night.dry_run {
        println!("{}", embedded(night, now));
    }
}

/// The line itself (CloudWatch user guide, "Specification: Embedded metric format").
fn embedded(night: &Summary, now: Timestamp) -> Value {
    let names = ["CompleteNights", "Protected", "Unprotected", "Expired", "Failures"];
    let metrics = names.map(|name| json!({"Name": name, "Unit": "Count"}));
    json!({
        "_aws": {
            "Timestamp": now.as_millisecond(),
            "CloudWatchMetrics": [{"Namespace": "NightlyBackup", "Dimensions": [["BackupStack"]], "Metrics": metrics}],
        },
        "BackupStack": night.backup_stack,
        "Night": night.night,
        "CompleteNights": u8::from(night.is_complete()),
        "Protected": night.total(|region| region.protected),
        "Unprotected": night.total(|region| region.unprotected),
        "Expired": night.total(|region| region.expired),
        "Failures": night.total(|region| region.failures),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::report::RegionSummary;

    #[test]
    fn every_metric_that_is_declared_has_a_value() {
        let night = Summary {
            backup_stack: "prod".into(),
            night: "2026-05-20".parse().unwrap(),
            dry_run: false,
            execution: String::new(),
            location: String::new(),
            regions: vec![RegionSummary::default()],
        };
        let line = embedded(&night, Timestamp::UNIX_EPOCH);
        let declared = &line["_aws"]["CloudWatchMetrics"][0];
        for metric in declared["Metrics"].as_array().unwrap() {
            assert!(line[metric["Name"].as_str().unwrap()].is_u64(), "{metric}");
        }
        assert!(line[declared["Dimensions"][0][0].as_str().unwrap()].is_string());
    }
}
