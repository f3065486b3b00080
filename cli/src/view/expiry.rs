//! Describes when and why a snapshot expires.

use domain::{Interval, Night, retention::Policy};

use crate::{forecast::SnapshotEnd, ui::text::plural};

pub fn keeps(policy: Policy) -> String {
    format!(
        "keeps a daily until it is {} old and has {} newer ones, a quarterly until it is {} old and has {} newer ones, an annual forever",
        plural(policy.dailies as usize, "Night"),
        policy.dailies,
        plural(policy.quarterly_months as usize, "month"),
        policy.quarterlies
    )
}

/// Returns the reason for the expiry in a few words.
pub fn reason(end: &SnapshotEnd, state: &str) -> String {
    match end {
        SnapshotEnd::Annual => "annual".to_owned(),
        SnapshotEnd::NewestOfGone => "newest of a gone volume".to_owned(),
        SnapshotEnd::Pending | SnapshotEnd::Other => format!("while it is {state}"),
        SnapshotEnd::LeftOut => "the volume is not backed up".to_owned(),
        SnapshotEnd::Later => "not within ten years".to_owned(),
        SnapshotEnd::Failed(_) => "the snapshot failed".to_owned(),
        SnapshotEnd::Aged { .. } => "by age, its volume is gone".to_owned(),
        SnapshotEnd::Succeeded { on, old_on, newer, needed, is_newest } => match () {
            () if on == old_on => "old enough".to_owned(),
            () if *newer < *needed as usize => format!("needs {needed} newer, has {newer}"),
            () if *is_newest => "has a successor then".to_owned(),
            () => "old, and enough newer".to_owned(),
        },
    }
}

/// Returns sentences about the reason why a snapshot is kept, its expiry date, and the conditions for it. `tagged` is true if a person set
/// `Interval` by hand.
pub fn sentences(
    end: &SnapshotEnd,
    interval: Interval,
    tagged: bool,
    state: &str,
    policy: Policy,
    next: Night,
) -> String {
    let word = word(interval);
    match end {
        SnapshotEnd::Annual if tagged => {
            "It never expires: somebody set its Interval tag to Annual. With the tag set back, it expires as the others do.".to_owned()
        }
        SnapshotEnd::Annual => {
            "It never expires: it is an annual. It stays until a person deletes it; the nightly backup may not.".to_owned()
        }
        SnapshotEnd::NewestOfGone => format!(
            "It never expires: its volume no longer exists, and of such a volume the newest completed {word} stays. \
             Only a person may delete it."
        ),
        SnapshotEnd::Pending => {
            "The snapshot is still pending from an earlier Night, so it neither counts nor expires. Once it is complete, it expires \
             as the others do. If it fails, the next run deletes it."
                .to_owned()
        }
        SnapshotEnd::Other => {
            format!("Its state is {state}: it neither counts nor expires until it is completed again, or a person deletes it.")
        }
        SnapshotEnd::LeftOut => format!(
            "It stays while the volume is not backed up of the backup: a {word} expires only if enough newer ones exist, and no run makes any."
        ),
        SnapshotEnd::Later => "Under today's parameters it does not expire within ten years.".to_owned(),
        SnapshotEnd::Failed(on) => format!("The snapshot failed, so it is not a restore point. The next run, for {on}, deletes it."),
        SnapshotEnd::Aged { on, old_on } => format!(
            "It expires on {on}: its volume no longer exists, so only age counts, and {}. \
             The newest completed {word} of its volume stays.",
            aged(interval, policy, *old_on, next)
        ),
        SnapshotEnd::Succeeded { on, old_on, newer, needed, is_newest } => {
            let it = if state == "pending" { "The snapshot is still pending. If it completes, it" } else { "It" };
            let aged = aged(interval, policy, *old_on, next);
            let newest = format!(" It is also the newest completed {word} of its volume, so it stays until there is a newer one.");
            format!(
                "{it} expires on {on}, if every Night from {next} on makes a restore point of its volume. A {word} expires if both hold: \
                 {aged}; and it has {needed} newer restore points that are due {interval} (now it has {newer}).{}",
                if *is_newest { &newest } else { "" }
            )
        }
    }
}

/// Returns `it is 7 LedgerRuns old since 2026-11-20`, or the date on which it will be.
fn aged(interval: Interval, policy: Policy, old_on: Night, next: Night) -> String {
    let age = match interval {
        Interval::Daily => plural(policy.dailies as usize, "Night"),
        _ => plural(policy.quarterly_months as usize, "month"),
    };
    if old_on < next { format!("it is {age} old since {old_on}") } else { format!("it is {age} old on {old_on}") }
}

fn word(interval: Interval) -> &'static str {
    match interval {
        Interval::Daily => "daily",
        Interval::Quarterly => "quarterly",
        Interval::Annual => "annual",
    }
}
