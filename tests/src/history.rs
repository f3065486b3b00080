//! The execution histories of a run: the events and the payloads of the execution and of its child executions.

use aws_sdk_sfn::{Client, types::HistoryEvent};
use tokio::task::JoinSet;

use crate::cloud::Cloud;

/// Number of child executions that are read at once.
const READERS: usize = 8;

/// The totals of a run's histories.
#[derive(Debug, Default)]
pub struct Histories {
    /// Number of child executions.
    pub children: usize,
    /// State transitions: one for each state entered, each attempt at a task, and each start of an execution.
    pub transitions: usize,
    /// Number of events in the longest history.
    pub most_events: usize,
    /// Bytes of the largest input or output of an execution or a state.
    pub largest_payload: usize,
    /// Bytes of the largest payload of the run itself, without its child executions.
    pub largest_of_night: usize,
    /// Attempts at tasks. If the run sends no email, each is an invocation of a function.
    pub attempts: usize,
}

impl Histories {
    /// Reads the histories of a run that has ended.
    pub async fn read(cloud: &Cloud, execution: &str) -> Self {
        let sfn = Client::new(&cloud.aws().await);
        let mut all = Self::default();
        let night = Execution::read(&sfn, execution).await;
        all.largest_of_night = night.largest;
        all.add(&night);
        let runs = sfn.list_map_runs().execution_arn(execution).send().await.expect("the Map Runs").map_runs;
        let mut reading = JoinSet::new();
        for run in runs {
            let mut listed = sfn.list_executions().map_run_arn(run.map_run_arn).into_paginator().items().send();
            while let Some(child) = listed.next().await {
                let (sfn, arn) = (sfn.clone(), child.expect("a child").execution_arn);
                reading.spawn(async move { Execution::read(&sfn, &arn).await });
                if reading.len() >= READERS {
                    all.add_child(&reading.join_next().await.expect("a reader").expect("a history"));
                }
            }
        }
        while let Some(read) = reading.join_next().await {
            all.add_child(&read.expect("a history"));
        }
        all
    }

    fn add_child(&mut self, child: &Execution) {
        self.children += 1;
        self.add(child);
    }

    fn add(&mut self, execution: &Execution) {
        self.most_events = self.most_events.max(execution.events);
        self.largest_payload = self.largest_payload.max(execution.largest);
        self.attempts += execution.attempts;
        let retries = execution.attempts - execution.tasks;
        self.transitions += 1 + execution.entered + retries;
    }
}

/// The totals of one execution.
struct Execution {
    events: usize,
    /// States entered, including those within Maps.
    entered: usize,
    tasks: usize,
    attempts: usize,
    largest: usize,
}

impl Execution {
    async fn read(sfn: &Client, arn: &str) -> Self {
        let described = sfn.describe_execution().execution_arn(arn).send().await.expect("an execution");
        let history = sfn.get_execution_history().execution_arn(arn).into_paginator().items().send();
        let events = history.collect::<Result<Vec<_>, _>>().await.expect("its history");
        let ends = [described.input(), described.output(), described.cause()];
        let payloads = events.iter().flat_map(payloads).chain(ends.into_iter().flatten());
        let of_type = |kind: &str| events.iter().filter(|event| event.r#type.as_str() == kind).count();
        Self {
            largest: payloads.map(str::len).max().unwrap_or_default(),
            entered: events.iter().filter(|event| event.state_entered_event_details().is_some()).count(),
            tasks: of_type("TaskStateEntered"),
            attempts: of_type("TaskScheduled"),
            events: events.len(),
        }
    }
}

fn payloads(event: &HistoryEvent) -> Vec<&str> {
    let all = [
        event.execution_started_event_details().and_then(|details| details.input()),
        event.execution_succeeded_event_details().and_then(|details| details.output()),
        event.state_entered_event_details().and_then(|details| details.input()),
        event.state_exited_event_details().and_then(|details| details.output()),
        event.task_scheduled_event_details().map(|details| details.parameters()),
        event.task_succeeded_event_details().and_then(|details| details.output()),
        event.task_failed_event_details().and_then(|details| details.cause()),
    ];
    all.into_iter().flatten().collect()
}
