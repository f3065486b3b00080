//! Executions by hand, as AWS and as the local cloud tell them.

use nightly::graph::execution::{Child, Counts, Event, Execution, Family, MapRun, Status, What};
use serde_json::{Value, json};

pub fn definition(name: &str) -> Value {
    let path = format!("{}/../statemachine/{name}.asl.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).expect("a definition")).expect("JSON")
}

/// Events, one a second.
#[derive(Default)]
pub struct Story(Vec<Event>);

impl Story {
    /// The next event, with the one that it follows; 0 where that is not told.
    pub fn after(mut self, previous: i64, what: What) -> Self {
        let id = self.0.len() as i64 + 1;
        self.0.push(Event { id, previous, at: id as f64, what });
        self
    }

    pub fn then(self, what: What) -> Self {
        self.after(0, what)
    }

    pub fn entered(self, family: Family, state: &str, input: Value) -> Self {
        self.then(What::Entered(family, state.into(), input))
    }

    pub fn exited(self, state: &str, output: Value) -> Self {
        self.then(What::Exited(state.into(), output))
    }

    /// A state that was entered and left.
    pub fn passed(self, family: Family, state: &str) -> Self {
        self.entered(family, state, Value::Null).exited(state, Value::Null)
    }

    /// A service that answered.
    pub fn answered(self) -> Self {
        self.then(What::Began(Family::Task, None)).then(What::Done)
    }

    pub fn failed(self, error: &str) -> Self {
        self.then(What::Began(Family::Task, None)).then(What::Failed(Family::Task, Some(error.into())))
    }

    pub fn events(self) -> Vec<Event> {
        self.0
    }

    pub fn execution(self, status: Status, map_runs: Vec<MapRun>) -> Execution {
        Execution {
            name: "night-1".into(),
            machine: "nightly".into(),
            status,
            definition: definition("nightly-backup"),
            output: Value::Null,
            error: None,
            seconds: 100.0,
            events: self.0,
            map_runs,
        }
    }
}

/// The beginning of every night on the local cloud: one Region with so many volumes to snapshot.
pub fn discovered(regions: Value) -> Story {
    let given = json!({"regions": ["us-east-1"]});
    Story::default()
        .passed(Family::Other, "ListRegions")
        .entered(Family::Map, "DiscoverRegions", given)
        .answered()
        .exited("DiscoverRegions", json!({"regions": regions.clone()}))
        .entered(Family::Map, "BackUpRegions", json!({"regions": regions}))
}

pub fn region(volumes: usize) -> Value {
    json!({"region": "us-east-1", "dryRun": false, "workList": {"count": volumes}})
}

/// The region once its expired snapshots are known.
pub fn backed_up(volumes: usize, expired: usize) -> Value {
    let mut region = region(volumes);
    region["expiry"] = json!({"expired": {"count": expired}});
    region
}

pub fn map_run(label: &str, status: Status, counts: Counts, failed: Vec<Child>) -> MapRun {
    let arn = format!("arn:aws:states:us-east-1:1:mapRun:nightly/{label}:1");
    MapRun { arn, status, started: 10.0, stopped: 13.2, counts, failed }
}

pub fn counts(total: usize, succeeded: usize, failed: usize) -> Counts {
    Counts { total, succeeded, failed, ..Counts::default() }
}

/// A complete night: two volumes, nothing expired.
pub fn complete() -> Execution {
    discovered(json!([region(2)]))
        .answered()
        .exited("BackUpRegions", json!({"regions": [backed_up(2, 0)]}))
        .passed(Family::Task, "ReportNight")
        .passed(Family::Other, "IsNightComplete")
        .passed(Family::Other, "NightComplete")
        .execution(Status::Succeeded, vec![map_run("SnapshotVolumes", Status::Succeeded, counts(2, 2, 0), vec![])])
}

/// One volume's snapshot was made and could not be tagged.
pub fn one_failed() -> Execution {
    let child = Child { status: Status::Failed, events: Story::default().answered().failed("Refused").events() };
    discovered(json!([region(2)]))
        .answered()
        .exited("BackUpRegions", json!({"regions": [backed_up(2, 1)]}))
        .passed(Family::Task, "ReportNight")
        .passed(Family::Other, "IsNightComplete")
        .passed(Family::Task, "NotifyFailure")
        .passed(Family::Other, "WasNightComplete")
        .entered(Family::Other, "NightIncomplete", Value::Null)
        .execution(
            Status::Failed,
            vec![
                map_run("SnapshotVolumes", Status::Succeeded, counts(2, 1, 1), vec![child]),
                map_run("DeleteExpired", Status::Succeeded, counts(1, 1, 0), vec![]),
            ],
        )
}

/// The input was refused.
pub fn refused() -> Execution {
    Story::default()
        .passed(Family::Other, "ListRegions")
        .entered(Family::Map, "DiscoverRegions", json!({"regions": ["us-east-1"]}))
        .failed("BadInput")
        .exited(
            "DiscoverRegions",
            json!({"regions": ["us-east-1"], "failure": {"Error": "BadInput", "Cause": "time: no"}}),
        )
        .passed(Family::Other, "ReadFailure")
        .passed(Family::Other, "ComposeFailure")
        .passed(Family::Other, "IsDryRun")
        .passed(Family::Task, "NotifyFailure")
        .passed(Family::Other, "WasNightComplete")
        .entered(Family::Other, "NightIncomplete", Value::Null)
        .execution(Status::Failed, vec![])
}

/// Two volumes of five are done.
pub fn running() -> Execution {
    let counts = Counts { total: 5, succeeded: 2, running: 3, ..Counts::default() };
    let run = map_run("SnapshotVolumes", Status::Running, counts, vec![]);
    discovered(json!([region(5)])).execution(Status::Running, vec![run])
}

/// As AWS tells it: two Regions at once, of which the second refused DiscoverVolumes, after one retry of the first.
pub fn of_aws() -> Execution {
    let iteration = |status| What::Iteration("DiscoverRegions".into(), status);
    let entered = |state: &str| What::Entered(Family::Task, state.into(), Value::Null);
    let began = || What::Began(Family::Task, None);
    let error = |name: &str| What::Failed(Family::Task, Some(name.into()));
    let pass = "RegionNotDiscovered";
    Story::default()
        .after(0, What::Other)
        .after(1, What::Entered(Family::Other, "ListRegions".into(), Value::Null))
        .after(2, What::Exited("ListRegions".into(), Value::Null))
        .after(3, What::Entered(Family::Map, "DiscoverRegions".into(), Value::Null))
        .after(4, What::Began(Family::Map, Some(2)))
        .after(5, iteration(Status::Running)) // 6
        .after(6, entered("DiscoverVolumes"))
        .after(5, iteration(Status::Running)) // 8
        .after(8, entered("DiscoverVolumes"))
        .after(7, began()) // 10
        .after(9, began())
        .after(10, error("Transient"))
        .after(11, error("Refused")) // 13
        .after(12, began())
        .after(13, What::Exited("DiscoverVolumes".into(), Value::Null)) // 15
        .after(15, What::Entered(Family::Other, pass.into(), Value::Null))
        .after(16, What::Exited(pass.into(), Value::Null))
        .after(17, iteration(Status::Succeeded))
        .after(14, What::Done) // 19
        .after(19, What::Exited("DiscoverVolumes".into(), Value::Null))
        .after(20, iteration(Status::Succeeded))
        .after(21, What::Other)
        .after(22, What::Exited("DiscoverRegions".into(), Value::Null)) // 23
        .after(23, What::Entered(Family::Map, "BackUpRegions".into(), Value::Null))
        .execution(Status::Aborted, vec![])
}
