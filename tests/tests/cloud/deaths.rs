//! A function dies during a call, at every attempt. The rest of the run continues, and a rerun creates only the missing snapshots.

use serde_json::json;
use std::{
    path::Path,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};
use strict_ec2::{Call, Rules, StrictEc2};
use tests::cloud::{Cloud, WITHOUT_SERVERS};

const TIME: &str = "2027-02-01T04:30:00Z";

/// Kills the process that makes a call, like a crash of its machine. It is the process at the other end of the connection.
fn kill_caller(port: u16, strict: u16) {
    let sockets = std::fs::read_to_string("/proc/net/tcp").expect("the sockets");
    let from_here_to_strict = |columns: &Vec<&str>| {
        let ends = |at: usize, port: u16| columns[at].ends_with(&format!(":{port:04X}"));
        ends(1, port) && ends(2, strict)
    };
    let mut columns = sockets.lines().skip(1).map(|line| line.split_whitespace().collect::<Vec<_>>());
    let inode = columns.find(from_here_to_strict).expect("a socket")[9].to_owned();
    let socket = format!("socket:[{inode}]");
    let holds = |process: &Path| {
        let open = std::fs::read_dir(process.join("fd")).into_iter().flatten().flatten();
        open.flat_map(|file| file.path().read_link()).any(|file| file.as_os_str() == socket.as_str())
    };
    let processes = std::fs::read_dir("/proc").expect("/proc").flatten().map(|entry| entry.path());
    let process = processes.into_iter().find(|process| holds(process)).expect("the caller");
    let killed = Command::new("kill").arg("-9").arg(process.file_name().expect("a pid")).status();
    assert!(killed.expect("kill").success());
}

fn port(strict: &StrictEc2) -> u16 {
    strict.url.rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port")
}

/// A function, the call during which it dies, and a part of the email of that run.
type Death = (&'static str, fn(&Call, &str) -> bool, &'static str);

const DEATHS: [Death; 6] = [
    ("discover-volumes", |call, _| call.is_filtered("DescribeVolumes", "status"), "the step DiscoverVolumes"),
    (
        "snapshot-one",
        |call, victim| {
            call.is_filtered("DescribeSnapshots", "volume-id")
                && call.filters().iter().any(|(_, values)| values.contains(&victim))
        },
        "1 of 2 volumes has no snapshot",
    ),
    ("tag-snapshot", |call, _| call.action == "CreateTags", "SnapshotVolumes"),
    (
        "find-expired",
        |call, _| call.action == "DescribeVolumes" && !call.is_filtered("DescribeVolumes", "status"),
        "the step FindExpired",
    ),
    ("delete-one", |call, _| call.action == "DeleteSnapshot", "DeleteExpired"),
    (
        "report-night",
        |call, _| {
            call.is_filtered("DescribeSnapshots", "tag:Night") && !call.is_filtered("DescribeSnapshots", "volume-id")
        },
        "before its report",
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_function_that_dies_stops_nothing_else_and_the_second_start_finishes_what_is_missing() {
    let strict = StrictEc2::listen(Rules::default());
    let cloud = Cloud::up_with(
        "deaths",
        &["Keep=Daily=1,Quarterly=5,Annual=forever"],
        &[("AWS_ENDPOINT_URL_EC2", &strict.url), WITHOUT_SERVERS],
    );
    strict.forward_to(&cloud.ec2_url());
    cloud.attach_volumes(2).await;
    let (mailbox, port) = (cloud.mailbox().await, port(&strict));
    assert_eq!(cloud.night(json!({"time": TIME})).await.status, "SUCCEEDED");
    let volumes = cloud.ec2("us-east-1").await.describe_volumes().send().await.expect("volumes");
    let victim_id = volumes.volumes()[0].volume_id().expect("an id").to_owned();

    for (day, (function, dies, told)) in (2..).zip(DEATHS) {
        let night = format!("2027-02-{day:02}");
        let input = json!({"time": format!("{night}T04:30:00Z")});
        // discover-volumes makes the same call as report-night, and must not die.
        let begun = Arc::new(AtomicBool::new(function != "report-night"));
        let victim = victim_id.clone();
        strict.before(move |call| {
            let now = begun.load(Ordering::SeqCst) && dies(&call, &victim);
            begun.fetch_or(call.action == "DeleteSnapshot", Ordering::SeqCst);
            Box::pin(async move {
                if now {
                    kill_caller(call.port, port);
                }
            })
        });
        let first = cloud.night(input.clone()).await;
        assert_eq!(first.status, "FAILED", "{function}");
        let mail = cloud.mail(&mailbox).await;
        assert!(mail.len() == 1 && mail[0].1.contains(told), "{function}: {mail:?}");
        if function == "snapshot-one" {
            let region = &first.report["regions"][0];
            assert_eq!(region["protected"].as_array().map(Vec::len), Some(1), "the other volume: {region}");
            assert_eq!(region["expired"].as_array().map(Vec::len), Some(1), "the other volume: {region}");
        }

        strict.before(|_| Box::pin(async {}));
        strict.forget_calls();
        let made_before = cloud.snapshots().await.values().filter(|tags| tags["Night"] == night).count();
        let second = cloud.night(input).await;
        assert_eq!(second.status, "SUCCEEDED", "{function}: {}", second.cause);
        assert!(cloud.mail(&mailbox).await.is_empty(), "{function}: a complete run sends no email");
        assert_eq!(strict.count("CreateSnapshot"), 2 - made_before, "{function}: exactly what is missing");
        let now = cloud.snapshots().await;
        assert_eq!(now.len(), 2, "{function}: {now:?}");
        assert!(now.values().all(|tags| tags["Night"] == night && tags.contains_key("Name")), "{function}: {now:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_that_dies_once_after_its_snapshot_was_made_makes_no_second() {
    let strict = StrictEc2::listen(Rules::default());
    let cloud = Cloud::up_with("death", &[], &[("AWS_ENDPOINT_URL_EC2", &strict.url), WITHOUT_SERVERS]);
    strict.forward_to(&cloud.ec2_url());
    cloud.attach_volumes(2).await;
    let port = port(&strict);
    strict.before(move |call| {
        Box::pin(async move {
            if call.action == "CreateSnapshot" {
                kill_caller(call.port, port);
            }
        })
    });
    let night = cloud.night(json!({"time": TIME})).await;
    assert_eq!(night.status, "SUCCEEDED", "{}", night.cause);
    assert_eq!((strict.count("CreateSnapshot"), cloud.snapshots().await.len()), (2, 2));
}
