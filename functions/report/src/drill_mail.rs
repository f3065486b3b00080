//! The email of a drill that is not good: the unproven restore points, the causes, and the fixes.

use std::fmt::Write;

use domain::Reason;

use crate::{
    causes::causes,
    drill::{DrillRegion, DrillReport, NotRemoved},
    mail::{MOST_DESCRIBED, Mail, ascii, console},
    summary::plural,
};

/// Returns the email of a drill. Returns none if the drill is complete.
pub fn mail(drill: &DrillReport) -> Option<Mail> {
    let stack = ascii(&drill.backup_stack, 40);
    let subject = format!("[{stack}] Restore drill of {}: {}", drill.date, headline(drill));
    (!drill.complete).then(|| Mail { subject: ascii(&subject, 99), message: message(drill) })
}

/// Summarizes the drill's result in a few words.
pub fn headline(drill: &DrillReport) -> String {
    let (proven, unproven) = (drill.total(|region| region.proven.len()), drill.total(|region| region.unproven.len()));
    let (failures, left) =
        (drill.total(|region| region.failures.len()), drill.total(|region| region.not_removed.len()));
    if unproven > 0 {
        format!("{unproven} of {} not proven", plural(proven + unproven, "restore point"))
    } else if failures > 0 {
        format!("{} failed", plural(failures, "step"))
    } else if left > 0 {
        format!("{} not deleted", plural(left, "volume"))
    } else {
        let of = plural(drill.total(|region| region.taken), "volume");
        format!("{} of {of} proven", plural(proven, "restore point"))
    }
}

fn message(drill: &DrillReport) -> String {
    let left = drill.total(|region| region.not_removed.len());
    let mut text = format!("Restore drill of {}: {}.\n", drill.date, headline(drill));
    if left > 0 {
        let exist = if left == 1 { "exists and is" } else { "exist and are" };
        let _ = writeln!(text, "{} created by the drill still {exist} being billed.", plural(left, "volume"));
    }
    let problems: Vec<_> = drill.regions.iter().flat_map(problems).collect();
    let more = problems.len().saturating_sub(MOST_DESCRIBED);
    for cause in causes(problems.into_iter().take(MOST_DESCRIBED)) {
        let _ = write!(text, "\n{}", cause.paragraph());
    }
    if more > 0 {
        let _ = writeln!(text, "\nThe report lists {more} more.");
    }
    let _ = write!(text, "\n{}", where_to_go(drill));
    text
}

/// Lists the problems of a Region, each with its reason and its subject.
fn problems(region: &DrillRegion) -> Vec<(Reason, String)> {
    let unproven = region.unproven.iter().map(|one| {
        let point = &one.unproven;
        let subject = format!("{}: {}, {} of {}", one.volume_id, point.snapshot_id, point.intervals, point.night);
        (&point.reason, subject)
    });
    let failures = region.failures.iter().map(|failed| (&failed.reason, format!("the step {}", failed.step)));
    let not_removed = region.not_removed.iter().map(|volume| (&volume.reason, subject(volume)));
    let all = unproven.chain(failures).chain(not_removed);
    all.map(|(reason, subject)| (reason.clone(), format!("{subject}, {}", region.region))).collect()
}

fn subject(volume: &NotRemoved) -> String {
    match (&volume.volume_id, &volume.snapshot_id) {
        (Some(id), _) => format!("{id}, which the drill created and could not delete"),
        (None, snapshot) => format!("the volume of {}", snapshot.as_deref().unwrap_or("a snapshot")),
    }
}

fn where_to_go(drill: &DrillReport) -> String {
    let region = drill.execution.split(':').nth(3).unwrap_or_default();
    let command = |name: &str| format!("nightly {name} --stack {} --region {region}", drill.stack);
    let mut text = String::from("Fix the cause, then run another drill:\n");
    let _ = writeln!(text, "           {}\n", command("drill"));
    let _ = writeln!(text, "coverage   {}", command("coverage"));
    let _ = writeln!(text, "execution  {}\nreport     {}", console(&drill.execution), drill.location);
    text
}
