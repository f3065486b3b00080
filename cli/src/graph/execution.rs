//! What Step Functions tells of an execution, reduced to what the picture needs. Times are seconds since the execution began.

use serde::Serialize;
use serde_json::Value;

/// An execution: its definition, what happened in it, and its Map Runs.
#[derive(Clone, Debug)]
pub struct Execution {
    /// Its name.
    pub name: String,
    /// The state machine's name; that of a child execution ends in `/label`.
    pub machine: String,
    /// How it ended, if it did.
    pub status: Status,
    /// The definition in the Amazon States Language that this execution runs.
    pub definition: Value,
    /// What it handed on; null where that is nothing or not known.
    pub output: Value,
    /// The error that it ended with.
    pub error: Option<String>,
    /// Until its end, or until now.
    pub seconds: f64,
    /// Its history, oldest first.
    pub events: Vec<Event>,
    /// The Map Runs of its Distributed Maps.
    pub map_runs: Vec<MapRun>,
}

/// How an execution or a Map Run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It has not ended.
    Running,
    /// It did all that it was to do.
    Succeeded,
    /// An error that nothing caught, or a Fail state.
    Failed,
    /// It took longer than its `TimeoutSeconds`.
    TimedOut,
    /// Somebody stopped it.
    Aborted,
}

/// One event of the history.
#[derive(Clone, Debug)]
pub struct Event {
    /// Its number.
    pub id: i64,
    /// The event that it follows; 0 where it is not told, as by the local cloud.
    pub previous: i64,
    /// When.
    pub at: f64,
    /// What happened.
    pub what: What,
}

/// What kind of state an event is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// A Task.
    Task,
    /// A Map.
    Map,
    /// A Parallel.
    Parallel,
    /// Any other state.
    Other,
}

/// What happened.
#[derive(Clone, Debug)]
pub enum What {
    /// A state was entered with this input.
    Entered(Family, String, Value),
    /// A state was left with this output.
    Exited(String, Value),
    /// A Task was scheduled, a Map or a Parallel began: for the first time or after a failure. With a Map's number of items.
    Began(Family, Option<usize>),
    /// A Task's work was done.
    Done,
    /// An attempt failed with this error.
    Failed(Family, Option<String>),
    /// A state was given up.
    Aborted(Family),
    /// An iteration of the Map of this name ended so.
    Iteration(String, Status),
    /// The Map Run of this ARN began.
    MapRun(String),
    /// Anything else.
    Other,
}

/// One run of a Distributed Map.
#[derive(Clone, Debug)]
pub struct MapRun {
    /// Its ARN.
    pub arn: String,
    /// How it ended.
    pub status: Status,
    /// When it began.
    pub started: f64,
    /// When it ended, or now.
    pub stopped: f64,
    /// Its child executions.
    pub counts: Counts,
    /// Some of the child executions that failed.
    pub failed: Vec<Child>,
}

impl MapRun {
    /// The Map's label, which the ARN has: `…:mapRun:machine/label:id`.
    pub fn label(&self) -> &str {
        self.arn.rsplit_once('/').and_then(|(_, rest)| rest.split(':').next()).unwrap_or_default()
    }
}

/// A child execution.
#[derive(Clone, Debug)]
pub struct Child {
    /// How it ended.
    pub status: Status,
    /// Its history.
    pub events: Vec<Event>,
}

/// How many items of a Map there are and what they came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// All.
    pub total: usize,
    /// Those that succeeded.
    pub succeeded: usize,
    /// Those that failed or took too long.
    pub failed: usize,
    /// Those that were stopped.
    pub aborted: usize,
    /// Those in progress.
    pub running: usize,
}

impl Counts {
    /// The sum of both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            total: self.total + other.total,
            succeeded: self.succeeded + other.succeeded,
            failed: self.failed + other.failed,
            aborted: self.aborted + other.aborted,
            running: self.running + other.running,
        }
    }
}
