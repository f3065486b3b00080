//! The email of a run, for a person at 6 a.m.: the failures, their causes, the fixes, and the next steps.

use domain::{Reason, due::DueDate, messages::ManagedSnapshot, reason::Code};
use std::{collections::BTreeMap, fmt::Write};

use crate::{
    causes::{WIDTH, causes, one_line},
    mail::{MOST_DESCRIBED, Mail, ascii, console},
    night::{Failure, NamedVolume, Report, RunRegion},
    summary::{Summary, plural},
};

/// Maximum number of characters of a name.
const LONGEST_NAME: usize = 60;

/// Returns the email of a run. Returns none if there is nothing to report, and for a dry run.
pub fn mail(report: &Report) -> Option<Mail> {
    let failures: usize = report.regions.iter().map(|region| failures(region).count()).sum();
    if failures == 0 || report.dry_run {
        return None;
    }
    let summary = Summary::from(report);
    let stack = ascii(&summary.backup_stack, 50);
    let (deselected, spared) = (summary.total(|region| region.deselected), summary.total(|region| region.spared));
    let unknown = summary.total(|region| region.unknown_plans);
    let subject = match failures {
        _ if !summary.is_complete() => format!("Night {}: {}", summary.night, summary.headline()),
        _ if failures == deselected => format!("{} no longer backed up", plural(deselected, "volume")),
        _ if failures == spared => {
            format!("Retention became shorter: the next Night deletes {}", plural(spared, "snapshot"))
        }
        _ if failures == unknown => format!("{} with an unknown plan", plural(unknown, "volume")),
        _ => format!("Night {}: {}", summary.night, summary.headline()),
    };
    let subject = format!("[{stack}] {subject}");
    Some(Mail { subject: ascii(&subject, 99), message: message(report, &summary, failures) })
}

fn message(report: &Report, summary: &Summary, count: usize) -> String {
    let mut text = verdict(summary) + "\n" + &missed(report);
    let all = report
        .regions
        .iter()
        .flat_map(|region| failures(region).map(|(reason, subject)| (reason, format!("{subject}, {}", region.region))));
    for cause in causes(all.take(MOST_DESCRIBED)) {
        let _ = write!(text, "\n{}", cause.paragraph());
    }
    if count > MOST_DESCRIBED {
        let _ = writeln!(text, "\nThe report lists {} more.", count - MOST_DESCRIBED);
    }
    let _ = write!(text, "\n{}", next_steps(summary));
    text
}

/// Lists everything to report about a Region once, each with its subject.
fn failures(region: &RunRegion) -> impl Iterator<Item = (Reason, String)> {
    let unprotected =
        region.unprotected.iter().map(|one| (one.reason.clone(), volume(&one.volume) + &lacks(&one.lacks)));
    let others = region.other_failures().map(|failure| (failure.reason().clone(), action(failure)));
    let failed = region.failed_snapshots.iter().map(|one| (Reason::new(Code::SnapshotError, ""), snapshot(one)));
    let deselected = region
        .deselected
        .iter()
        .map(|one| (Reason::new(Code::Deselected, ""), format!("{}: {}", volume(&one.volume), one.problem)));
    let spared = region.spared.iter().map(|one| (Reason::new(Code::RetentionShortened, ""), snapshot(one)));
    let unknown = region.unknown_plans.iter().map(|one| {
        (Reason::new(Code::UnknownPlan, ""), format!("{}: {}", volume(&one.volume), one_line(&one.plan, LONGEST_NAME)))
    });
    unprotected.chain(others).chain(failed).chain(deselected).chain(spared).chain(unknown)
}

fn lacks(lacks: &[DueDate]) -> String {
    let lacks: Vec<_> = lacks.iter().map(DueDate::to_string).collect();
    if lacks.is_empty() { String::new() } else { format!(", lacks its {}", lacks.join(" and ")) }
}

/// Returns sentences about the longer Intervals that were missed: those that are made up now, and those that are still lacking.
fn missed(report: &Report) -> String {
    let volumes = |volumes: usize, due: DueDate| format!("{due} of {}", plural(volumes, "volume"));
    let sum = |dues: &mut dyn Iterator<Item = DueDate>| {
        let mut sum = BTreeMap::new();
        dues.for_each(|due| *sum.entry(due).or_insert(0) += 1);
        sum.into_iter().map(|(due, count)| volumes(count, due)).collect::<Vec<_>>().join(", ")
    };
    let regions = || report.regions.iter();
    let made = regions().flat_map(|region| region.protected.iter().filter(|one| one.created));
    let made = sum(&mut made.flat_map(|one| one.makes_up.iter().copied()));
    let lacking = sum(&mut regions().flat_map(|region| &region.unprotected).flat_map(|one| one.lacks.iter().copied()));
    let mut text = String::new();
    if !made.is_empty() {
        text += &paragraph(&format!("This run made up: {made}."));
    }
    if !lacking.is_empty() {
        text += &paragraph(&format!("Still lacking: {lacking}. The next run makes them up."));
    }
    text
}

fn paragraph(text: &str) -> String {
    textwrap::fill(text, WIDTH) + "\n"
}

fn action(failure: &Failure) -> String {
    match failure {
        Failure::Step { step, .. } => format!("the step {step}"),
        Failure::Child { step, subject, .. } => format!("{step} of {subject}"),
    }
}

fn snapshot(failed: &ManagedSnapshot) -> String {
    let ManagedSnapshot { snapshot_id, volume_id, interval, night, .. } = failed;
    format!("{snapshot_id} of {volume_id}, {interval} of {night}")
}

fn volume(volume: &NamedVolume) -> String {
    let mut text = volume.volume_id.clone();
    if let Some(name) = &volume.name {
        let _ = write!(text, " {}", one_line(name, LONGEST_NAME));
    }
    let (instances, server) = (volume.instances.join(", "), volume.server.as_deref());
    match server.map(|name| one_line(name, LONGEST_NAME)) {
        Some(name) => text + &format!(" on {name} ({instances})"),
        None if instances.is_empty() => text,
        None => text + &format!(" on {instances}"),
    }
}

/// Returns the first sentences, which name the failures and their severity.
fn verdict(summary: &Summary) -> String {
    let protected = summary.total(|region| region.protected);
    let unprotected = summary.total(|region| region.unprotected);
    let night = summary.night;
    if unprotected > 0 {
        let have = if unprotected == 1 { "has" } else { "have" };
        let of = plural(unprotected + protected, "volume");
        return format!(
            "{unprotected} of {of} {have} no snapshot for {night}. Existing restore points are not affected."
        );
    }
    if !summary.is_complete() {
        let known = match protected {
            0 => "No volume has a snapshot from this run.",
            _ => "Every volume that was found has a snapshot.",
        };
        return format!("The run for {night} is not complete: {}.\n{known}", summary.headline());
    }
    let mut text = match protected {
        0 if summary.total(|region| region.not_due) > 0 => format!("No volume was due on {night}."),
        _ => format!("Every volume that was due has a snapshot for {night}."),
    };
    let failed = summary.total(|region| region.failed_snapshots);
    if failed > 0 {
        let _ = write!(text, " However, {} failed.", plural(failed, "earlier snapshot"));
    }
    if let Some(since) = summary.at_risk() {
        let _ = write!(
            text,
            "\nA volume is at risk: its newest restore point dates from {} UTC.",
            since.strftime("%F %H:%M")
        );
    }
    text
}

/// Returns commands and URLs, the most useful first.
fn next_steps(summary: &Summary) -> String {
    let region = summary.execution.split(':').nth(3).unwrap_or_default();
    let command = |name: &str| format!("nightly {name} --stack {} --region {region}", summary.stack);
    let (night, time) = (summary.night, summary.time);
    let mut text = String::new();
    if summary.is_complete() {
        let _ = writeln!(text, "coverage   {}", command("coverage"));
    } else {
        let _ = writeln!(text, "Fix the cause, then rerun. A rerun only creates missing snapshots:");
        let _ = writeln!(text, "           {} --time {time}", command("run"));
        let _ = writeln!(text, "or start the state machine with {{\"time\": \"{time}\"}}.\n");
        let _ = writeln!(text, "details    {}", command(&format!("status {night}")));
    }
    let _ = writeln!(text, "execution  {}\nreport     {}", console(&summary.execution), summary.location);
    text
}
