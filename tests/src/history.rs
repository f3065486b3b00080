//! What Step Functions keeps of a night: the events and the payloads of every execution, its child executions included.

use aws_sdk_sfn::{Client, types::HistoryEvent};
use tokio::task::JoinSet;

use crate::{asl, cloud::Cloud};

/// Child executions that are read at once.
const READERS: usize = 8;

/// A night's executions in numbers.
#[derive(Debug, Default)]
pub struct Histories {
    /// Child executions.
    pub children: usize,
    /// State transitions: states that were entered, each attempt at a task, and one for the start of each execution.
    pub transitions: usize,
    /// The events of the longest history, as AWS would write it.
    pub most_events: usize,
    /// Bytes of the largest payload: an execution's or a state's input or output.
    pub largest_payload: usize,
    /// Bytes of the largest payload of the night's own execution.
    pub largest_of_night: usize,
    /// Attempts at tasks: invocations of functions, where nothing is mailed.
    pub attempts: usize,
}

impl Histories {
    /// Reads those of a night that has ended.
    pub async fn of(cloud: &Cloud, execution: &str) -> Self {
        let sfn = Client::new(&cloud.aws().await);
        let mut all = Self::default();
        let night = Execution::read(&sfn, execution).await;
        let runs = sfn.list_map_runs().execution_arn(execution).send().await.expect("the Map Runs").map_runs;
        all.add_night(&night, runs.len());
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

    /// The local engine writes no entering and no leaving of the states within a Map, and no start of a task.
    fn add_night(&mut self, night: &Execution, map_runs: usize) {
        let regions = night.tasks_of_regions() / 2;
        let within: usize = ["DiscoverRegions", "BackUpRegions"].iter().map(|map| states_within(map)).sum();
        let of_map_runs = 4 * map_runs;
        let events = night.events + night.attempts + regions * (2 * within + 4) + of_map_runs;
        // IsThereWork, IsAnythingExpired and RegionDone of each Region leave no trace here.
        self.transitions += 1 + night.entered + night.tasks_of_regions() + 3 * regions + map_runs;
        self.add(night, events);
        self.largest_of_night = night.largest;
    }

    fn add_child(&mut self, child: &Execution) {
        self.children += 1;
        self.transitions += 1 + child.attempts;
        // Beside what is written here: the start and the end, each task's entering, start and leaving.
        self.add(child, child.events + 2 + 3 * child.attempts);
    }

    fn add(&mut self, execution: &Execution, events: usize) {
        self.most_events = self.most_events.max(events);
        self.largest_payload = self.largest_payload.max(execution.largest);
        self.attempts += execution.attempts;
    }
}

/// How many states an iteration of a Map can enter.
fn states_within(map: &str) -> usize {
    let states = asl::states();
    states[map]["ItemProcessor"]["States"].as_object().expect("States").len()
}

/// One execution.
struct Execution {
    events: usize,
    /// States that it entered, those within Maps excepted.
    entered: usize,
    /// Attempts at tasks.
    attempts: usize,
    /// Tasks at the top level.
    top_level_tasks: usize,
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
            attempts: of_type("TaskScheduled"),
            top_level_tasks: of_type("TaskStateEntered"),
            events: events.len(),
        }
    }

    /// DiscoverVolumes and FindExpired of each Region.
    fn tasks_of_regions(&self) -> usize {
        self.attempts - self.top_level_tasks
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
