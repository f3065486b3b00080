//! The one email of a night that failed, for a person at 6 a.m.: what is wrong and why, what to do, where to look.

use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt::Write};

use crate::{
    advice::Said,
    night::{Failure, Named, News, Summary},
};
use domain::{error::cut, messages::Expired};

/// What an email knows at most, over all Regions; the report has it all. With names of 256 characters and reasons of 300, each of
/// four bytes, they stay below the 256 KiB of an SNS message and of a state's output.
pub(crate) const MOST_TOLD: usize = 50;
/// Volumes, or what else there is, that an email names under one reason.
const MOST_OF_A_REASON: usize = 10;
/// Characters of a line, where a text can be broken.
const WIDTH: usize = 100;
/// Characters of one error's text that an email holds at most.
const LONGEST_REASON: usize = 300;

/// Each server's `Name` tag by its instance's id.
pub type Servers = BTreeMap<String, String>;

/// An email, as SNS takes it: the subject ASCII and under 100 characters (SNS API reference, Publish).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mail {
    /// One line of ASCII, under 100 characters.
    pub subject: String,
    /// Plain text.
    pub message: String,
}

impl Mail {
    /// The email of a night that is not complete, that is well again, or that found what EBS failed after an earlier one.
    pub fn of(night: &Summary, servers: &Servers) -> Self {
        let subject = format!("[{}] Night {}: {}", cut_ascii(&night.backup_stack, 50), night.night, headline(night));
        Self { subject: cut_ascii(&subject, 99), message: message(night, servers) }
    }
}

/// How the night went, in a few words: `all 2 volumes protected`, `1 of 3 volumes unprotected`, how many steps failed, how many
/// snapshots of earlier nights EBS failed, whether it is well again.
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
        let again = if night.is_well_again() { "well again, " } else { "" };
        let late = night.total(|region| region.failed_late);
        let told = if late == 0 { String::new() } else { format!(", EBS failed {}", plural(late, "earlier snapshot")) };
        let all = if protected == 1 { "the only volume is" } else { &format!("all {protected} volumes") };
        format!("{again}{all} protected{told}")
    }
}

pub(crate) fn plural(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

fn message(night: &Summary, servers: &Servers) -> String {
    let mut text = verdict(night) + "\n";
    let told = night.regions.iter().flat_map(|region| region.told.iter().map(move |news| (&region.region, news)));
    let told = told.map(|(region, news)| (said(news), format!("{}, {region}", subject(news, servers))));
    for reason in by_reason(told) {
        let _ = write!(text, "\n{}", reason.in_words());
    }
    let told: usize = night.regions.iter().map(|region| region.told.len()).sum();
    let more = night.total(|region| region.news).saturating_sub(told.min(MOST_TOLD));
    if more > 0 {
        let _ = writeln!(text, "\nAnd {more} more: the report has them all.");
    }
    let _ = write!(text, "\n{}", where_to_go(night));
    text
}

/// The first line: what is wrong, and how bad it is.
fn verdict(night: &Summary) -> String {
    let (protected, unprotected) = (night.total(|region| region.protected), night.total(|region| region.unprotected));
    let date = night.night;
    if unprotected > 0 {
        let have = if unprotected == 1 { "has" } else { "have" };
        let of = plural(unprotected + protected, "volume");
        format!("{unprotected} of {of} {have} no snapshot of Night {date}. Older restore points stay.")
    } else if night.total(|region| region.failures) > 0 {
        let known = if protected == 0 { "No volume was found" } else { "Every volume that was found has a snapshot" };
        format!("Night {date} is not complete: {}. {known}.", headline(night))
    } else if let Some(since) = night.failing_since {
        format!("It is well again: every volume has a snapshot of Night {date}.\nThe nights had failed since {since}.")
    } else {
        let late = plural(night.total(|region| region.failed_late), "snapshot");
        format!("Every volume has a snapshot of Night {date}. EBS failed {late} of earlier nights.")
    }
}

/// What came of one cause.
pub(crate) struct Reason {
    said: Said,
    /// What it came to, with its Region.
    told: Vec<String>,
}

/// What an email tells, by cause, in the order in which the causes came.
pub(crate) fn by_reason(told: impl Iterator<Item = (Said, String)>) -> Vec<Reason> {
    let mut reasons: Vec<Reason> = Vec::new();
    for (said, subject) in told.take(MOST_TOLD) {
        let is_same = |reason: &&mut Reason| match said.code {
            Some(_) => reason.said.code == said.code,
            None => reason.said.text == said.text,
        };
        match reasons.iter_mut().find(is_same) {
            Some(reason) => reason.told.push(subject),
            None => reasons.push(Reason { said, told: vec![subject] }),
        }
    }
    reasons
}

fn said(news: &News) -> Said {
    match news {
        News::Unprotected(volume) => Said::read(&volume.reason),
        News::Failed(failure) => Said::read(format!("{}: {}", failure.error, failure.message)),
        News::FailedLate(_) => Said::read("SnapshotError"),
    }
}

impl Reason {
    pub(crate) fn in_words(&self) -> String {
        let (advice, words) = (self.said.advice(), one_line(&self.said.text, LONGEST_REASON));
        let mut text = advice.map_or_else(|| words.clone(), |advice| advice.means.to_owned()) + "\n";
        for subject in self.told.iter().take(MOST_OF_A_REASON) {
            let _ = writeln!(text, "  - {subject}");
        }
        if self.told.len() > MOST_OF_A_REASON {
            let _ = writeln!(text, "  - and {} more", self.told.len() - MOST_OF_A_REASON);
        }
        if let Some(advice) = advice {
            if self.said.code != Some(self.said.text.as_str()) {
                text.push_str(&wrapped("error", &words));
            }
            text.push_str(&wrapped("do", advice.remedy));
        }
        text
    }
}

fn subject(news: &News, servers: &Servers) -> String {
    match news {
        News::Unprotected(volume) => named(&volume.volume, servers),
        News::Failed(Failure { step, subject: Some(subject), .. }) => format!("{step} of {subject}"),
        News::Failed(Failure { step, subject: None, .. }) => format!("the step {step}"),
        News::FailedLate(Expired { snapshot_id, volume_id, interval, night, .. }) => {
            format!("{snapshot_id} of {volume_id}, {interval} of {night}, deleted now")
        }
    }
}

fn named(volume: &Named, servers: &Servers) -> String {
    let mut text = volume.volume_id.clone();
    if let Some(name) = &volume.name {
        let _ = write!(text, " {}", one_line(name, 60));
    }
    let of = volume.instances.iter().map(|id| match servers.get(id) {
        Some(name) => format!("{} ({id})", one_line(name, 60)),
        None => id.clone(),
    });
    let of: Vec<_> = of.collect();
    if !of.is_empty() {
        let _ = write!(text, " on {}", of.join(", "));
    }
    text
}

/// The commands and the addresses, the most useful first.
fn where_to_go(night: &Summary) -> String {
    let region = night.execution.split(':').nth(3).unwrap_or_default();
    let command = |name: &str| format!("nightly {name} --stack {} --region {region}", night.backup_stack);
    let (date, time) = (night.night, night.time);
    let mut text = String::new();
    if night.is_complete() {
        let _ = writeln!(text, "check      {}", command("coverage"));
    } else {
        let _ = writeln!(text, "Then start the night again; it makes only what is missing:");
        let _ = writeln!(text, "           {} --time {time}", command("run"));
        let _ = writeln!(text, "or the state machine with {{\"time\": \"{time}\"}}.\n");
        let _ = writeln!(text, "all of it  {}", command(&format!("status {date}")));
    }
    let (execution, report) = (console(&night.execution), &night.location);
    let _ = write!(text, "execution  {execution}\nreport     {report}\n");
    text
}

/// A named line of a reason, its text in lines of [`WIDTH`] characters.
fn wrapped(name: &str, text: &str) -> String {
    let mut lines = vec![format!("  {name:<6}")];
    for word in text.split(' ') {
        let line = lines.last_mut().expect("never empty");
        if line.chars().count() + 1 + word.chars().count() > WIDTH {
            lines.push(format!("         {word}"));
        } else {
            line.push(' ');
            line.push_str(word);
        }
    }
    lines.join("\n") + "\n"
}

fn one_line(text: &str, longest: usize) -> String {
    let breaks = |character: char| character.is_control() || ['\u{2028}', '\u{2029}'].contains(&character);
    let line: String = text.chars().map(|character| if breaks(character) { ' ' } else { character }).collect();
    cut(&line, longest)
}

pub(crate) fn cut_ascii(text: &str, length: usize) -> String {
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
