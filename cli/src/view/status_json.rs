//! Runs as JSON.

use domain::Night;
use jiff::Timestamp;
use report::{night::Report, summary::RegionCounts};
use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    account::executions::{RunRecord, RunStatus},
    ui::progress::MapCounts,
};

/// The last runs, or the runs of one Night.
#[derive(Debug, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StatusReport {
    /// Night that was asked for. Null for the last runs.
    pub night: Option<Night>,
    /// Runs, newest first.
    pub runs: Vec<RunJson>,
    /// Report of the Night. Null for the last runs, and if no run of the Night wrote a report.
    pub report: Option<Report>,
}

/// A run. The counts are null until the run has written its report.
#[derive(Debug, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RunJson {
    /// Null if the input was refused.
    night: Option<Night>,
    /// ARN of the execution.
    execution: String,
    dry_run: bool,
    started: Option<Timestamp>,
    ended: Option<Timestamp>,
    outcome: RunOutcome,
    /// Error and message of a run that failed before its report.
    error: Option<String>,
    /// Progress of a run that has not ended.
    volumes: Option<MapCounts>,
    planned: Option<usize>,
    protected: Option<usize>,
    unprotected: Option<usize>,
    /// Volumes whose plan had nothing due.
    not_due: Option<usize>,
    /// Volumes whose snapshot made up an Interval that they had missed.
    made_up: Option<usize>,
    expired: Option<usize>,
    /// Location of the report: `s3://…`.
    report: Option<String>,
}

#[derive(Debug, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
enum RunOutcome {
    Running,
    Complete,
    NotComplete,
    /// The run failed before its report.
    Failed,
}

impl From<&RunRecord> for RunJson {
    fn from(run: &RunRecord) -> Self {
        let (outcome, error, volumes) = match &run.outcome {
            RunStatus::Running(counts) => (RunOutcome::Running, None, *counts),
            RunStatus::Complete => (RunOutcome::Complete, None, None),
            RunStatus::NotComplete => (RunOutcome::NotComplete, None, None),
            RunStatus::Failed(why) => (RunOutcome::Failed, Some(why.clone()), None),
        };
        let total = |count: fn(&RegionCounts) -> usize| run.summary.as_ref().map(|summary| summary.total(count));
        Self {
            night: run.night,
            execution: run.execution.clone(),
            dry_run: run.dry_run,
            started: run.started,
            ended: run.ended,
            outcome,
            error,
            volumes,
            planned: total(|region| region.planned),
            protected: total(|region| region.protected),
            unprotected: total(|region| region.unprotected),
            not_due: total(|region| region.not_due),
            made_up: total(|region| region.made_up),
            expired: total(|region| region.expired),
            report: run.summary.as_ref().map(|summary| summary.location.clone()),
        }
    }
}
