//! The one email of a night that failed: which volumes, why, and where to look.

use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeSet,
    fmt::{self, Write},
};

use crate::{
    error::cut,
    report::{Failure, Named, RegionReport, Report, Unprotected},
    wire::Expired,
};

/// Failures that an email tells at most, over all Regions; the report has them all. With names of 256 characters and reasons
/// of 300, each of four bytes, they stay below the 256 KiB of an SNS message and of a state's output.
const MOST_TOLD: usize = 50;
/// Characters of one error's text that an email holds at most.
const LONGEST_REASON: usize = 300;

/// An email, as SNS takes it: the subject ASCII and under 100 characters (SNS API reference, Publish).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mail {
    /// One line of ASCII, under 100 characters.
    pub subject: String,
    /// Plain text.
    pub message: String,
}

impl Mail {
    /// The email of a night that is not complete, or that found what EBS failed after an earlier one.
    pub fn of(report: &Report) -> Self {
        let subject = format!("[{}] Night {}: {}", cut_ascii(&report.backup_stack, 50), report.night, headline(report));
        Self { subject: cut_ascii(&subject, 99), message: message(report) }
    }
}

/// How the night went, in a few words: `all 2 volumes protected`, `1 of 3 volumes unprotected`, how many steps failed, how many
/// snapshots of earlier nights EBS failed.
pub fn headline(report: &Report) -> String {
    let total = |count: fn(&RegionReport) -> usize| report.regions.iter().map(count).sum::<usize>();
    let (protected, unprotected) = (total(|region| region.protected.len()), total(|region| region.unprotected.len()));
    let failures = total(|region| region.failures.len());
    if unprotected > 0 {
        format!("{unprotected} of {} volumes unprotected", unprotected + protected)
    } else if failures > 0 {
        format!("{} failed", plural(failures, "step"))
    } else if report.dry_run {
        let (planned, expired) = (total(|region| region.planned.len()), total(|region| region.expired.len()));
        format!("would snapshot {} and delete {}", plural(planned, "volume"), plural(expired, "snapshot"))
    } else {
        let late = total(|region| region.failed_late().count());
        let told = if late == 0 { String::new() } else { format!(", EBS failed {}", plural(late, "earlier snapshot")) };
        format!("all {protected} volumes protected{told}")
    }
}

fn plural(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

fn message(report: &Report) -> String {
    let mut text = format!("Night {} of {}: {}.\n", report.night, report.backup_stack, headline(report));
    let mut room = MOST_TOLD;
    for region in report.regions.iter().filter(|region| region.has_news()) {
        let told: BTreeSet<_> = region.unprotected.iter().map(|volume| volume.volume.volume_id.as_str()).collect();
        let others =
            region.failures.iter().filter(|failure| !failure.subject.as_deref().is_some_and(|id| told.contains(id)));
        let failed = region.unprotected.iter().map(Told::Volume).chain(others.map(Told::Step));
        let lines: Vec<_> = failed.chain(region.failed_late().map(Told::Late)).collect();
        let (shown, more) = lines.split_at(room.min(lines.len()));
        room -= shown.len();
        let _ = writeln!(text, "\n{}", region.region);
        for line in shown {
            let _ = writeln!(text, "  {line}");
        }
        if !more.is_empty() {
            let _ = writeln!(text, "  and {} more: see the report", more.len());
        }
    }
    let (location, console) = (&report.location, console(&report.execution));
    let _ = write!(text, "\nWhere to look\n  report     {location}\n  execution  {console}\n");
    text.push_str(if report.complete {
        "What to do\n  Nothing, where it happens once: the volume has a new snapshot of tonight. Where it happens again, look at the volume.\n"
    } else {
        "What to do\n  Mend the cause and start the night again: it makes only what is missing.\n"
    });
    text
}

/// One thing that an email tells.
enum Told<'a> {
    Volume(&'a Unprotected),
    Step(&'a Failure),
    Late(&'a Expired),
}

impl fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Volume(volume) => f.write_str(&unprotected(volume)),
            Self::Step(failure) => f.write_str(&step(failure)),
            Self::Late(expired) => write!(
                f,
                "{} of {}, the {} of {}\n    EBS failed it: it is no restore point, and deleted now",
                expired.snapshot_id, expired.volume_id, expired.interval, expired.night
            ),
        }
    }
}

fn unprotected(volume: &Unprotected) -> String {
    format!("{}\n    {}", named(&volume.volume), reason(&volume.reason))
}

fn named(volume: &Named) -> String {
    let mut text = volume.volume_id.clone();
    if let Some(name) = &volume.name {
        let _ = write!(text, " ({})", one_line(name));
    }
    if !volume.instances.is_empty() {
        let _ = write!(text, " of {}", volume.instances.join(", "));
    }
    text
}

fn step(failure: &Failure) -> String {
    let subject = failure.subject.as_deref().map(|subject| format!(" ({subject})")).unwrap_or_default();
    format!("{}{subject} failed\n    {}: {}", failure.step, failure.error, reason(&failure.message))
}

fn reason(text: &str) -> String {
    cut(&one_line(text), LONGEST_REASON)
}

fn one_line(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { ' ' } else { character }).collect()
}

fn cut_ascii(text: &str, length: usize) -> String {
    text.chars()
        .map(|character| if character.is_ascii_graphic() || character == ' ' { character } else { '?' })
        .take(length)
        .collect()
}

/// The console's page of an execution, by its ARN; the ARN alone where the partition's console is not known.
fn console(execution: &str) -> String {
    let mut parts = execution.split(':').skip(1);
    let host = match parts.next() {
        Some("aws") => "console.aws.amazon.com",
        Some("aws-us-gov") => "console.amazonaws-us-gov.com",
        Some("aws-cn") => "console.amazonaws.cn",
        _ => return execution.to_owned(),
    };
    let region = parts.nth(1).unwrap_or_default();
    format!("https://{host}/states/home?region={region}#/v2/executions/details/{execution}")
}
