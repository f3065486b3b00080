//! `make night`, `make up` and `make down`.

use serde_json::Value;
use std::{
    collections::BTreeSet,
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Output},
};
use tests::{cloud::Cloud, root, without_cargo};

fn make(cloud: &Cloud, arguments: &[&str]) -> Output {
    let mut command = Command::new("make");
    command.args(["--silent", "--no-print-directory"]).args(arguments).current_dir(root());
    without_cargo(&mut command).env_remove("MAKEFLAGS").env_remove("MAKELEVEL").envs(cloud.env());
    command.output().expect("make")
}

fn output_text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn report(cloud: &Cloud) -> Value {
    let status = cloud.nightly(&["status", "2026-12-31", "--json"]);
    serde_json::from_slice::<Value>(&status.stdout).expect("JSON")["report"].clone()
}

fn kill(cloud: &Cloud, name: &str) {
    let file = std::fs::read_to_string(cloud.directory.join(format!("{name}.pid"))).expect("a pid file");
    let pid = serde_json::from_str::<Value>(&file).expect("JSON")["pid"].to_string();
    assert!(Command::new("kill").args(["-9", &pid]).status().expect("kill").success());
}

#[tokio::test]
async fn make_night_protects_the_servers_and_a_second_time_creates_nothing() {
    let cloud = Cloud::down("make-night", vec![]);
    let first = make(&cloud, &["night", "NIGHT=2026-12-31"]);
    assert!(first.status.success(), "{}", output_text(&first));

    let ec2 = cloud.ec2("us-east-1").await;
    let instances = ec2.describe_instances().send().await.expect("the servers");
    let servers = instances.reservations().iter().flat_map(|reservation| reservation.instances());
    let servers: BTreeSet<_> = servers.map(|server| server.instance_id().expect("an id").to_owned()).collect();
    assert_eq!(servers.len(), 2);
    let protected = report(&cloud)["regions"][0]["protected"].as_array().expect("an array").clone();
    let of: BTreeSet<_> =
        protected.iter().map(|one| one["instances"][0].as_str().expect("a server").to_owned()).collect();
    assert_eq!(of, servers);
    for one in &protected {
        let (volume, snapshot) = (one["volumeId"].as_str().expect("an id"), one["snapshotId"].as_str().expect("an id"));
        assert!(
            output_text(&first).contains(volume) && output_text(&first).contains(snapshot),
            "{}",
            output_text(&first)
        );
        assert!(one["created"] == true && one["state"] == "completed");
    }
    for step in [
        "DiscoverRegions  us-east-1: 2 to snapshot",
        "SnapshotVolumes  2 of 2 done",
        "ReportNight      Night 2026-12-31",
    ] {
        assert!(output_text(&first).contains(step), "{}", output_text(&first));
    }
    assert!(
        output_text(&first).contains("2026-12-31 (Daily+Annual)") && output_text(&first).contains("No email was sent")
    );

    for night in ["2026-02-30", "--help", ""] {
        let output = make(&cloud, &["night", "DRY_RUN=1", &format!("NIGHT={night}")]);
        let refusal =
            format!("invalid value '{night}' for '--night <DATE>': {night:?} is not a date such as 2026-12-31");
        let told = output_text(&output).contains(&refusal);
        assert_eq!((output.status.success(), told), (night.is_empty(), !night.is_empty()), "{}", output_text(&output));
    }

    let before = cloud.snapshots().await;
    let second = make(&cloud, &["night", "NIGHT=2026-12-31"]);
    assert!(second.status.success(), "{}", output_text(&second));
    assert!(output_text(&second).contains("Nothing was created"), "{}", output_text(&second));
    assert_eq!(cloud.snapshots().await, before);
}

#[tokio::test]
async fn the_local_cloud_comes_up_again_after_a_kill_and_goes_down_twice() {
    let cloud = Cloud::down("make-up", vec![]);
    assert!(make(&cloud, &["up"]).status.success());
    assert!(output_text(&make(&cloud, &["up"])).matches("unchanged").count() == 2);
    for name in ["ministack", "moto"] {
        kill(&cloud, name);
        let again = make(&cloud, &["night"]);
        assert!(again.status.success(), "after kill -9 of {name}: {}", output_text(&again));
    }
    let elsewhere = make(&cloud, &["night", "AWS_ENDPOINT_URL_EC2=http://127.0.0.1:9"]);
    assert!(
        !elsewhere.status.success() && output_text(&elsewhere).contains("Transient: DescribeRegions"),
        "{}",
        output_text(&elsewhere)
    );
    assert!(output_text(&make(&cloud, &["down"])).contains("Stopped ministack and moto."));
    assert!(output_text(&make(&cloud, &["down"])).contains("Nothing was running."));
    assert!(TcpListener::bind(("127.0.0.1", cloud.port)).is_ok());
}

#[test]
fn a_port_in_use_or_nonsense_is_one_line_that_says_what_to_do() {
    let cloud = Cloud::down("make-port", vec![]);
    let taken = TcpListener::bind(("127.0.0.1", cloud.port)).expect("a free port");
    let output = cloud.run("up", &[]);
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(error.lines().count(), 1, "{error}");
    assert!(error.contains(&format!("port {} is in use", cloud.port)) && error.contains("PORT="), "{error}");
    drop(taken);

    let nonsense = Cloud::down("make-nonsense", vec![("PORT".into(), "http".into())]);
    let output = nonsense.run("up", &[]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "up: PORT=http is not a port from 1024 to 65534\n");
}

fn fake(folder: &Path, name: &str, script: &str) {
    std::fs::create_dir_all(folder).expect("a folder");
    let path = folder.join(name);
    std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("a script");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("made executable");
}

/// Runs `make functions` with `folder` first on the path. Returns whether it succeeded, and its output.
fn make_functions(folder: &Path, arguments: &[&str]) -> (bool, String) {
    let path = format!("{}:{}", folder.display(), std::env::var("PATH").expect("PATH"));
    let cloud = Cloud::down("make-functions", vec![("PATH".into(), path)]);
    let output = make(&cloud, &[&["functions"], arguments].concat());
    (output.status.success(), output_text(&output))
}

#[test]
fn a_python_without_venv_or_a_failed_build_is_a_line_that_says_what_to_do() {
    let folder = root().join("target/tests/fakes");
    fake(&folder.join("python"), "python3", "case \"$2\" in *ensurepip*) exit 1;; esac");
    fake(&folder.join("cargo"), "cargo", "exit 101");

    let elsewhere = format!("VENV={}", folder.join("venv").display());
    let (went_well, said) = make_functions(&folder.join("python"), &[&elsewhere]);
    assert!(
        !went_well && said.contains("python3 has no venv; install it (Debian, Ubuntu: apt install python3-venv)"),
        "{said}"
    );

    let (went_well, said) = make_functions(&folder.join("cargo"), &[]);
    assert!(!went_well && said.contains("the build failed; fix the errors above and run this again"), "{said}");
}

/// The shell of the caller is not changed, neither after `make shell` nor by the profile.
#[tokio::test]
async fn the_local_cloud_is_reached_by_a_sub_shell_or_a_profile_alone() {
    let cloud = Cloud::up("make-shell", &[]);
    let run = |script: &str| {
        let mut command = Command::new("bash");
        command.args(["-c", script]).current_dir(root()).envs(cloud.env()).env("SHELL", "/bin/bash");
        for name in ["MAKEFLAGS", "MAKELEVEL", "AWS_ENDPOINT_URL", "AWS_REGION", "AWS_DEFAULT_REGION"] {
            command.env_remove(name);
        }
        without_cargo(&mut command);
        command.output().expect("bash")
    };
    let shell =
        run("echo 'nightly coverage; aws sts get-caller-identity' | make --silent shell; echo \"[$AWS_ENDPOINT_URL]\"");
    assert!(
        output_text(&shell).contains("none") && output_text(&shell).contains("000000000000"),
        "{}",
        output_text(&shell)
    );
    assert!(output_text(&shell).contains("[]\n"), "{}", output_text(&shell));
    let profile = "AWS_CONFIG_FILE=\"$LOCAL_DIR/config\" target/debug/nightly --profile nightly-local";
    let coverage = run(&format!("{profile} coverage"));
    assert!(output_text(&coverage).contains("2 of 2 volumes have no restore point"), "{}", output_text(&coverage));
    let night = run(&format!("{profile} run"));
    assert!(
        night.status.success() && output_text(&night).contains("All 2 volumes are protected."),
        "{}",
        output_text(&night)
    );
}
