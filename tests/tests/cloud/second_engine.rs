//! The same runs on two Step Functions engines: ministack's, which every other test uses, and moto's interpreter.

use aws_sdk_sfn::{Client, types::HistoryEvent};
use regex::Regex;
use serde_json::{Value, json};
use std::{collections::BTreeMap, process::Command, sync::LazyLock};
use strict_ec2::{Call, Fault, Rules, StrictEc2};
use tests::{cloud::Cloud, root};

/// The runs, in this order on each engine: what one does depends on those before.
const RUNS: [(&str, &str); 4] = [
    ("complete run", r#"{"time": "2027-02-01T04:30:00Z"}"#),
    ("failed volume", r#"{"time": "2027-02-02T04:30:00Z"}"#),
    ("bad input", r#"{"tiem": "2027-02-03T04:30:00Z"}"#),
    ("dry run", r#"{"time": "2027-02-03T04:30:00Z", "dryRun": true}"#),
];

/// A difference between the engines. second_engine.py removes it from moto, because ministack does what AWS does.
struct Difference {
    /// The function of second_engine.py that removes it.
    adaptation: &'static str,
    moto: &'static str,
    aws: &'static str,
    source: &'static str,
}

/// Every known difference. Any other one fails the test.
const DIFFERENCES: [Difference; 5] = [
    Difference {
        adaptation: "read_json_lines",
        moto: "refuses the InputType JSONL",
        aws: "reads one item from each line",
        source: "Step Functions Developer Guide, ItemReader (Map), InputType",
    },
    Difference {
        adaptation: "in_motos_grammar",
        moto: "refuses an integer as ToleratedFailurePercentage, and WriterConfig",
        aws: "takes any number from 0 to 100, and WriterConfig",
        source: "Step Functions Developer Guide, Setting failure thresholds for Distributed Map states; ResultWriter (Map)",
    },
    Difference {
        adaptation: "write_results",
        moto: "writes a manifest without result files, and evaluates the Parameters of a ResultWriter against the results",
        aws: "writes a record of each child, and evaluates Parameters against the input of the state",
        source: "Step Functions Developer Guide, ResultWriter (Map); Manipulate parameters: the values are static, or selected from the input \
                 or the context object. No recording has a path there.",
    },
    Difference {
        adaptation: "tolerate_failures",
        moto: "tolerates every failed child",
        aws: "fails the Map Run if more children fail than the tolerated percentage; by default, if one fails",
        source: "Step Functions Developer Guide, Setting failure thresholds for Distributed Map states. In the recordings \
                 test_map_state_tolerated_failure_*, no child fails.",
    },
    Difference {
        adaptation: "record_children",
        moto: "drops the events of children and lists no children",
        aws: "keeps the history of each child execution",
        source: "Step Functions Developer Guide, Using Map state in Distributed mode",
    },
];

/// The outcome of a run, aspect by aspect, without ids and times.
type Outcome = BTreeMap<String, String>;

/// A local cloud of one engine. Both clouds start from the same state, so that both engines have the same work.
struct EngineCloud {
    cloud: Cloud,
    strict: StrictEc2,
    mailbox: String,
}

impl EngineCloud {
    async fn up(name: &str) -> Self {
        let strict = StrictEc2::listen(Rules::default());
        let cloud = Cloud::up_with(
            name,
            &["Keep=Daily=1,Quarterly=5,Annual=forever"],
            &[("AWS_ENDPOINT_URL_EC2", &strict.url)],
        );
        strict.forward_to(&cloud.moto());
        let mailbox = cloud.mailbox().await;
        Self { cloud, strict, mailbox }
    }

    /// Prepares a run: EC2 denies a snapshot of the web server's volume.
    async fn prepare(&self, run: &str) {
        self.strict.clear_faults();
        if run == "failed volume" {
            let denied = self.volume_of("web-server").await;
            let is_denied = move |call: &Call| call.action == "CreateSnapshot" && call.volume_id() == Some(&denied);
            self.strict.inject(Fault::Denied, is_denied);
        }
    }

    async fn volume_of(&self, server: &str) -> String {
        let listed = self.cloud.ec2("us-east-1").await.describe_instances().send().await.expect("the servers");
        let mut servers = listed.reservations().iter().flat_map(|reservation| reservation.instances());
        let server = servers.find(|one| one.tags().iter().any(|tag| tag.value() == Some(server))).expect("the server");
        let volume = server.block_device_mappings()[0].ebs().and_then(|disk| disk.volume_id());
        volume.expect("a volume").to_owned()
    }

    /// The outcome of a run that has ended.
    async fn outcome(&self, ended: ExecutionTrace) -> Outcome {
        let report = self.cloud.report(&format!("{} {}", ended.output, ended.cause)).await;
        let mail = self.cloud.mail(&self.mailbox).await;
        let subjects: Vec<_> = mail.into_iter().map(|(subject, _)| subject).collect();
        let mut outcome = Outcome::from([
            ("output".to_owned(), mask(&ended.output.to_string())),
            ("status".to_owned(), ended.status),
            ("error".to_owned(), ended.error),
            ("cause".to_owned(), mask(&ended.cause)),
            ("states".to_owned(), ended.states.join("\n")),
            ("events".to_owned(), ended.events.join("\n")),
            ("emails".to_owned(), subjects.join("\n")),
            ("report".to_owned(), serde_json::to_string_pretty(&shape(&report)).expect("JSON")),
        ]);
        for (map, mut children) in ended.children {
            children.sort();
            let lines: Vec<_> = children.iter().map(|states| states.join(", ")).collect();
            outcome.insert(format!("children of {map}"), lines.join("\n"));
        }
        outcome
    }
}

/// An execution that has ended, with the names of the states that it and its children entered.
struct ExecutionTrace {
    status: String,
    error: String,
    cause: String,
    output: Value,
    /// In the order entered.
    states: Vec<String>,
    /// By Map state.
    children: BTreeMap<String, Vec<Vec<String>>>,
    /// The types of the events of the execution itself.
    events: Vec<String>,
}

async fn on_ministack(cloud: &Cloud, input: &str) -> ExecutionTrace {
    let night = cloud.night(serde_json::from_str(input).expect("JSON")).await;
    let sfn = Client::new(&cloud.aws().await);
    let described = sfn.describe_execution().execution_arn(&night.execution).send().await.expect("the execution");
    let runs = sfn.list_map_runs().execution_arn(&night.execution).send().await.expect("the Map Runs").map_runs;
    let mut children = BTreeMap::<_, Vec<_>>::new();
    for run in runs {
        // `…:mapRun:<state machine>/<label>:<uuid>`. The label of a Map state is its name.
        let label = run.map_run_arn.split(['/', ':']).rev().nth(1).expect("a label").to_owned();
        let listed = sfn.list_executions().map_run_arn(run.map_run_arn).into_paginator().items().send();
        for child in listed.collect::<Result<Vec<_>, _>>().await.expect("the children") {
            children.entry(label.clone()).or_default().push(states(&history(&sfn, &child.execution_arn).await));
        }
    }
    let events = history(&sfn, &night.execution).await;
    ExecutionTrace {
        status: night.status,
        error: night.error,
        cause: night.cause,
        output: described.output.map_or(Value::Null, |output| serde_json::from_str(&output).expect("JSON")),
        states: states(&events),
        children,
        events: events.iter().map(|event| event.r#type.as_str().to_owned()).collect(),
    }
}

async fn history(sfn: &Client, execution: &str) -> Vec<HistoryEvent> {
    let history = sfn.get_execution_history().execution_arn(execution).into_paginator().items().send();
    history.collect::<Result<_, _>>().await.expect("the history")
}

fn states(events: &[HistoryEvent]) -> Vec<String> {
    let entered = |event: &HistoryEvent| Some(event.state_entered_event_details()?.name().to_owned());
    events.iter().filter_map(entered).collect()
}

/// Runs second_engine.py. The execution's name is a UUID, as on ministack.
fn on_moto(cloud: &Cloud, number: usize, input: &str) -> ExecutionTrace {
    let name = format!("00000000-0000-0000-0000-{number:012}");
    let script = ". \"$0\"; exec \"$@\"";
    let mut command = Command::new("sh");
    command.args(["-c", script]).arg(cloud.directory.join("env")).arg(root().join("target/venv/bin/python"));
    command.arg(root().join("tests/local_cloud/second_engine.py")).arg(cloud.exported("STATE_MACHINE_ARN"));
    command.args(["--name", &name, "--input", input]).current_dir(root()).envs(cloud.env());
    let output = command.output().expect("sh");
    assert!(output.status.success(), "second_engine.py: {}", String::from_utf8_lossy(&output.stderr));
    let document: Value = serde_json::from_slice(&output.stdout).expect("one JSON document");
    let text = |field: &str| document[field].as_str().unwrap_or_default().to_owned();
    ExecutionTrace {
        status: text("status"),
        error: text("error"),
        cause: text("cause"),
        output: document["output"].clone(),
        states: serde_json::from_value(document["states"].clone()).expect("names"),
        events: serde_json::from_value(document["events"].clone()).expect("types"),
        children: serde_json::from_value(document["children"].clone()).expect("names by Map state"),
    }
}

/// Replaces ids, hexadecimal names and times.
fn mask(text: &str) -> String {
    const PATTERNS: [&str; 3] = [
        r"\b(vol-|snap-|i-|StateMachine-|ledgerbucket-)[0-9A-Fa-f]+",
        r"()[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}",
        r"()[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z",
    ];
    static MASKS: LazyLock<[Regex; 3]> =
        LazyLock::new(|| PATTERNS.map(|pattern| Regex::new(pattern).expect("a pattern")));
    MASKS.iter().fold(text.to_owned(), |text, mask| mask.replace_all(&text, "$1…").into_owned())
}

/// A report without ids, times and amounts. Its lists have no order, because EC2 chooses the ids.
fn shape(report: &Value) -> Value {
    match report {
        Value::String(text) => json!(mask(text)),
        Value::Number(number) if !number.is_u64() => json!("(amount)"),
        Value::Array(items) => {
            let mut items: Vec<_> = items.iter().map(shape).collect();
            items.sort_by_cached_key(Value::to_string);
            json!(items)
        }
        Value::Object(fields) => fields.iter().map(|(key, value)| (key.clone(), shape(value))).collect(),
        other => other.clone(),
    }
}

/// Describes the differences between two outcomes of a run.
fn differences(run: &str, ministack: &Outcome, moto: &Outcome) -> String {
    let nothing = String::new();
    let mut differences = String::new();
    for aspect in ministack.keys().chain(moto.keys().filter(|aspect| !ministack.contains_key(*aspect))) {
        let [of_ministack, of_moto] = [ministack, moto].map(|outcome| outcome.get(aspect).unwrap_or(&nothing));
        if of_ministack != of_moto {
            differences += &format!("\n{run}, {aspect}:\n{}", diff(of_ministack, of_moto));
        }
    }
    differences
}

/// The lines that only one of two texts has, from a longest common subsequence.
fn diff(ministack: &str, moto: &str) -> String {
    let [left, right] = [ministack, moto].map(|text| text.lines().collect::<Vec<_>>());
    // `common[i][j]`: how many lines `left[i..]` and `right[j..]` have in common.
    let mut common = vec![vec![0; right.len() + 1]; left.len() + 1];
    for i in (0..left.len()).rev() {
        for j in (0..right.len()).rev() {
            let longer = common[i + 1][j].max(common[i][j + 1]);
            common[i][j] = if left[i] == right[j] { common[i + 1][j + 1] + 1 } else { longer };
        }
    }
    let (mut lines, mut i, mut j) = (String::new(), 0, 0);
    while i < left.len() || j < right.len() {
        if i < left.len() && j < right.len() && left[i] == right[j] {
            (i, j) = (i + 1, j + 1);
        } else if j == right.len() || (i < left.len() && common[i + 1][j] >= common[i][j + 1]) {
            lines += &format!("  {:>3} ministack  {}\n", i + 1, left[i]);
            i += 1;
        } else {
            lines += &format!("  {:>3} moto       {}\n", j + 1, right[j]);
            j += 1;
        }
    }
    lines
}

#[tokio::test(flavor = "multi_thread")]
async fn two_engines_run_the_state_machine_alike() {
    let first = EngineCloud::up("second-engine-ministack").await;
    let second = EngineCloud::up("second-engine-moto").await;
    let mut all = String::new();
    for (number, (run, input)) in RUNS.into_iter().enumerate() {
        first.prepare(run).await;
        let ministack = first.outcome(on_ministack(&first.cloud, input).await).await;
        second.prepare(run).await;
        let moto = second.outcome(on_moto(&second.cloud, number, input)).await;
        all += &differences(run, &ministack, &moto);
        let expected = if matches!(run, "complete run" | "dry run") { "SUCCEEDED" } else { "FAILED" };
        assert_eq!(ministack["status"], expected, "{run}: {ministack:?}");
    }
    assert!(all.is_empty(), "the engines differ:\n{all}");
}

#[test]
fn every_adaptation_to_aws_has_a_source() {
    let script = tests::text("tests/local_cloud/second_engine.py");
    let (_, section) = script.split_once("# Where moto differs from AWS\n").expect("the section");
    let (section, _) = section.split_once("# Where moto differs from the local cloud\n").expect("the next section");
    let functions: Vec<_> = section.lines().filter_map(|line| line.strip_prefix("def ")?.split('(').next()).collect();
    assert_eq!(functions, DIFFERENCES.map(|difference| difference.adaptation));
    for Difference { adaptation, moto, aws, source } in DIFFERENCES {
        assert!([moto, aws, source].iter().all(|text| !text.is_empty()), "{adaptation}");
    }
}
