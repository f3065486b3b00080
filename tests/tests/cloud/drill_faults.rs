//! Each fault at each call that a drill makes to EC2: what happens, and what is reported. The table of docs/design.md is what this test
//! saw; `UPDATE=1 make test` writes it anew.

use std::{
    fmt::Write,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};
use strict_ec2::{Call, Fault};
use tests::page;

use crate::{drill::Ground, faults::faults};

/// A function, a call of it, and how that is told from the same call of another function.
type Place = (&'static str, &'static str, fn(&Call) -> bool);

/// remove-one asks for a volume by a filter, choose-restore-points for all that bear the tag; check-one asks for one by its id.
fn looks_for_one(call: &Call) -> bool {
    call.is_filtered("DescribeVolumes", "volume-id")
}

fn looks_for_all(call: &Call) -> bool {
    call.is_filtered("DescribeVolumes", "tag:RestoreDrill") && !call.is_filtered("DescribeVolumes", "snapshot-id")
}

const PLACES: [Place; 7] = [
    ("choose-restore-points", "DescribeAvailabilityZones", |call| call.action == "DescribeAvailabilityZones"),
    ("choose-restore-points", "DescribeSnapshots", |call| call.action == "DescribeSnapshots"),
    ("choose-restore-points", "DescribeVolumes", looks_for_all),
    ("restore-one", "CreateVolume", |call| call.action == "CreateVolume"),
    ("check-one", "DescribeVolumes", |call| call.action == "DescribeVolumes" && call.filters().is_empty()),
    ("remove-one", "DescribeVolumes", looks_for_one),
    ("remove-one", "DeleteVolume", |call| call.action == "DeleteVolume"),
];

/// Runs a drill with one fault, which strikes the first call of its kind, and where it failed another; says what was seen.
async fn strike(ground: &Ground, (function, call, is): Place, fault: &Fault) -> String {
    let (mut seen, struck) = (0, Arc::new(AtomicBool::new(false)));
    let strikes = struck.clone();
    ground.strict.inject(fault.clone(), move |call| {
        seen += usize::from(is(call));
        let now = is(call) && seen == 1;
        strikes.fetch_or(now, Ordering::SeqCst);
        now
    });
    let drill = ground.drill().await;
    ground.strict.clear_faults();
    let at = format!("{fault:?} at {call} of {function}");
    assert!(struck.load(Ordering::SeqCst), "{at}: no such call");
    let mail = if drill.status == "SUCCEEDED" { vec![] } else { ground.cloud.mail(&ground.mailbox).await };
    assert_eq!(mail.len(), usize::from(drill.status == "FAILED"), "{at}: {mail:?}");
    if drill.status == "SUCCEEDED" {
        assert!(ground.made().await.is_empty(), "{at}: {:?}", ground.made().await);
        return "tried again".to_owned();
    }
    assert!(mail[0].1.contains("UnauthorizedOperation"), "{at}: {mail:?}");
    let again = ground.drill().await;
    assert_eq!(again.status, "SUCCEEDED", "{at}: {}", again.cause);
    assert!(ground.made().await.is_empty(), "{at}: {:?}", ground.made().await);
    let told = mail[0].0.rsplit(": ").next().unwrap_or_default();
    format!("mailed: {told}")
}

#[tokio::test(flavor = "multi_thread")]
async fn no_fault_at_any_call_of_a_drill_leaves_a_volume_and_what_is_not_mended_is_mailed() {
    let ground = Ground::lay("drill-faults", &[]).await;
    ground.night("2027-01-02").await;
    let mut table = String::from("| function | call |");
    let faults = faults();
    faults.iter().for_each(|(name, _)| write!(table, " {name} |").expect("text"));
    table += &format!("\n|---|---|{}\n", "---|".repeat(faults.len()));
    for place in PLACES {
        write!(table, "| {} | {} |", place.0, place.1).expect("text");
        for (_, fault) in &faults {
            write!(table, " {} |", strike(&ground, place, fault).await).expect("text");
        }
        table += "\n";
    }
    page::shows("docs/design.md", "<!-- drill-faults -->\n", "<!-- end -->\n", &table);
}
