//! Injects each fault into each EC2 call of a drill. The effects and the reports are the table in docs/design.md, which
//! `UPDATE=1 make test` rewrites.

use std::{
    collections::HashMap,
    fmt::Write,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};
use strict_ec2::{Call, Fault};
use tests::page;

use crate::{drill::DrillCloud, faults::faults};

/// A function, its call, a predicate that excludes the same call of another function, and the number of the call for its volume.
type KnownCall = (&'static str, &'static str, fn(&Call) -> bool, usize);

/// Returns whether a call describes a single volume, like those of drill-check and drill-remove. drill-check makes only one such call,
/// because here a volume is available at once.
fn looks_for_one(call: &Call) -> bool {
    call.is_filtered("DescribeVolumes", "volume-id")
}

fn looks_for_all(call: &Call) -> bool {
    call.is_filtered("DescribeVolumes", "tag:RestoreDrill") && !call.is_filtered("DescribeVolumes", "snapshot-id")
}

const PLACES: [KnownCall; 7] = [
    ("drill-choose", "DescribeAvailabilityZones", |call| call.action == "DescribeAvailabilityZones", 1),
    ("drill-choose", "DescribeSnapshots", |call| call.action == "DescribeSnapshots", 1),
    ("drill-remove", "DescribeVolumes (left behind)", looks_for_all, 1),
    ("drill-restore", "CreateVolume", |call| call.action == "CreateVolume", 1),
    ("drill-check", "DescribeVolumes", looks_for_one, 1),
    ("drill-remove", "DescribeVolumes", looks_for_one, 2),
    ("drill-remove", "DeleteVolume", |call| call.action == "DeleteVolume", 1),
];

/// Runs a drill with a fault in one call, and a second drill if the first one failed. Returns a description of the effects.
async fn strike(ground: &DrillCloud, (function, call, is, nth): KnownCall, fault: &Fault) -> String {
    let (mut seen, struck) = (HashMap::new(), Arc::new(AtomicBool::new(false)));
    let strikes = struck.clone();
    ground.strict.inject(fault.clone(), move |call| {
        if !is(call) {
            return false;
        }
        let volume = call.filters().into_iter().find(|(name, _)| *name == "volume-id").map(|(_, of)| of.concat());
        let seen = seen.entry(volume).or_insert(0);
        *seen += 1;
        *seen == nth && !strikes.swap(true, Ordering::SeqCst)
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

/// Tests one fault for each call. [`no_fault_at_any_call_of_a_drill_leaves_a_volume_in_full`] tests all combinations.
#[tokio::test(flavor = "multi_thread")]
async fn no_fault_at_a_call_of_a_drill_leaves_a_volume() {
    let ground = DrillCloud::lay("drill-fault", &[]).await;
    ground.night("2027-01-02").await;
    for (place, (_, fault)) in PLACES.into_iter().zip(faults()) {
        strike(&ground, place, &fault).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_fault_at_any_call_of_a_drill_leaves_a_volume_in_full() {
    let ground = DrillCloud::lay("drill-faults", &[]).await;
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
    page::assert_shows("docs/design.md", "<!-- drill-faults -->\n", "<!-- end -->\n", &table);
}
