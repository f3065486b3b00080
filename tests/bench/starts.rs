//! Measures each function: time from process start to first poll, first and later invocations, memory and zip size.

use serde_json::{Value, json};
use std::{path::PathBuf, process::Command, time::Duration};
use tests::{functions, root};

use crate::{
    answers,
    lambda::{Function, prepare},
};

/// Number of processes of each function, started in turn, and number of invocations of each process.
const PROCESSES: usize = 15;
const INVOCATIONS: usize = 10;

/// The medians of one function.
pub struct MeasuredStart {
    /// `snapshot-one`, `bare`, `tutorial (Python)`
    pub name: String,
    /// Time from the start of the process to its first poll.
    pub start: Duration,
    /// Duration of the first invocation.
    pub first: Duration,
    /// Duration of a later invocation.
    pub warm: Duration,
    /// Peak resident memory in bytes.
    pub peak: usize,
    /// Size of the zip for arm64 in bytes. The zip of the Python function includes its packages.
    pub zip: u64,
}

/// The function that links no SDK.
pub const BARE: &str = "bare";
/// The Python function of the tutorial.
pub const PYTHON: &str = "tutorial (Python)";

struct Subject {
    name: String,
    program: PathBuf,
    input: Value,
    zip: PathBuf,
}

/// Measures all functions.
pub async fn measure() -> Vec<MeasuredStart> {
    let aws = answers::listen().await;
    let subjects = subjects();
    let mut runs: Vec<Vec<[Duration; 3]>> = subjects.iter().map(|_| Vec::new()).collect();
    let mut peaks = vec![0; subjects.len()];
    for _ in 0..PROCESSES {
        for (at, subject) in subjects.iter().enumerate() {
            let mut function = Function::start(command(subject, &aws)).await;
            let (first, _) = function.invoke(&subject.input).await;
            let mut warm = Vec::new();
            for _ in 1..INVOCATIONS {
                warm.push(function.invoke(&subject.input).await.0);
            }
            runs[at].push([function.start, first, median(warm)]);
            peaks[at] = peaks[at].max(function.peak().unwrap_or_default());
        }
    }
    let start = |((subject, runs), peak): ((&Subject, &Vec<[Duration; 3]>), usize)| {
        let of = |which: usize| median(runs.iter().map(|run| run[which]).collect());
        let zip = std::fs::metadata(&subject.zip).unwrap_or_else(|error| panic!("{}: {error}", subject.zip.display()));
        MeasuredStart { name: subject.name.clone(), start: of(0), first: of(1), warm: of(2), peak, zip: zip.len() }
    };
    subjects.iter().zip(&runs).zip(peaks).map(start).collect()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

fn subjects() -> Vec<Subject> {
    let released = root().join(std::env::var("NIGHTLY_FUNCTIONS").expect("make bench sets NIGHTLY_FUNCTIONS"));
    let packages = root().join("target/package");
    let ours = |name: &str| Subject {
        name: name.to_owned(),
        program: released.join(name),
        input: input(name),
        zip: packages.join(name).with_extension("zip"),
    };
    let python = Subject {
        name: PYTHON.to_owned(),
        program: root().join("target/venv/bin/python"),
        input: json!({}),
        zip: root().join("target/bench/tutorial.zip"),
    };
    // Only the functions of a run, because those of the drill start once a week.
    let names: Vec<_> = functions().into_iter().filter(|name| !name.starts_with("drill-")).collect();
    [BARE].into_iter().chain(names.iter().map(String::as_str)).map(ours).chain([python]).collect()
}

fn command(subject: &Subject, aws: &str) -> Command {
    let mut command = Command::new(&subject.program);
    if subject.name == PYTHON {
        command.args(["-m", "awslambdaric", "index.handler"]).current_dir(root().join("tests/bench/tutorial"));
        command.env("PYTHONPATH", root().join("target/bench/python"));
    }
    prepare(&mut command, aws);
    command
}

/// Returns the input of a function for one volume, as the state machine passes it.
fn input(function: &str) -> Value {
    let execution = json!({"Id": "arn:aws:states:us-east-1:000000000000:execution:night:run", "Name": "run", "Input": {},
        "StartTime": "2026-05-20T04:30:00.000Z"});
    let volume = json!({"volumeId": "vol-1", "instances": ["i-1"], "tags": {"Name": "db"}});
    let turn = json!({"index": 0, "since": "2026-05-20T04:30:00Z"});
    let empty = json!({"key": "list", "count": 0});
    match function {
        BARE => json!({}),
        "discover-volumes" => json!({"region": "us-east-1", "execution": execution}),
        "snapshot-one" => {
            json!({"region": "us-east-1", "night": "2026-05-20", "intervals": "Daily", "volume": volume, "turn": turn})
        }
        "tag-snapshot" => json!({"region": "us-east-1", "snapshotId": "snap-1", "volume": volume}),
        "find-expired" => json!({"region": "us-east-1", "night": "2026-05-20", "intervals": "Daily", "dryRun": false,
            "workList": empty, "protected": empty, "execution": execution}),
        "delete-one" => json!({"region": "us-east-1", "turn": turn, "snapshot":
            {"snapshotId": "snap-1", "volumeId": "vol-1", "night": "2026-05-01", "interval": "Daily"}}),
        "report-night" => {
            json!({"execution": execution, "regions": [{"region": "us-east-1", "workList": empty, "protected": empty,
            "expiry": {"expired": empty, "failed": empty, "unreadable": empty}}]})
        }
        other => panic!("what is handed to {other}? Say so here"),
    }
}
