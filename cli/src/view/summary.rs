//! A night of which the ledger has no `summary.json`: its report, counted.

use jiff::Timestamp;
use report::night::{RegionSummary, Summary};

use crate::view::report::{Region, Report};

/// A report, counted. It holds no times: the caller's are taken.
pub fn counted(report: &Report, started: Timestamp, ended: Timestamp) -> Summary {
    Summary {
        backup_stack: report.backup_stack.clone(),
        night: report.night,
        intervals: report.intervals.clone(),
        dry_run: report.dry_run,
        execution: report.execution.clone(),
        location: report.location.clone(),
        time: started,
        started,
        ended,
        dollars: report.estimate.dollars,
        regions: report.regions.iter().map(counted_region).collect(),
        failing_since: None,
    }
}

fn counted_region(region: &Region) -> RegionSummary {
    let failed_late = region.expired.iter().filter(|one| one.failed).count();
    let (unprotected, failures) = (region.unprotected.len(), region.failures.len());
    RegionSummary {
        region: region.region.clone(),
        planned: region.planned.len(),
        protected: region.protected.len(),
        unprotected,
        failures,
        expired: region.expired.len(),
        failed_late,
        news: unprotected.max(failures) + failed_late,
        ..RegionSummary::default()
    }
}
