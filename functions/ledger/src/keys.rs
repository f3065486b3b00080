//! All keys in the ledger:
//!
//! ```text
//! nights/<Night>/<execution>/report.json             report-night
//!                            summary.json            report-night: the numbers of the report
//!                            <Region>/work-list.jsonl, protected.jsonl, not-due.jsonl  discover-volumes
//!                            <Region>/expired.jsonl, spared.jsonl, without-rule.jsonl,
//!                            failed.jsonl, unreadable.jsonl                        find-expired
//!                            <Region>/SnapshotVolumes/, DeleteExpired/             Step Functions: the results of the Maps
//! failed-snapshots/<Region>.jsonl                    report-night: the failed snapshots that a run reported
//! selected/<Region>.jsonl                            report-night: the volumes that the last run selected
//! rules/<Region>.jsonl                               report-night: the rules of the last run, one line
//! drills/<date>/<execution>/...                      the objects of a restore drill
//! proofs/<Region>.jsonl                              drill-report: the proofs of each volume
//! ```

use domain::{Night, step_functions::Execution};

/// Returns the key of an object of one run.
pub fn run(night: Night, execution: &Execution, name: &str) -> String {
    format!("nights/{night}/{}/{name}", execution.name)
}

/// Returns the key of a list of one run and Region.
pub fn run_list(night: Night, execution: &Execution, region: &str, name: &str) -> String {
    run(night, execution, &format!("{region}/{name}.jsonl"))
}

/// Returns the key of a Region's failed snapshots that were reported.
pub fn failed_snapshots(region: &str) -> String {
    format!("failed-snapshots/{region}.jsonl")
}

/// Returns the key of the volumes that the last run selected in a Region, and of those that it missed.
pub fn selected(region: &str) -> String {
    format!("selected/{region}.jsonl")
}

/// Returns the key of the rules of a Region's last run.
pub fn rules(region: &str) -> String {
    format!("rules/{region}.jsonl")
}

/// Returns the key of an object of one restore drill.
pub fn drill(date: Night, execution: &Execution, name: &str) -> String {
    format!("drills/{date}/{}/{name}", execution.name)
}

/// Returns the key of a list of one restore drill and Region.
pub fn drill_list(date: Night, execution: &Execution, region: &str, name: &str) -> String {
    drill(date, execution, &format!("{region}/{name}.jsonl"))
}

/// Returns the key of the proofs of a Region's volumes.
pub fn proofs(region: &str) -> String {
    format!("proofs/{region}.jsonl")
}
