//! Formats a report for a terminal. Problems are shown in full, and the rest is counted.

use comfy_table::Color;
use report::{
    mail::{Mail, console},
    night::Report,
};

use super::{
    causes::CauseGroup,
    night::{NightView, RegionView, SnapshotRow, VolumeRow, intervals},
    verdict::Tone,
};
use crate::ui::{
    table::Rows,
    terminal::Terminal,
    text::{grouped, safe},
};

/// Maximum number of rows of each kind that are listed for a Region, not counting problems.
const MOST: usize = 50;
/// Maximum number of volumes or snapshots that are named for a cause.
const MOST_SUBJECTS: usize = 10;

/// Formats the whole report.
pub fn report(report: &Report, terminal: Terminal) -> String {
    let night = NightView::from_report(report, MOST);
    let mut text = terminal.prose(0, &heading(&night, terminal));
    text += &terminal.prose(0, &format!("{}.", night.verdict.answer));
    let (volumes, snapshots): (Vec<_>, Vec<_>) =
        night.regions.iter().map(|region| (volumes(region), snapshots(region))).unzip();
    let tables = terminal.draw(&[volumes, snapshots].concat());
    let (volumes, snapshots) = tables.split_at(night.regions.len());
    for ((region, volumes), snapshots) in night.regions.iter().zip(volumes).zip(snapshots) {
        let more = |text: &mut String, count: usize, what: &str| {
            if count > 0 {
                let all = format!("nightly status {} --json", report.night);
                *text += &terminal.prose(0, &format!("and {} more {what}: {all}", grouped(count)));
            }
        };
        text += &format!("\n{}: {}\n", terminal.heading(region.name), region.counts);
        text += if region.volumes.first.is_empty() { "" } else { volumes };
        more(&mut text, region.volumes.more, "volumes");
        region.causes.first.iter().for_each(|cause| text += &cause_text(cause, terminal));
        more(&mut text, region.causes.more, "causes of failures");
        text += if region.snapshots.first.is_empty() { "" } else { snapshots };
        more(&mut text, region.snapshots.more, "snapshots");
    }
    if night.created_nothing() {
        text += "\nNothing was created: every volume had tonight's snapshot already.\n";
    }
    let mail = report.mail.as_ref().map(mailed);
    text + "\n" + &mail.or(night.no_mail().map(|none| terminal.prose(0, none))).unwrap_or_default()
}

fn heading(night: &NightView, terminal: Terminal) -> String {
    let report = night.report;
    let of = format!("Night {} ({}) of {}:", report.night, intervals(report), report.backup_stack);
    let of = terminal.heading(&of);
    match (report.complete, report.dry_run) {
        (true, true) => format!("{of} dry run, nothing was changed"),
        (true, false) => format!("{of} {}", terminal.good("complete")),
        (false, true) => format!("{of} dry run, {}", terminal.bad("NOT COMPLETE")),
        (false, false) => format!("{of} {}", terminal.bad("NOT COMPLETE")),
    }
}

fn mailed(mail: &Mail) -> String {
    let lines = mail.message.lines().map(|line| format!("  {line}").trim_end().to_owned() + "\n");
    format!("This email was sent:\n  Subject: {}\n\n{}", mail.subject, lines.collect::<String>())
}

fn outcome(outcome: &str, detail: &str) -> String {
    if detail.is_empty() { outcome.to_owned() } else { format!("{outcome} ({detail})") }
}

fn volumes(region: &RegionView) -> Rows {
    let mut rows = Rows::new(&[&["Volume", "Name", "Server"], &["Snapshot"], &["Outcome"]]);
    for VolumeRow { volume, tone, outcome: word, detail, snapshot, .. } in &region.volumes.first {
        let (word, colour) = match tone {
            Tone::Complete => (word.to_lowercase(), Some(Color::DarkGreen)),
            Tone::Incomplete => (word.to_uppercase(), Some(Color::DarkRed)),
            Tone::DryRun => (word.to_lowercase(), None),
        };
        let name = volume.name.clone().unwrap_or_default();
        rows.add(&[&volume.volume_id, &name, &volume.servers(), *snapshot, &outcome(&word, detail)], colour);
    }
    rows
}

fn snapshots(region: &RegionView) -> Rows {
    let mut rows = Rows::new(&[&["Snapshot", "Interval", "Night"], &["Volume"], &["Outcome"]]);
    for SnapshotRow { id, tags, is_news, outcome: word, detail } in &region.snapshots.first {
        let (interval, night, volume) = match tags {
            Some((interval, night, volume)) => (interval.to_string(), night.to_string(), *volume),
            None => Default::default(),
        };
        let colour = is_news.then_some(Color::DarkRed);
        rows.add(&[id, interval.as_str(), &night, volume, &outcome(&word.to_lowercase(), detail)], colour);
    }
    rows
}

fn cause_text(cause: &CauseGroup, terminal: Terminal) -> String {
    let mut text = terminal.prose(0, &terminal.bad(&safe(&cause.effect)));
    text += &terminal.prose(2, &safe(&cause.error));
    if cause.subjects.len() > 1 {
        let named =
            cause.subjects.iter().take(MOST_SUBJECTS).map(|subject| safe(subject)).collect::<Vec<_>>().join(", ");
        let more = cause.subjects.len().saturating_sub(MOST_SUBJECTS);
        let more = if more > 0 { format!(" and {} more", grouped(more)) } else { String::new() };
        text += &terminal.prose(2, &format!("{named}{more}"));
    }
    if let Some(remedy) = cause.remedy {
        text += &terminal.prose(2, &format!("What to do: {remedy}"));
    }
    // The URL stays on one line even on a narrow terminal, because a broken URL cannot be opened.
    text + &cause.execution.map(|execution| format!("  {}\n", console(execution))).unwrap_or_default()
}

#[cfg(test)]
#[path = "terminal_tests.rs"]
mod tests;
