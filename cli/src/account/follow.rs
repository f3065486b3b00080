//! Follows an execution to its end.

use anyhow::{Context, Result};
use aws_sdk_sfn::{
    Client,
    operation::describe_execution::DescribeExecutionOutput,
    types::{ExecutionStatus, HistoryEvent, MapRunStatus},
};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};
use tokio::time::sleep;

use crate::{
    account::{error, ledger::timestamp},
    ui::progress::{Counts, DELETIONS, Progress, ROUNDS, SNAPSHOTS, told},
};

/// How long to try again where there is no answer.
const PATIENCE: Duration = Duration::from_secs(120);
/// A night of seconds is looked at often, one of hours now and then.
const PAUSES: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(5));

/// The Map Runs of an execution: how far each was when it was last looked at.
#[derive(Debug, Default)]
pub struct MapRuns(BTreeMap<String, (Counts, bool)>);

impl MapRuns {
    /// Looks at those that have not ended.
    ///
    /// # Errors
    /// Step Functions does not answer.
    pub async fn look(&mut self, sfn: &Client, execution: &str) -> Result<()> {
        let mut runs = sfn.list_map_runs().execution_arn(execution).into_paginator().items().send();
        while let Some(run) = runs.next().await {
            let run = run.map_err(|error| error::of("ListMapRuns", error))?;
            self.0.entry(run.map_run_arn).or_default();
        }
        for (arn, (counts, has_ended)) in self.0.iter_mut().filter(|(_, (_, has_ended))| !has_ended) {
            let run = sfn.describe_map_run().map_run_arn(arn).send().await;
            let run = run.map_err(|error| error::of("DescribeMapRun", error))?;
            *has_ended = run.status != MapRunStatus::Running;
            if let Some(now) = run.execution_counts {
                let failed = now.failed + now.timed_out + now.aborted;
                let number = |count: i64| u64::try_from(count).unwrap_or_default();
                *counts = Counts {
                    total: number(now.total),
                    done: number(now.succeeded + failed),
                    failed: number(failed),
                    in_flight: number(now.running),
                };
            }
        }
        Ok(())
    }

    /// How far a Map is, over all Regions; none where it has not begun. A Map Run's ARN ends in `/<label>:<id>`.
    pub fn of(&self, map: &str) -> Option<Counts> {
        let label = |arn: &str| arn.split('/').nth(1).and_then(|end| end.split(':').next()).map(str::to_owned);
        let runs = self.0.iter().filter(|(arn, _)| label(arn).as_deref() == Some(map)).map(|(_, (counts, _))| counts);
        runs.copied().reduce(|sum, one| Counts {
            total: sum.total + one.total,
            done: sum.done + one.done,
            failed: sum.failed + one.failed,
            in_flight: sum.in_flight + one.in_flight,
        })
    }
}

/// Follows an execution and shows its progress.
pub struct Follower<'a> {
    sfn: &'a Client,
    execution: &'a str,
    progress: &'a mut Progress,
    /// The events that were told.
    seen: usize,
    map_runs: MapRuns,
    /// How many volumes discovery found.
    found: u64,
    /// Whether the Maps are over.
    is_settled: bool,
}

impl<'a> Follower<'a> {
    /// Of this execution.
    pub fn new(sfn: &'a Client, execution: &'a str, progress: &'a mut Progress) -> Self {
        Self { sfn, execution, progress, seen: 0, map_runs: MapRuns::default(), found: 0, is_settled: false }
    }

    /// The execution's description once it has ended.
    ///
    /// # Errors
    /// Step Functions refuses an answer, or gives none for two minutes.
    pub async fn follow(mut self) -> Result<DescribeExecutionOutput> {
        let began = Instant::now();
        let mut silent_since = None;
        loop {
            match error::in_time("Step Functions", self.look()).await {
                Ok(description) if description.status != ExecutionStatus::Running => {
                    self.progress.settle();
                    return Ok(description);
                }
                Ok(_) if silent_since.take().is_some() => self.progress.print("  Step Functions answers again."),
                Ok(_) => {}
                Err(error) => {
                    let since = *silent_since.get_or_insert_with(|| {
                        let patience = PATIENCE.as_secs();
                        self.progress.print(&format!(
                            "  No answer, trying again for {patience} s; the execution goes on. {error:#}"
                        ));
                        Instant::now()
                    });
                    if !error::may_pass(&error) || since.elapsed() > PATIENCE {
                        self.progress.settle();
                        return Err(error).context(
                            "no longer followed, but the execution goes on (`nightly status` says how far a night is)",
                        );
                    }
                }
            }
            sleep((began.elapsed() / 40).clamp(PAUSES.0, PAUSES.1)).await;
        }
    }

    async fn look(&mut self) -> Result<DescribeExecutionOutput> {
        // First, so that an execution that has ended is told to its last event.
        let description = self.sfn.describe_execution().execution_arn(self.execution).send().await;
        let description = description.map_err(|error| error::of("DescribeExecution", error))?;
        let pages = self.sfn.get_execution_history().execution_arn(self.execution).into_paginator().items().send();
        let events = pages.collect::<Result<Vec<_>, _>>().await;
        let events = events.map_err(|error| error::of("GetExecutionHistory", error))?;
        self.map_runs.look(self.sfn, self.execution).await?;
        for event in events.iter().skip(self.seen) {
            self.tell(event);
        }
        self.seen = self.seen.max(events.len());
        self.show_map_runs();
        Ok(description)
    }

    fn tell(&mut self, event: &HistoryEvent) {
        let Some(details) = event.state_exited_event_details() else { return };
        let output: Value = details.output().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        match details.name() {
            "DiscoverRegions" => {
                let regions = output["regions"].as_array().into_iter().flatten();
                self.found = regions.filter_map(|region| region["workList"]["count"].as_u64()).sum();
            }
            "BackUpRegions" | "DrillRegions" => {
                self.show_map_runs();
                self.progress.settle();
                self.is_settled = true;
            }
            _ => {}
        }
        if let Some(line) = told(details.name(), &output) {
            self.progress.say(timestamp(&event.timestamp), details.name(), &line);
        }
    }

    fn show_map_runs(&mut self) {
        if self.is_settled {
            return;
        }
        if let Some(counts) = self.map_runs.of(SNAPSHOTS) {
            // A Region's Map Run counts as they are read; discovery knows the number before.
            self.progress.show(SNAPSHOTS, Counts { total: counts.total.max(self.found), ..counts });
        }
        for map in [DELETIONS, ROUNDS] {
            if let Some(counts) = self.map_runs.of(map) {
                self.progress.show(map, counts);
            }
        }
    }
}
