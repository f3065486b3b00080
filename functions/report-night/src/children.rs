//! The child executions of a night's Map Runs: how many there were, and why some failed.

use aws::{error, map_runs};
use aws_sdk_sfn::{
    Client,
    operation::describe_map_run::DescribeMapRunOutput,
    types::{ExecutionStatus, MapRunListItem},
};
use domain::{
    Error,
    cost::{CHILDREN_AT_ONCE, Work},
    messages::{Expired, RegionNight, Volume},
    step_functions::Execution,
};
use ledger::{Ledger, Sorter};
use report::night::Failure;
use serde::Deserialize;
use std::collections::BTreeMap;

/// Failed children of a night that are described, each by a call. Step Functions grants 300 at once and then 15 a second, in
/// some Regions 250 and 10 (Step Functions developer guide, "Quotas related to API action throttling"): at most five minutes
/// of the function's fifteen. What is not described is counted.
const MOST_DESCRIBED: usize = 3_000;

const FAILED: [ExecutionStatus; 3] = [ExecutionStatus::Failed, ExecutionStatus::TimedOut, ExecutionStatus::Aborted];

/// What a child execution's input says of its subject: a volume to snapshot, or a snapshot to delete.
#[derive(Deserialize)]
struct Child {
    region: String,
    volume: Option<Volume>,
    snapshot: Option<Expired>,
}

/// The children of a night.
pub struct Children<'a> {
    /// Those that failed, by Region.
    pub failed: BTreeMap<String, Sorter<'a, Failure>>,
    /// What they did, failed or not.
    pub work: Work,
}

/// Reads the Map Runs of `execution`. A failure whose Region is none of the night's goes to the first of them.
pub async fn read<'a>(
    sfn: &Client,
    ledger: &'a Ledger,
    execution: &Execution,
    regions: &[RegionNight],
) -> Result<Children<'a>, Error> {
    let mut children = Children { failed: BTreeMap::new(), work: Work::default() };
    let runs = map_runs::map_runs_of(sfn, &execution.id).await?;
    let known = |region: Option<String>| {
        let known = regions.iter().map(|known| &known.region).find(|known| Some(*known) == region.as_ref());
        known.or(regions.first().map(|first| &first.region)).cloned().unwrap_or_default()
    };
    let mut room = MOST_DESCRIBED;
    for run in runs {
        let described = sfn.describe_map_run().map_run_arn(&run.map_run_arn).send().await;
        let described = described.map_err(|error| error::of("DescribeMapRun", error))?;
        let step = step(&run.map_run_arn);
        add_work(&mut children.work, &step, &described);
        let listed = map_runs::child_executions(sfn, &run.map_run_arn, &FAILED, room).await?;
        room -= listed.len();
        let mut of_run = None;
        for arn in &listed {
            let (region, failure) = describe(sfn, &step, arn).await?;
            of_run = region.clone().or(of_run);
            add_failure(&mut children, ledger, execution, known(region), failure).await?;
        }
        let counts = described.execution_counts.as_ref();
        let failed = counts.map_or(0, |counts| counts.failed + counts.timed_out + counts.aborted);
        let untold = failed - listed.len() as i64;
        if untold > 0 {
            let failure = untold_failure(&run, &step, untold);
            add_failure(&mut children, ledger, execution, known(of_run), failure).await?;
        }
    }
    Ok(children)
}

async fn add_failure<'a>(
    children: &mut Children<'a>,
    ledger: &'a Ledger,
    execution: &Execution,
    region: String,
    failure: Failure,
) -> Result<(), Error> {
    let name = execution.sorting_name(&region, "failures");
    children.failed.entry(region).or_insert_with(|| Sorter::new(ledger, name)).insert(failure).await
}

async fn describe(sfn: &Client, step: &str, child: &str) -> Result<(Option<String>, Failure), Error> {
    let described = map_runs::describe_child(sfn, child).await?;
    let input = described.input.as_deref().and_then(|input| serde_json::from_str::<Child>(input).ok());
    let (region, subject) = input.map_or((None, None), |child| {
        let volume = child.volume.map(|volume| volume.volume_id);
        (Some(child.region), volume.or(child.snapshot.map(|snapshot| snapshot.snapshot_id)))
    });
    let caught = map_runs::why_it_failed(described);
    let (message, execution) = (caught.message(), Some(child.to_owned()));
    Ok((region, Failure { step: step.to_owned(), subject, error: caught.error, message, execution }))
}

/// ListExecutions is eventually consistent (Step Functions API reference): what it does not list yet, and what is too much to
/// describe, must not pass in silence.
fn untold_failure(run: &MapRunListItem, step: &str, untold: i64) -> Failure {
    Failure {
        step: step.to_owned(),
        subject: None,
        error: "NotDescribed".to_owned(),
        message: format!("{untold} more child executions failed: look at {}", run.map_run_arn),
        execution: None,
    }
}

fn add_work(work: &mut Work, step: &str, run: &DescribeMapRunOutput) {
    let total = run.execution_counts.as_ref().map_or(0, |counts| counts.total).max(0) as u64;
    let stopped = run.stop_date.as_ref().unwrap_or(&run.start_date);
    let seconds = stopped.as_secs_f64() - run.start_date.as_secs_f64();
    work.maps += 1;
    match step {
        "SnapshotVolumes" => work.snapshots += total,
        _ => work.deletions += total,
    }
    work.child_seconds += seconds * total.min(CHILDREN_AT_ONCE) as f64;
}

/// The Map state's name: its `Label`, as the ARN has it (`…:mapRun:<state machine>/<label>:<uuid>`).
fn step(map_run: &str) -> String {
    let label = map_run.split('/').nth(1).and_then(|rest| rest.split(':').next());
    label.unwrap_or(map_run).to_owned()
}
