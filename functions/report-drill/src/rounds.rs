//! What the rounds of a drill left, by Region: each is a child execution, whose output is the list of its items as far as they came.

use aws_sdk_sfn::{
    Client,
    operation::describe_execution::DescribeExecutionOutput,
    types::{ExecutionStatus, MapRunListItem},
};
use domain::{
    Error,
    drill::{Item, Proven},
    drill_report::{Outcome, ProvenPoint, UnprovenPoint},
    drill_wire::{Progress, RegionDrill, RoundInput},
    report::Failure,
    wire::{Caught, Execution},
};
use runtime::{Ledger, Sorter, error};
use std::collections::BTreeMap;

/// What the rounds of one Region came to.
pub struct CameTo<'a> {
    /// Of each restore point, in no order yet.
    pub outcomes: Sorter<'a, Outcome>,
    /// Volumes that could not be deleted, and rounds that Step Functions does not tell of.
    pub failures: Vec<Failure>,
    /// Volumes of earlier drills that were deleted.
    pub leftovers: usize,
}

/// Reads every round. Step Functions grants DescribeExecution 15 times a second, in some Regions 10 (Step Functions developer guide,
/// "Quotas related to API action throttling"): the function's quarter of an hour is enough for some 9,000 rounds.
///
/// # Errors
/// `Transient` or `Refused` from Step Functions or S3.
pub async fn read<'a>(
    sfn: &Client,
    ledger: &'a Ledger,
    execution: &Execution,
    regions: &[RegionDrill],
) -> Result<BTreeMap<String, CameTo<'a>>, Error> {
    let empty = |region: &RegionDrill| {
        let outcomes = Sorter::new(ledger, execution.sorting_name(&region.region, "outcomes"));
        (region.region.clone(), CameTo { outcomes, failures: Vec::new(), leftovers: 0 })
    };
    let mut all: BTreeMap<_, _> = regions.iter().map(empty).collect();
    let runs = sfn.list_map_runs().execution_arn(&execution.id).into_paginator().items().send();
    let runs = runs.collect::<Result<Vec<_>, _>>().await.map_err(|error| error::of("ListMapRuns", error))?;
    for run in runs {
        let mut children =
            sfn.list_executions().map_run_arn(&run.map_run_arn).max_results(1_000).into_paginator().items().send();
        let (mut listed, mut of_run) = (0, None);
        while let Some(child) = children.next().await {
            let child = child.map_err(|error| error::of("ListExecutions", error))?;
            let described = sfn.describe_execution().execution_arn(&child.execution_arn).send().await;
            let described = described.map_err(|error| error::of("DescribeExecution", error))?;
            listed += 1;
            let Some(round) =
                described.input.as_deref().and_then(|input| serde_json::from_str::<RoundInput>(input).ok())
            else {
                continue;
            };
            of_run = Some(round.region.clone());
            if let Some(came_to) = all.get_mut(&round.region) {
                came_to.add(&described, round).await?;
            }
        }
        let missing = untold(sfn, &run, listed).await?;
        let first = regions.first().map(|region| region.region.clone());
        if let Some(came_to) = of_run.or(first).and_then(|region| all.get_mut(&region)) {
            came_to.failures.extend(missing);
        }
    }
    Ok(all)
}

impl CameTo<'_> {
    async fn add(&mut self, described: &DescribeExecutionOutput, round: RoundInput) -> Result<(), Error> {
        let items = described.output.as_deref().and_then(|output| serde_json::from_str::<Vec<Progress>>(output).ok());
        if let Some(items) = items.filter(|_| described.status == ExecutionStatus::Succeeded) {
            for item in items {
                self.add_item(item).await?;
            }
            return Ok(());
        }
        // A round that was aborted, or failed where no state catches it: its volumes are left to the next drill.
        let status = described.status.to_string();
        let cause =
            described.cause.clone().unwrap_or_else(|| format!("the round {} did not end", described.execution_arn));
        let said = format!("{}: {cause}", described.error.as_deref().unwrap_or(&status));
        for item in round.round.items {
            match item {
                Item::Point(point) => {
                    self.outcomes.insert(Outcome::Unproven(UnprovenPoint::new(point, said.clone()))).await?;
                }
                Item::Leftover(leftover) => self.failures.push(stays(leftover.volume_id, "NotRemoved", said.clone())),
            }
        }
        Ok(())
    }

    async fn add_item(&mut self, item: Progress) -> Result<(), Error> {
        if let Some(caught) = item.failure.get("RemoveOne") {
            let made = item.restored.as_ref().map(|restored| restored.volume_id.clone());
            let volume = match &item.item {
                Item::Leftover(leftover) => leftover.volume_id.clone(),
                Item::Point(point) => made.unwrap_or_else(|| format!("what was made of {}", point.snapshot_id)),
            };
            self.failures.push(stays(volume, &caught.error, caught.message()));
        } else if matches!(item.item, Item::Leftover(_)) {
            self.leftovers += 1;
        }
        match outcome(item) {
            Some(outcome) => self.outcomes.insert(outcome).await,
            None => Ok(()),
        }
    }
}

fn stays(volume: String, error: &str, message: String) -> Failure {
    Failure { step: "RemoveOne".to_owned(), subject: Some(volume), error: error.to_owned(), message, execution: None }
}

/// What came of an item; none of a leftover.
fn outcome(item: Progress) -> Option<Outcome> {
    let Progress { item: Item::Point(point), checked, mut failure, .. } = item else { return None };
    let caught = failure.remove("RestoreOne").or(failure.remove("CheckOne"));
    let said = caught.map(|caught: Caught| format!("{}: {}", caught.error, caught.message()));
    let checked = checked.unwrap_or_default();
    let problem = said.or(checked.problem);
    match (problem, checked.depth, checked.at, checked.seconds) {
        (None, Some(depth), Some(at), Some(seconds)) => {
            let (snapshot_id, volume_id) = (point.snapshot_id, point.volume_id);
            let proven = Proven { at, snapshot_id, night: point.night, intervals: point.intervals, seconds, depth };
            Some(Outcome::Proven(ProvenPoint { volume_id, proven }))
        }
        (problem, ..) => {
            let reason = problem.unwrap_or_else(|| "NotChecked: nothing failed that told so".to_owned());
            Some(Outcome::Unproven(UnprovenPoint::new(point, reason)))
        }
    }
}

/// ListExecutions is eventually consistent (Step Functions API reference): what it does not list yet must not pass in silence.
async fn untold(sfn: &Client, run: &MapRunListItem, listed: i64) -> Result<Option<Failure>, Error> {
    let described = sfn.describe_map_run().map_run_arn(&run.map_run_arn).send().await;
    let described = described.map_err(|error| error::of("DescribeMapRun", error))?;
    let total = described.execution_counts.map_or(0, |counts| counts.total);
    let missing = total - listed;
    let message = format!("{missing} more rounds ran: look at {}", run.map_run_arn);
    Ok((missing > 0).then(|| Failure {
        step: "DrillRounds".to_owned(),
        subject: None,
        error: "NotDescribed".to_owned(),
        message,
        execution: None,
    }))
}
