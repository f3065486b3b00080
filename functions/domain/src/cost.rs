//! What a night costs on AWS: what it used, counted by the state machine's own shape, at AWS's prices.

use serde::Serialize;

/// Child executions of a Map at once: `MaxConcurrency` in the state machine.
pub const CHILDREN_AT_ONCE: u64 = 20;
/// Gigabytes of a function that a child execution calls: `MemorySize` in the template.
pub const CHILD_GIGABYTES: f64 = 0.125;
/// Gigabytes of each other function at most.
pub const GIGABYTES: f64 = 0.5;

/// Dollars of a state transition (AWS Step Functions pricing, Standard Workflows).
const TRANSITION: f64 = 0.025 / 1_000.0;
/// Dollars of an invocation, and of a gigabyte for a second on Arm (AWS Lambda pricing).
const INVOCATION: f64 = 0.20 / 1_000_000.0;
const GIGABYTE_SECOND: f64 = 0.000_013_333_4;
/// Dollars of a PUT and of a GET (Amazon S3 pricing, S3 Standard).
const PUT: f64 = 0.005 / 1_000.0;
const GET: f64 = 0.0004 / 1_000.0;

/// What a night did.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Work {
    /// Regions.
    pub regions: u64,
    /// Maps that ran: one of volumes to snapshot and one of snapshots to delete for each Region that had any.
    pub maps: u64,
    /// Child executions that snapshot a volume.
    pub snapshots: u64,
    /// Child executions that delete a snapshot.
    pub deletions: u64,
    /// Seconds of each Map times the children that it ran at once.
    pub child_seconds: f64,
    /// Seconds of the whole night.
    pub seconds: f64,
}

/// The estimate in `report.json`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Estimate {
    /// Step Functions' state transitions.
    pub transitions: u64,
    /// Lambda invocations.
    pub invocations: u64,
    /// Lambda's gigabytes times seconds, at most.
    pub gigabyte_seconds: f64,
    /// Dollars for the transitions.
    pub step_functions: f64,
    /// Dollars for Lambda, at most.
    pub lambda: f64,
    /// Dollars for S3's requests.
    pub s3: f64,
    /// Dollars for the night.
    pub dollars: f64,
    /// What the numbers hold and what they do not.
    pub basis: &'static str,
}

impl Estimate {
    /// What a night costs that did this and had to try nothing again.
    pub fn of(work: Work) -> Self {
        let Work { regions, maps, snapshots, deletions, .. } = work;
        let transitions = transitions(work);
        let invocations = 2 * regions + 2 * snapshots + deletions + 1;
        // At most: as if a function for each Region ran all the time, beside those of the Maps.
        let gigabyte_seconds = work.child_seconds * CHILD_GIGABYTES + work.seconds * regions as f64 * GIGABYTES;
        // A claim for each snapshot; four lists a Region, the Maps' results, the report and its summary. The Maps read a list each,
        // find-expired both lists of volumes, report-night the work list and what expired twice, the other two once.
        let (puts, gets) = (snapshots + 4 * regions + 3 * maps + 2, maps + 8 * regions);
        let step_functions = transitions as f64 * TRANSITION;
        let lambda = invocations as f64 * INVOCATION + gigabyte_seconds * GIGABYTE_SECOND;
        let s3 = puts as f64 * PUT + gets as f64 * GET;
        Self {
            transitions,
            invocations,
            gigabyte_seconds: rounded(gigabyte_seconds),
            step_functions: rounded(step_functions),
            lambda: rounded(lambda),
            s3: rounded(s3),
            dollars: rounded(step_functions + lambda + s3),
            basis: "US East list prices without free tiers, EC2's calls being free. Not in it: what was tried again, the sorting \
                    of long lists, logs and metrics, the mail, and the storage of the snapshots.",
        }
    }
}

/// A transition is a state that is entered; and one more for each execution, its start, which AWS's examples count as well.
fn transitions(work: Work) -> u64 {
    // ListRegions, DiscoverRegions, BackUpRegions, ReportNight, IsNightComplete and NightComplete, and in each Region
    // DiscoverVolumes, IsThereWork, FindExpired, IsAnythingExpired and RegionDone.
    let night = 1 + 6 + 5 * work.regions + work.maps;
    night + 3 * work.snapshots + 2 * work.deletions
}

/// To a millionth of a dollar.
fn rounded(number: f64) -> f64 {
    (number * 1_000_000.0).round() / 1_000_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_night_of_two_volumes_costs_a_twentieth_of_a_cent() {
        let work = Work { regions: 1, maps: 1, snapshots: 2, child_seconds: 6.0, seconds: 4.0, ..Work::default() };
        let estimate = Estimate::of(work);
        assert_eq!((estimate.transitions, estimate.invocations, estimate.gigabyte_seconds), (19, 7, 2.75));
        assert_eq!(estimate.step_functions, 0.000475);
        assert_eq!(estimate.dollars, 0.000572);
    }

    #[test]
    fn a_volume_more_costs_three_transitions_two_invocations_and_a_claim() {
        let of = |snapshots| Estimate::of(Work { regions: 1, maps: 1, snapshots, ..Work::default() });
        let (one, more) = (of(1), of(20_001));
        assert_eq!(more.transitions - one.transitions, 60_000);
        assert_eq!(rounded(more.dollars - one.dollars), rounded(20_000.0 * (3.0 * 0.000025 + 0.0000004 + 0.000005)));
    }
}
