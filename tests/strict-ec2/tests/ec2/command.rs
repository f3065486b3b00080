//! The command: its output, its errors and its end.

use std::{
    io::{BufRead, BufReader, Read},
    net::TcpListener,
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc,
    time::{Duration, Instant},
};

use crate::{DEADLINE, caller::Caller, control::Control, moto::Moto};
use serde_json::json;

/// A running `strict-ec2`.
struct Running {
    url: String,
    child: Child,
}

impl Running {
    fn start(arguments: &[&str]) -> Self {
        let mut child = command(arguments).stdout(Stdio::piped()).spawn().expect("the command starts");
        let stdout = child.stdout.take().expect("standard output");
        let (sender, line) = mpsc::channel();
        std::thread::spawn(move || sender.send(BufReader::new(stdout).lines().next()));
        let Ok(Some(Ok(url))) = line.recv_timeout(DEADLINE) else {
            let _ = child.kill();
            panic!("strict-ec2 {arguments:?} did not print its URL in time");
        };
        Self { url, child }
    }

    /// Sends a signal and returns the exit status.
    fn stop(mut self, signal: &str) -> ExitStatus {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", signal, &id]).status().expect("kill runs").success());
        let sent = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("the status of the command") {
                return status;
            }
            assert!(sent.elapsed() < DEADLINE, "strict-ec2 still runs after {signal}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_strict-ec2"));
    command.args(arguments);
    command
}

/// Returns the exit code and the standard error of a command that cannot start.
fn refusal(arguments: &[&str]) -> (Option<i32>, String) {
    let mut child = command(arguments).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it starts");
    let mut stderr = child.stderr.take().expect("standard error");
    let (sender, text) = mpsc::channel();
    std::thread::spawn(move || {
        let mut text = String::new();
        let _ = stderr.read_to_string(&mut text);
        sender.send(text)
    });
    let Ok(text) = text.recv_timeout(DEADLINE) else {
        let _ = child.kill();
        panic!("strict-ec2 {arguments:?} runs although it must not start");
    };
    (child.wait().expect("a status").code(), text)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_and_a_fault_over_http_apply_to_the_next_calls() {
    let moto = Moto::start();
    let running = Running::start(&["--upstream", &moto.url]);
    let (ec2, control) = (Caller::new(&running.url, moto), Control::new(&running.url));
    let volume = ec2.volume("gp3").await;

    let (status, rules) = control.put("rules", json!({"page": 2, "between_snapshots_ms": 3_600_000})).await;
    assert_eq!((status, &rules["page"], &rules["empty_pages"]), (200, &json!(2), &json!(false)), "{rules}");
    assert!(ec2.snapshot(&volume).await.starts_with("snap-"));
    assert_eq!(ec2.snapshot(&volume).await, "SnapshotCreationPerVolumeRateExceeded");
    assert_eq!(control.post("clock", json!({"advance_ms": 3_600_000})).await.0, 204);

    let fault = json!({"fault": "lost_answer", "match": {"action": "CreateSnapshot", "times": 1}});
    assert_eq!(control.post("faults", fault).await.0, 201);
    assert_eq!(ec2.snapshot(&volume).await, "cut");
    control.put("rules", json!({"page": 2})).await;
    assert!(ec2.snapshot(&volume).await.starts_with("snap-"), "the fault strikes once");
    let (snapshots, pages) = ec2.list("").await;
    assert_eq!((snapshots.len(), pages), (3, vec![2, 1]), "the lost answer had its effect");
    assert_eq!(control.get("faults").await[0]["struck"], 1);

    let calls = control.get("calls").await;
    let answers: Vec<_> = calls.as_array().expect("a list").iter().map(|call| call["answer"].as_str()).collect();
    let expected = ["Ok", "Ok", "SnapshotCreationPerVolumeRateExceeded", "cut", "Ok", "Ok", "Ok"];
    assert_eq!(answers, expected.map(Some), "{calls}");
    assert_eq!((&calls[1]["action"], &calls[1]["subject"]), (&json!("CreateSnapshot"), &json!(volume)));
    assert_eq!(control.delete("calls").await, 204);
    assert_eq!(control.get("calls").await, json!([]));
}

#[test]
fn the_command_stops_on_a_signal() {
    for signal in ["TERM", "INT"] {
        let running = Running::start(&["--upstream", "http://127.0.0.1:1"]);
        assert!(running.url.starts_with("http://127.0.0.1:"), "{}", running.url);
        assert_eq!(running.stop(signal).code(), Some(0), "{signal}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_sets_the_first_rules() {
    let directory = std::env::temp_dir().join(format!("strict-ec2-{}", std::process::id()));
    std::fs::create_dir_all(&directory).expect("a directory");
    let file = directory.join("rules.json");
    let path = file.to_str().expect("a path in UTF-8");
    let arguments = ["--upstream", "http://127.0.0.1:1", "--rules", path];

    std::fs::write(&file, r#"{"page": 7}"#).expect("a file");
    let running = Running::start(&arguments);
    assert_eq!(Control::new(&running.url).get("rules").await["page"], 7);

    std::fs::write(&file, r#"{"page": "seven"}"#).expect("a file");
    let reason = "page: invalid type: string \"seven\", expected a whole number";
    assert_eq!(refusal(&arguments), (Some(2), format!("error: The rules in {path} are refused. {reason}\n")));
    std::fs::remove_dir_all(&directory).expect("the directory is removed");
    let (code, text) = refusal(&arguments);
    assert_eq!(code, Some(2));
    assert!(text.starts_with(&format!("error: Cannot read the rules in {path}: ")), "{text}");
}

#[test]
fn a_command_that_cannot_start_prints_one_line_and_exits_with_2() {
    let busy = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let busy = busy.local_addr().map(|address| (busy, address.to_string())).expect("an address");
    for (arguments, expected) in [
        (vec![], "--upstream <URL>"),
        (
            vec!["--upstream", "moto"],
            "'moto' for '--upstream <URL>': use an http URL, for example http://127.0.0.1:5000",
        ),
        (vec!["--upstream", "http://127.0.0.1:1", "--listen", "4600"], "use an IP address and a port"),
        (vec!["--upstream", "http://127.0.0.1:1", "--listen", &busy.1], "is in use by another process. Use another"),
        (vec!["--upstream", "http://127.0.0.1:1", "--pages", "3"], "'--pages'"),
    ] {
        let (code, text) = refusal(&arguments);
        assert_eq!((code, text.lines().count()), (Some(2), 1), "{arguments:?}: {text}");
        assert!(text.starts_with("error: ") && text.contains(expected), "{arguments:?}: {text}");
    }
}
