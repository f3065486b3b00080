//! Follows an execution to its end.

use anyhow::{Context, Result};
use aws_sdk_sfn::{
    Client,
    operation::describe_execution::DescribeExecutionOutput,
    types::{ExecutionStatus, HistoryEvent},
};
use serde_json::Value;
use std::time::{Duration, Instant};
use tokio::time::sleep;

use crate::{
    account::{error, executions, ledger::timestamp, map_runs::MapRuns},
    ui::progress::{DELETIONS, MapCounts, Progress, RESTORE_POINTS, SNAPSHOTS, progress_line},
};

/// Time for which calls are retried if Step Functions does not answer.
const RETRY_FOR: Duration = Duration::from_secs(120);
/// Shortest and longest pause between polls. The pauses grow with the age of the execution.
const PAUSES: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(5));

pub struct ExecutionFollower<'a> {
    sfn: &'a Client,
    execution: &'a str,
    progress: &'a mut Progress,
    /// Number of events that were shown.
    seen: usize,
    map_runs: MapRuns,
    /// Number of volumes to snapshot, according to discovery.
    found: u64,
    /// Whether the Maps have ended.
    is_settled: bool,
}

impl<'a> ExecutionFollower<'a> {
    pub fn new(sfn: &'a Client, execution: &'a str, progress: &'a mut Progress) -> Self {
        Self { sfn, execution, progress, seen: 0, map_runs: MapRuns::default(), found: 0, is_settled: false }
    }

    /// Returns the description of the execution once it has ended.
    ///
    /// # Errors
    /// Step Functions refuses a call, or does not answer for two minutes.
    pub async fn follow(mut self) -> Result<DescribeExecutionOutput> {
        let began = Instant::now();
        let mut silent_since = None;
        loop {
            match self.poll().await {
                Ok(description) if description.status != ExecutionStatus::Running => {
                    self.progress.settle();
                    return Ok(description);
                }
                Ok(_) if silent_since.take().is_some() => self.progress.print("  Step Functions answers again."),
                Ok(_) => {}
                Err(error) => {
                    let since = *silent_since.get_or_insert_with(|| {
                        let patience = RETRY_FOR.as_secs();
                        self.progress.print(&format!(
                            "  No answer, trying again for {patience} s; the execution continues. {error:#}"
                        ));
                        Instant::now()
                    });
                    if !error::may_pass(&error) || since.elapsed() > RETRY_FOR {
                        self.progress.settle();
                        return Err(error).context(
                            "stopped following, but the execution continues (to see the progress of a run: nightly status)",
                        );
                    }
                }
            }
            sleep((began.elapsed() / 40).clamp(PAUSES.0, PAUSES.1)).await;
        }
    }

    async fn poll(&mut self) -> Result<DescribeExecutionOutput> {
        // Comes first, so that the last events of an execution that has ended are shown.
        let description = executions::describe(self.sfn, self.execution).await?;
        let pages = self.sfn.get_execution_history().execution_arn(self.execution).into_paginator().items().send();
        let events = pages.collect::<Result<Vec<_>, _>>().await;
        let events = events.map_err(|error| error::from_sdk("GetExecutionHistory", error))?;
        self.map_runs.update(self.sfn, self.execution).await?;
        for event in events.iter().skip(self.seen) {
            self.show_event(event);
        }
        self.seen = self.seen.max(events.len());
        self.show_map_runs();
        Ok(description)
    }

    fn show_event(&mut self, event: &HistoryEvent) {
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
        if let Some(line) = progress_line(details.name(), &output) {
            self.progress.say(timestamp(&event.timestamp), details.name(), &line);
        }
    }

    fn show_map_runs(&mut self) {
        if self.is_settled {
            return;
        }
        if let Some(counts) = self.map_runs.total(SNAPSHOTS) {
            // The total of a Map Run grows while its items are read. Discovery knows the number earlier.
            self.progress.show(SNAPSHOTS, MapCounts { total: counts.total.max(self.found), ..counts });
        }
        for map in [DELETIONS, RESTORE_POINTS] {
            if let Some(counts) = self.map_runs.total(map) {
                self.progress.show(map, counts);
            }
        }
    }
}
