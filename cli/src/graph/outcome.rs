//! What became of a state.

use aws_sdk_sfn::types::ExecutionStatus;

/// What became of a state; the last is the worst, and colours it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// It was never entered.
    #[default]
    NotReached,
    /// It succeeded.
    Succeeded,
    /// It is running.
    InProgress,
    /// It was stopped.
    Aborted,
    /// It failed, and the execution went on: the error was caught, or the Map tolerates failed items.
    Caught,
    /// It failed, and took the execution, the iteration or the child execution with it.
    Failed,
}

impl Outcome {
    /// All, in the order of the legend.
    pub const ALL: [Self; 6] =
        [Self::Succeeded, Self::Caught, Self::Failed, Self::InProgress, Self::Aborted, Self::NotReached];

    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::NotReached => "not reached",
            Self::Succeeded => "succeeded",
            Self::InProgress => "in progress",
            Self::Aborted => "aborted",
            Self::Caught => "error caught",
            Self::Failed => "failed",
        }
    }

    /// Its class in the picture, and its name for scripts.
    pub fn class(self) -> &'static str {
        match self {
            Self::NotReached => "not-reached",
            Self::Succeeded => "succeeded",
            Self::InProgress => "in-progress",
            Self::Aborted => "aborted",
            Self::Caught => "caught",
            Self::Failed => "failed",
        }
    }
}

/// Returns the outcome of whatever was still running when the execution got this status.
pub fn last_outcome(status: &ExecutionStatus) -> Outcome {
    match status {
        ExecutionStatus::Running | ExecutionStatus::PendingRedrive => Outcome::InProgress,
        ExecutionStatus::Failed => Outcome::Failed,
        _ => Outcome::Aborted,
    }
}
