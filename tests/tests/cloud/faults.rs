//! Injects each fault into each EC2 call of a run. The effects and the reports are the table in docs/design.md, which
//! `UPDATE=1 make test` rewrites.

use serde_json::json;
use std::{
    fmt::Write,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use strict_ec2::{Call, Fault, Rules, StrictEc2};
use tests::{
    cloud::{Cloud, Night, WITHOUT_SERVERS},
    page,
};

/// A call of a function: its action, and a predicate that excludes the same action of another function.
struct KnownCall {
    function: &'static str,
    call: &'static str,
    /// Returns whether a call is of this kind. The second argument is the Night of the run.
    is: fn(&Call, &str) -> bool,
    /// The fault strikes the n-th call of this kind.
    nth: usize,
}

fn of_night(call: &Call, night: &str) -> bool {
    let tonight = call.filters().iter().any(|(name, values)| *name == "tag:Night" && values.contains(&night));
    call.action == "DescribeSnapshots" && tonight && !call.is_filtered("DescribeSnapshots", "volume-id")
}

fn of_all_nights(call: &Call, _: &str) -> bool {
    call.action == "DescribeSnapshots" && !call.is_filtered("DescribeSnapshots", "tag:Night")
}

const PLACES: [KnownCall; 11] = [
    KnownCall {
        function: "discover-volumes",
        call: "DescribeRegions",
        is: |call, _| call.action == "DescribeRegions",
        nth: 1,
    },
    KnownCall { function: "discover-volumes", call: "DescribeSnapshots", is: of_all_nights, nth: 1 },
    KnownCall {
        function: "discover-volumes",
        call: "DescribeVolumes",
        is: |call, _| call.is_filtered("DescribeVolumes", "status"),
        nth: 1,
    },
    KnownCall {
        function: "snapshot-one",
        call: "DescribeSnapshots",
        is: |call, _| call.is_filtered("DescribeSnapshots", "volume-id"),
        nth: 1,
    },
    KnownCall {
        function: "snapshot-one",
        call: "CreateSnapshot",
        is: |call, _| call.action == "CreateSnapshot",
        nth: 1,
    },
    KnownCall { function: "tag-snapshot", call: "CreateTags", is: |call, _| call.action == "CreateTags", nth: 1 },
    KnownCall { function: "find-expired", call: "DescribeSnapshots", is: of_all_nights, nth: 2 },
    KnownCall {
        function: "find-expired",
        call: "DescribeVolumes",
        is: |call, _| call.action == "DescribeVolumes" && !call.is_filtered("DescribeVolumes", "status"),
        nth: 1,
    },
    KnownCall { function: "delete-one", call: "DeleteSnapshot", is: |call, _| call.action == "DeleteSnapshot", nth: 1 },
    KnownCall { function: "report-night", call: "DescribeSnapshots (tonight's)", is: of_night, nth: 1 },
    KnownCall {
        function: "report-night",
        call: "DescribeSnapshots (expired)",
        is: |call, night| {
            call.is_filtered("DescribeSnapshots", "tag:Night")
                && !call.is_filtered("DescribeSnapshots", "volume-id")
                && !of_night(call, night)
        },
        nth: 1,
    },
];

pub fn faults() -> [(&'static str, Fault); 8] {
    [
        ("answer lost", Fault::LostAnswer),
        ("500 after the effect", Fault::ErrorAfterEffect),
        ("503", Fault::ServerError(503)),
        ("throttled", Fault::Throttled),
        ("silence, then cut", Fault::Hang(Duration::from_millis(500))),
        ("connection reset", Fault::Reset),
        ("no XML", Fault::Malformed),
        ("denied", Fault::Denied),
    ]
}

/// The local cloud, and the Night of the next run.
struct FaultCloud {
    cloud: Cloud,
    strict: StrictEc2,
    mailbox: String,
    night: chrono::NaiveDate,
}

impl FaultCloud {
    async fn after_a_night(name: &str) -> Self {
        let strict = StrictEc2::listen(Rules::default());
        let cloud = Cloud::up_with(name, &["Keep=Daily=1"], &[("AWS_ENDPOINT_URL_EC2", &strict.url), WITHOUT_SERVERS]);
        strict.forward_to(&cloud.ec2_url());
        cloud.attach_volumes(2).await;
        let mailbox = cloud.mailbox().await;
        let account = Self { cloud, strict, mailbox, night: "2026-05-01".parse().expect("a date") };
        assert_eq!(account.night().await.status, "SUCCEEDED");
        account
    }

    async fn night(&self) -> Night {
        self.cloud.night(json!({"time": format!("{}T04:30:00Z", self.night)})).await
    }

    /// Runs a Night with one fault, and reruns it if it failed. Returns a description of the effects.
    async fn strike(&mut self, place: &'static KnownCall, fault: &Fault) -> String {
        self.night = self.night.succ_opt().expect("a day");
        let (tonight, mut seen, struck) = (self.night.to_string(), 0, Arc::new(AtomicBool::new(false)));
        let strikes = struck.clone();
        self.strict.inject(fault.clone(), move |call| {
            seen += usize::from((place.is)(call, &tonight));
            let now = (place.is)(call, &tonight) && seen == place.nth;
            strikes.fetch_or(now, Ordering::SeqCst);
            now
        });
        self.strict.forget_calls();
        let night = self.night().await;
        self.strict.clear_faults();
        let at = format!("{fault:?} at {} of {}", place.call, place.function);
        assert!(struck.load(Ordering::SeqCst), "{at}: no such call");
        let mail = if night.status == "SUCCEEDED" { vec![] } else { self.cloud.mail(&self.mailbox).await };
        assert_eq!(mail.len(), usize::from(night.status == "FAILED"), "{at}: {mail:?}");
        if night.status == "SUCCEEDED" {
            self.is_whole(&at).await;
            return "tried again".to_owned();
        }
        let told = told(&mail[0].1);
        assert!(mail[0].1.contains("UnauthorizedOperation"), "{at}: {mail:?}");
        let again = self.night().await;
        assert_eq!(again.status, "SUCCEEDED", "{at}: {}", again.cause);
        assert!(self.cloud.mail(&self.mailbox).await.is_empty(), "{at}: a complete run sends no email");
        self.is_whole(&at).await;
        format!("mailed: {told}")
    }

    /// Asserts that each volume has one snapshot of this Night with a description, and none of an earlier Night.
    async fn is_whole(&self, at: &str) {
        let snapshots = self.cloud.snapshots().await;
        let night = self.night.to_string();
        assert_eq!(snapshots.len(), 2, "{at}: {snapshots:?}");
        assert!(
            snapshots.values().all(|tags| tags["Night"] == night && tags.contains_key("Name")),
            "{at}: {snapshots:?}"
        );
    }
}

/// Returns the text of the only failure in an email, without IDs.
fn told(message: &str) -> String {
    let Some(about) = message.lines().find_map(|line| line.strip_prefix("  - ")) else {
        return "failed before its report".to_owned();
    };
    match about.trim_start_matches("the step ").split([' ', ',']).next().unwrap_or_default() {
        volume if volume.starts_with("vol-") => "1 of 2 volumes unprotected".to_owned(),
        step => format!("{step} failed"),
    }
}

/// Tests one fault for each call, and each fault with one or two calls.
/// [`no_fault_at_any_call_loses_or_doubles_a_snapshot_in_full`] tests all combinations.
#[tokio::test(flavor = "multi_thread")]
async fn no_fault_at_a_call_loses_or_doubles_a_snapshot() {
    let mut account = FaultCloud::after_a_night("fault").await;
    for (place, (_, fault)) in PLACES.iter().zip(faults().into_iter().cycle()) {
        account.strike(place, &fault).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_fault_at_any_call_loses_or_doubles_a_snapshot_in_full() {
    let mut account = FaultCloud::after_a_night("faults").await;
    let mut table = String::from("| function | call |");
    let faults = faults();
    faults.iter().for_each(|(name, _)| write!(table, " {name} |").expect("text"));
    table += &format!("\n|---|---|{}\n", "---|".repeat(faults.len()));
    for place in &PLACES {
        write!(table, "| {} | {} |", place.function, place.call).expect("text");
        for (_, fault) in &faults {
            write!(table, " {} |", account.strike(place, fault).await).expect("text");
        }
        table += "\n";
    }
    page::assert_shows("docs/design.md", "<!-- faults -->\n", "<!-- end -->\n", &table);
}
