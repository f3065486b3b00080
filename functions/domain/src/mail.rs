//! The one email of a night that failed: which volumes, why, and where to look.

use serde::{Deserialize, Serialize};
use std::fmt::Write;

use crate::{
    error::cut,
    report::{Failure, Named, Summary, Unprotected},
    wire::Expired,
};

/// What an email tells at most, over all Regions; the report has it all. With names of 256 characters and reasons of 300, each of
/// four bytes, they stay below the 256 KiB of an SNS message and of a state's output.
pub(crate) const MOST_TOLD: usize = 50;
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
    pub fn of(night: &Summary) -> Self {
        let subject = format!("[{}] Night {}: {}", cut_ascii(&night.backup_stack, 50), night.night, headline(night));
        Self { subject: cut_ascii(&subject, 99), message: message(night) }
    }
}

/// How the night went, in a few words: `all 2 volumes protected`, `1 of 3 volumes unprotected`, how many steps failed, how many
/// snapshots of earlier nights EBS failed.
pub fn headline(night: &Summary) -> String {
    let (protected, unprotected) = (night.total(|region| region.protected), night.total(|region| region.unprotected));
    let failures = night.total(|region| region.failures);
    if unprotected > 0 {
        format!("{unprotected} of {} volumes unprotected", unprotected + protected)
    } else if failures > 0 {
        format!("{} failed", plural(failures, "step"))
    } else if night.dry_run {
        let (planned, expired) = (night.total(|region| region.planned), night.total(|region| region.expired));
        format!("would snapshot {} and delete {}", plural(planned, "volume"), plural(expired, "snapshot"))
    } else {
        let late = night.total(|region| region.failed_late);
        let told = if late == 0 { String::new() } else { format!(", EBS failed {}", plural(late, "earlier snapshot")) };
        format!("all {protected} volumes protected{told}")
    }
}

fn plural(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

fn message(night: &Summary) -> String {
    let mut text = format!("Night {} of {}: {}.\n", night.night, night.backup_stack, headline(night));
    let mut room = MOST_TOLD;
    for region in night.regions.iter().filter(|region| region.news > 0) {
        let shown = &region.told[..room.min(region.told.len())];
        room -= shown.len();
        let _ = writeln!(text, "\n{}", region.region);
        for line in shown {
            let _ = writeln!(text, "  {line}");
        }
        if region.news > shown.len() {
            let _ = writeln!(text, "  and {} more: see the report", region.news - shown.len());
        }
    }
    let (location, console) = (&night.location, console(&night.execution));
    let _ = write!(text, "\nWhere to look\n  report     {location}\n  execution  {console}\n");
    text.push_str(if night.is_complete() {
        "What to do\n  Nothing, where it happens once: the volume has a new snapshot of tonight. Where it happens again, look at the volume.\n"
    } else {
        "What to do\n  Mend the cause and start the night again: it makes only what is missing.\n"
    });
    text
}

/// What an email says of a volume.
pub(crate) fn unprotected(volume: &Unprotected) -> String {
    format!("{}\n    {}", named(&volume.volume), reason(&volume.reason))
}

/// What an email says of a failure.
pub(crate) fn failure(failure: &Failure) -> String {
    let subject = failure.subject.as_deref().map(|subject| format!(" ({subject})")).unwrap_or_default();
    format!("{}{subject} failed\n    {}: {}", failure.step, failure.error, reason(&failure.message))
}

/// What an email says of a snapshot that EBS failed after its own night had reported it.
pub(crate) fn failed_late(expired: &Expired) -> String {
    format!(
        "{} of {}, the {} of {}\n    EBS failed it: it is no restore point, and deleted now",
        expired.snapshot_id, expired.volume_id, expired.interval, expired.night
    )
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
pub fn console(execution: &str) -> String {
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
