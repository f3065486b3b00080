//! The nights before this one: whether they failed, so that the first that did not can say so.

use aws::{error, map_runs::state_machine};
use aws_sdk_sfn::{Client, types::ExecutionStatus};
use domain::{Error, Night, input::Start, step_functions::Execution};
use jiff::{Timestamp, tz::TimeZone};

/// Executions that are looked at. Step Functions grants DescribeExecution 15 times a second.
const MOST_LOOKED_AT: usize = 60;

/// The Night of the first of the nights before `execution` that failed in a row; none where the last one was complete. Dry runs say
/// nothing of it, and what still runs does not yet.
///
/// # Errors
/// `Transient` or `Refused` from Step Functions.
pub async fn failing_since(sfn: &Client, execution: &Execution, zone: &TimeZone) -> Result<Option<Night>, Error> {
    let listed = sfn.list_executions().state_machine_arn(state_machine(&execution.id)).max_results(100);
    let mut listed = listed.into_paginator().items().send();
    let (mut since, mut looked_at) = (None, 0);
    while let Some(earlier) = listed.next().await {
        let earlier = earlier.map_err(|error| error::of("ListExecutions", error))?;
        let started =
            Timestamp::from_millisecond(earlier.start_date.to_millis().unwrap_or_default()).unwrap_or_default();
        let comes_after = earlier.execution_arn == execution.id || started > execution.start_time;
        if comes_after || earlier.status == ExecutionStatus::Running {
            continue;
        }
        let described = sfn.describe_execution().execution_arn(&earlier.execution_arn).send().await;
        let described = described.map_err(|error| error::of("DescribeExecution", error))?;
        let input = described.input.as_deref().and_then(|input| serde_json::from_str(input).ok()).unwrap_or_default();
        let start = Start::read(&input, started).unwrap_or(Start { time: started, dry_run: false });
        looked_at += 1;
        match earlier.status {
            _ if start.dry_run => (),
            ExecutionStatus::Succeeded => break,
            _ => since = Some(Night::of(start.time, zone)),
        }
        if looked_at == MOST_LOOKED_AT {
            break;
        }
    }
    Ok(since)
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_sfn::{
        operation::{describe_execution::DescribeExecutionOutput, list_executions::ListExecutionsOutput},
        primitives::DateTime,
        types::ExecutionListItem,
    };
    use aws_smithy_mocks::{RuleMode, mock, mock_client};
    use serde_json::json;

    const MACHINE: &str = "arn:aws:states:eu-west-1:123456789012:stateMachine:Nightly";

    fn arn(name: &str) -> String {
        format!("{}:{name}", MACHINE.replace("stateMachine", "execution"))
    }

    /// What is found of executions, newest first: each its status, its day of May, and its input.
    async fn since(nights: &'static [(ExecutionStatus, i64, &'static str)]) -> Option<String> {
        let date = |day: i64| DateTime::from_secs(1_777_593_600 + (day - 1) * 86_400);
        let list =
            mock!(Client::list_executions).match_requests(|request| request.state_machine_arn() == Some(MACHINE));
        let list = list.then_output(move || {
            let one = |(number, (status, day, _)): (usize, &(ExecutionStatus, i64, &str))| {
                let item =
                    ExecutionListItem::builder().execution_arn(arn(&number.to_string())).state_machine_arn(MACHINE);
                item.name(number.to_string()).status(status.clone()).start_date(date(*day)).build().unwrap()
            };
            let all = nights.iter().enumerate().map(one).collect();
            ListExecutionsOutput::builder().set_executions(Some(all)).build().unwrap()
        });
        let describe = mock!(Client::describe_execution).then_compute_output(move |request| {
            let number: usize = request.execution_arn().unwrap().rsplit(':').next().unwrap().parse().unwrap();
            let (status, day, input) = &nights[number];
            let output = DescribeExecutionOutput::builder().execution_arn("e").state_machine_arn(MACHINE);
            output.status(status.clone()).start_date(date(*day)).input(*input).build().unwrap()
        });
        let sfn = mock_client!(aws_sdk_sfn, RuleMode::MatchAny, &[&list, &describe]);
        let tonight =
            json!({"Id": arn("tonight"), "Name": "tonight", "Input": {}, "StartTime": "2026-05-20T04:30:00Z"});
        let tonight = serde_json::from_value(tonight).unwrap();
        failing_since(&sfn, &tonight, &TimeZone::UTC).await.unwrap().map(|night| night.to_string())
    }

    #[tokio::test]
    async fn is_the_first_of_the_nights_that_failed_in_a_row_whatever_dry_runs_and_later_ones_came_to() {
        use ExecutionStatus::{Aborted, Failed, Running, Succeeded, TimedOut};
        let well = &[(Succeeded, 19, "{}"), (Failed, 18, "{}")];
        assert_eq!(since(well).await, None);
        let failing = &[
            (Succeeded, 21, "{}"),
            (Running, 19, "{}"),
            (Succeeded, 19, r#"{"dryRun": true}"#),
            (Failed, 19, "[]"),
            (TimedOut, 18, "{}"),
            (Failed, 17, r#"{"dryRun": true}"#),
            (Aborted, 17, r#"{"time": "2026-05-16T04:30:00Z"}"#),
            (Succeeded, 15, "{}"),
            (Failed, 14, "{}"),
        ];
        assert_eq!(since(failing).await.as_deref(), Some("2026-05-16"));
        assert_eq!(since(&[]).await, None);
    }
}
