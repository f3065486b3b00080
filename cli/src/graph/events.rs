//! An event as Step Functions tells it, reduced to what the picture needs.

use aws_sdk_sfn::types::{HistoryEvent, HistoryEventType as Type};
use serde_json::Value;

use super::execution::{Event, Family, Status, What};

/// Reads an event of an execution that began then.
pub fn read(event: &HistoryEvent, started: f64) -> Event {
    Event {
        id: event.id(),
        previous: event.previous_event_id(),
        at: event.timestamp().as_secs_f64() - started,
        what: what(event),
    }
}

fn what(event: &HistoryEvent) -> What {
    let family = family(event.r#type().as_str());
    if let Some(entered) = event.state_entered_event_details() {
        return What::Entered(family, entered.name().to_owned(), json(entered.input()));
    }
    if let Some(exited) = event.state_exited_event_details() {
        return What::Exited(exited.name().to_owned(), json(exited.output()));
    }
    match event.r#type() {
        Type::TaskScheduled | Type::LambdaFunctionScheduled | Type::ActivityScheduled | Type::ParallelStateStarted => {
            What::Began(family, None)
        }
        Type::MapStateStarted => What::Began(
            family,
            event.map_state_started_event_details().and_then(|map| usize::try_from(map.length()).ok()),
        ),
        Type::TaskSucceeded | Type::LambdaFunctionSucceeded | Type::ActivitySucceeded => What::Done,
        Type::MapIterationStarted => iteration(event, Status::Running),
        Type::MapIterationSucceeded => iteration(event, Status::Succeeded),
        Type::MapIterationFailed => iteration(event, Status::Failed),
        Type::MapIterationAborted => iteration(event, Status::Aborted),
        Type::MapRunStarted => match event.map_run_started_event_details().and_then(|run| run.map_run_arn()) {
            Some(arn) => What::MapRun(arn.to_owned()),
            None => What::Other,
        },
        Type::ExecutionFailed | Type::ExecutionAborted | Type::ExecutionTimedOut => What::Other,
        other => match other.as_str() {
            name if name.ends_with("Failed") || name.ends_with("TimedOut") => What::Failed(family, error(event)),
            name if name.ends_with("Aborted") => What::Aborted(family),
            _ => What::Other,
        },
    }
}

fn family(name: &str) -> Family {
    match name {
        _ if name.starts_with("Map") => Family::Map,
        _ if name.starts_with("Parallel") => Family::Parallel,
        _ if ["Task", "Lambda", "Activity"].iter().any(|of| name.starts_with(of)) => Family::Task,
        _ => Family::Other,
    }
}

fn iteration(event: &HistoryEvent, status: Status) -> What {
    let details = match status {
        Status::Running => event.map_iteration_started_event_details(),
        Status::Succeeded => event.map_iteration_succeeded_event_details(),
        Status::Failed | Status::TimedOut => event.map_iteration_failed_event_details(),
        Status::Aborted => event.map_iteration_aborted_event_details(),
    };
    details.and_then(|details| details.name()).map_or(What::Other, |name| What::Iteration(name.to_owned(), status))
}

fn error(event: &HistoryEvent) -> Option<String> {
    let all = [
        event.task_failed_event_details().and_then(|details| details.error()),
        event.task_timed_out_event_details().and_then(|details| details.error()),
        event.task_start_failed_event_details().and_then(|details| details.error()),
        event.task_submit_failed_event_details().and_then(|details| details.error()),
        event.lambda_function_failed_event_details().and_then(|details| details.error()),
        event.lambda_function_timed_out_event_details().and_then(|details| details.error()),
        event.activity_failed_event_details().and_then(|details| details.error()),
        event.map_run_failed_event_details().and_then(|details| details.error()),
        event.evaluation_failed_event_details().and_then(|details| details.error()),
    ];
    all.into_iter().flatten().next().map(str::to_owned)
}

fn json(text: Option<&str>) -> Value {
    text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or(Value::Null)
}
