//! Executions for the tests, with histories in the form that AWS and the local cloud write.

use aws_sdk_sfn::{
    primitives::DateTime,
    types::{
        ExecutionStatus, HistoryEvent, HistoryEventType, MapIterationEventDetails, MapRunStartedEventDetails,
        MapStateStartedEventDetails, StateEnteredEventDetails, StateExitedEventDetails, TaskFailedEventDetails,
        builders::HistoryEventBuilder,
    },
};
use nightly::{
    graph::fetch::{FetchedExecution, MapRun},
    ui::progress::MapCounts,
};
use serde_json::json;

/// Returns a small backup: a Map over Regions that discovers, a Map over Regions with a Distributed Map over volumes, and a report.
pub fn definition() -> String {
    let task = |next: &str, catch: &str| {
        let catch = json!([{"ErrorEquals": ["States.ALL"], "Next": catch}]);
        json!({"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Next": next, "Catch": catch})
    };
    let last = json!({"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "End": true});
    let each = json!({"ProcessorConfig": {"Mode": "DISTRIBUTED"}, "StartAt": "Snapshot", "States": {
        "Snapshot": {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Next": "Tag"}, "Tag": last}});
    json!({"StartAt": "Discover", "States": {
        "Discover": {"Type": "Map", "Next": "BackUp", "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Incomplete"}],
            "ItemProcessor": {"StartAt": "List", "States": {
                "List": task("Listed", "Unknown"), "Unknown": {"Type": "Pass", "End": true}, "Listed": {"Type": "Succeed"}}}},
        "BackUp": {"Type": "Map", "Next": "Report", "ItemProcessor": {"StartAt": "IsThereWork", "States": {
            "IsThereWork": {"Type": "Choice", "Choices": [{"Next": "Volumes"}], "Default": "Done"},
            "Volumes": {"Type": "Map", "ItemProcessor": each, "Next": "Done"}, "Done": {"Type": "Succeed"}}}},
        "Report": task("Complete", "Incomplete"), "Complete": {"Type": "Pass", "End": true}, "Incomplete": {"Type": "Fail"}
    }})
    .to_string()
}

/// History with one event per second.
#[derive(Clone, Default)]
pub struct Story {
    events: Vec<HistoryEvent>,
    last: i64,
}

type Details = fn(HistoryEventBuilder, &str) -> HistoryEventBuilder;

impl Story {
    /// Makes the next events follow this event instead of the last one.
    pub fn after(self, last: i64) -> Self {
        Self { last, ..self }
    }

    fn event(mut self, kind: &str, argument: &str, details: Details) -> Self {
        let id = self.events.len() as i64 + 1;
        let event = HistoryEvent::builder().id(id).previous_event_id(self.last).timestamp(DateTime::from_secs(id));
        let event = details(event.r#type(HistoryEventType::from(kind)), argument).build().expect("an event");
        self.events.push(event);
        self.last = id;
        self
    }

    pub fn then(self, kind: &str) -> Self {
        self.event(kind, "", |event, _| event)
    }

    pub fn enter(self, kind: &str, state: &str) -> Self {
        self.event(&format!("{kind}StateEntered"), state, |event, state| {
            let details = StateEnteredEventDetails::builder().name(state).build().expect("details");
            event.state_entered_event_details(details)
        })
    }

    pub fn exit(self, kind: &str, state: &str) -> Self {
        self.event(&format!("{kind}StateExited"), state, |event, state| {
            let details = StateExitedEventDetails::builder().name(state).build().expect("details");
            event.state_exited_event_details(details)
        })
    }

    pub fn pass(self, kind: &str, state: &str) -> Self {
        self.enter(kind, state).exit(kind, state)
    }

    pub fn fail(self, error: &str) -> Self {
        self.event("TaskFailed", error, |event, error| {
            let details = TaskFailedEventDetails::builder().resource_type("lambda").resource("invoke").error(error);
            event.task_failed_event_details(details.build().expect("details"))
        })
    }

    pub fn done(self, task: &str) -> Self {
        self.enter("Task", task).then("TaskScheduled").then("TaskSucceeded").exit("Task", task)
    }

    /// Enters a Map with this number of items.
    pub fn map(self, state: &str, items: i32) -> Self {
        self.enter("Map", state).event("MapStateStarted", &items.to_string(), |event, items| {
            let details = MapStateStartedEventDetails::builder().length(items.parse().expect("a number")).build();
            event.map_state_started_event_details(details)
        })
    }

    pub fn iteration(self, map: &str, how: &str) -> Self {
        let details: Details = match how {
            "Started" => |event, map| event.map_iteration_started_event_details(iteration(map)),
            "Succeeded" => |event, map| event.map_iteration_succeeded_event_details(iteration(map)),
            "Failed" => |event, map| event.map_iteration_failed_event_details(iteration(map)),
            _ => |event, map| event.map_iteration_aborted_event_details(iteration(map)),
        };
        let last = self.last;
        let story = self.event(&format!("MapIteration{how}"), map, details);
        if how == "Started" { story } else { story.after(last) }
    }

    pub fn map_run(self) -> Self {
        self.event("MapRunStarted", "run", |event, arn| {
            event.map_run_started_event_details(MapRunStartedEventDetails::builder().map_run_arn(arn).build())
        })
    }

    pub fn events(self) -> Vec<HistoryEvent> {
        self.events
    }

    pub fn ends(self, status: ExecutionStatus, run: Option<MapRun>) -> FetchedExecution {
        FetchedExecution {
            name: "night-1".into(),
            machine: "nightly".into(),
            status,
            definition: definition(),
            error: None,
            started: 0.0,
            ended: 100.0,
            events: self.events,
            map_runs: run.map(|run| ("run".to_owned(), run)).into_iter().collect(),
        }
    }
}

fn iteration(map: &str) -> MapIterationEventDetails {
    MapIterationEventDetails::builder().name(map).build()
}

/// Returns the history of a run in which the volumes of one Region are being snapshotted.
pub fn started() -> Story {
    let story =
        Story::default().map("Discover", 1).iteration("Discover", "Started").done("List").pass("Succeed", "Listed");
    let story =
        story.iteration("Discover", "Succeeded").then("MapStateSucceeded").exit("Map", "Discover").map("BackUp", 1);
    let story = story.iteration("BackUp", "Started").pass("Choice", "IsThereWork").map("Volumes", 0);
    story.map_run()
}

fn reported() -> Story {
    let story =
        started().then("MapRunSucceeded").then("MapStateSucceeded").exit("Map", "Volumes").pass("Succeed", "Done");
    story.iteration("BackUp", "Succeeded").exit("Map", "BackUp").done("Report")
}

pub fn complete() -> FetchedExecution {
    let counts = MapCounts { total: 2, done: 2, ..MapCounts::default() };
    reported().pass("Pass", "Complete").ends(ExecutionStatus::Succeeded, Some(MapRun { counts, failed: vec![] }))
}

/// Returns an execution in which one volume's snapshot was created but could not be tagged.
pub fn one_failed() -> FetchedExecution {
    let child = Story::default().done("Snapshot").enter("Task", "Tag").then("TaskScheduled").fail("Refused").events();
    let counts = MapCounts { total: 2, done: 2, failed: 1, in_flight: 0 };
    let run = MapRun { counts, failed: vec![(ExecutionStatus::Failed, child)] };
    reported().enter("Fail", "Incomplete").ends(ExecutionStatus::Failed, Some(run))
}

/// Returns an execution in which two of five volumes are done.
pub fn running() -> FetchedExecution {
    let counts = MapCounts { total: 5, done: 2, failed: 0, in_flight: 3 };
    started().ends(ExecutionStatus::Running, Some(MapRun { counts, failed: vec![] }))
}

/// Returns an execution with two concurrent Regions. One retries and succeeds, the other is refused. Then a person stops the execution.
pub fn stopped() -> FetchedExecution {
    Story::default()
        .map("Discover", 2) // 1, 2
        .iteration("Discover", "Started") // 3
        .enter("Task", "List")
        .after(2)
        .iteration("Discover", "Started") // 5
        .enter("Task", "List") // 6
        .after(4)
        .then("TaskScheduled") // 7
        .fail("Transient")
        .after(6)
        .then("TaskScheduled") // 9
        .fail("Refused")
        .exit("Task", "List")
        .pass("Pass", "Unknown")
        .iteration("Discover", "Succeeded") // 14
        .after(8)
        .then("TaskScheduled") // 15
        .then("TaskSucceeded")
        .exit("Task", "List")
        .pass("Succeed", "Listed")
        .iteration("Discover", "Succeeded")
        .then("MapStateSucceeded")
        .exit("Map", "Discover")
        .map("BackUp", 2)
        .ends(ExecutionStatus::Aborted, None)
}

/// Returns an execution in which the first Region fails while the second is in progress, which ends both.
pub fn failed_iteration() -> FetchedExecution {
    Story::default()
        .map("Discover", 2)
        .iteration("Discover", "Started") // 3
        .enter("Task", "List")
        .then("TaskScheduled") // 5
        .after(2)
        .iteration("Discover", "Started") // 6
        .enter("Task", "List")
        .then("TaskScheduled") // 8
        .after(5)
        .fail("Refused") // 9
        .iteration("Discover", "Failed")
        .iteration("Discover", "Aborted")
        .after(9)
        .then("MapStateFailed")
        .exit("Map", "Discover")
        .enter("Fail", "Incomplete")
        .ends(ExecutionStatus::Failed, None)
}
