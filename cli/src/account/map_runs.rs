//! Map Runs of an execution, and their progress.

use anyhow::Result;
use aws_sdk_sfn::{
    Client,
    types::{MapRunExecutionCounts, MapRunStatus},
};
use std::{collections::BTreeMap, ops::Add};

use crate::{account::error, ui::progress::MapCounts};

/// Map Runs of an execution by ARN, as of the last [`MapRuns::update`]. The bool is true if the Map Run has ended.
#[derive(Debug, Default)]
pub struct MapRuns(BTreeMap<String, (MapCounts, bool)>);

impl MapRuns {
    /// Lists the Map Runs and reads the counts of those that have not ended.
    ///
    /// # Errors
    /// Step Functions does not answer.
    pub async fn update(&mut self, sfn: &Client, execution: &str) -> Result<()> {
        let mut runs = sfn.list_map_runs().execution_arn(execution).into_paginator().items().send();
        while let Some(run) = runs.next().await {
            let run = run.map_err(|error| error::from_sdk("ListMapRuns", error))?;
            self.0.entry(run.map_run_arn).or_default();
        }
        for (arn, (counts, has_ended)) in self.0.iter_mut().filter(|(_, (_, has_ended))| !has_ended) {
            let run = sfn.describe_map_run().map_run_arn(arn).send().await;
            let run = run.map_err(|error| error::from_sdk("DescribeMapRun", error))?;
            *has_ended = run.status != MapRunStatus::Running;
            *counts = run.execution_counts.map(MapCounts::from).unwrap_or(*counts);
        }
        Ok(())
    }

    pub fn all(&self) -> impl Iterator<Item = (&str, MapCounts)> {
        self.0.iter().map(|(arn, (counts, _))| (arn.as_str(), *counts))
    }

    /// Returns the counts of a Map over all Regions, or none if the Map has not started. The ARN of a Map Run ends in `/<label>:<id>`.
    pub fn total(&self, map: &str) -> Option<MapCounts> {
        let label = |arn: &str| arn.split('/').nth(1)?.split(':').next().map(str::to_owned);
        self.all().filter(|(arn, _)| label(arn).as_deref() == Some(map)).map(|(_, counts)| counts).reduce(Add::add)
    }
}

impl From<MapRunExecutionCounts> for MapCounts {
    fn from(counts: MapRunExecutionCounts) -> Self {
        let number = |count: i64| u64::try_from(count).unwrap_or_default();
        let failed = counts.failed + counts.timed_out + counts.aborted;
        Self {
            total: number(counts.total),
            done: number(counts.succeeded + failed),
            failed: number(failed),
            in_flight: number(counts.running),
        }
    }
}

impl Add for MapCounts {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            total: self.total + other.total,
            done: self.done + other.done,
            failed: self.failed + other.failed,
            in_flight: self.in_flight + other.in_flight,
        }
    }
}
