//! A night's report in words: what matters in full, the rest counted.

use comfy_table::Color;
use domain::messages::Expired;
use report::{
    mail::{Mail, console},
    night::{Failure, Named, Protected},
};
use std::{collections::BTreeMap, fmt::Write};

use crate::{
    ui::{
        terminal::{Terminal, finished},
        text::{plural, safe},
    },
    view::report::{Region, Report},
};

/// How many of what went well are listed of a Region, and how many of what did not.
const MOST_GOOD: usize = 50;
const MOST_BAD: usize = 200;

/// The whole report.
pub fn report(report: &Report, look: Terminal) -> String {
    let mut text = look.prose(0, &heading(report, look));
    for region in &report.regions {
        text.push('\n');
        text.push_str(&Shown { report, region, look }.text());
    }
    text.push('\n');
    match &report.mail {
        Some(mail) => text.push_str(&mailed(mail)),
        None if report.dry_run => text.push_str(&look.prose(0, "No mail: a dry run sends none.")),
        None => text.push_str(&look.prose(0, "No email sent: nothing to report.")),
    }
    text
}

fn heading(report: &Report, look: Terminal) -> String {
    let night =
        format!("Night {} ({}) of {}:", report.night, String::from(report.intervals.clone()), report.backup_stack);
    let night = look.heading(&night);
    match (report.complete, report.dry_run) {
        (true, true) => format!("{night} dry run, nothing was changed"),
        (true, false) => format!("{night} {}", look.good("complete")),
        (false, true) => format!("{night} dry run, {}", look.bad("NOT COMPLETE")),
        (false, false) => format!("{night} {}", look.bad("NOT COMPLETE")),
    }
}

fn mailed(mail: &Mail) -> String {
    let lines = mail.message.lines().map(|line| format!("  {line}").trim_end().to_owned() + "\n");
    format!("Mailed:\n  Subject: {}\n\n{}\n", mail.subject, lines.collect::<String>())
}

struct Shown<'a> {
    report: &'a Report,
    region: &'a Region,
    look: Terminal,
}

/// A volume and what became of it.
struct Row<'a> {
    volume: &'a Named,
    outcome: String,
    colour: Option<Color>,
    snapshot: &'a str,
}

impl Shown<'_> {
    fn text(&self) -> String {
        let Region { region, protected, planned, unprotected, .. } = self.region;
        let of = format!("{} of {} protected", protected.len(), plural(protected.len() + unprotected.len(), "volume"));
        let would =
            format!("{} would be snapshotted, {} already protected", plural(planned.len(), "volume"), protected.len());
        let found = if self.report.dry_run { would } else { of };
        let mut text = format!("{}: {found}\n", self.look.heading(region));
        let rows = self.rows();
        if !rows.is_empty() {
            text.push_str(&if self.look.has_room() { self.table(&rows) } else { self.list(&rows) });
        }
        self.say_rest(&mut text);
        self.say_failures(&mut text);
        self.say_snapshots(&mut text);
        let before = !protected.is_empty() && !protected.iter().any(|one| one.created);
        if before && !self.report.dry_run && unprotected.is_empty() {
            text.push_str(&self.look.prose(2, "Nothing was created: every volume had tonight's snapshot already."));
        }
        text
    }

    fn rows(&self) -> Vec<Row<'_>> {
        let Region { protected, planned, unprotected, .. } = self.region;
        let unprotected = unprotected.iter().take(MOST_BAD).map(|one| Row {
            volume: &one.volume,
            outcome: "NOT PROTECTED".into(),
            colour: Some(Color::DarkRed),
            snapshot: "",
        });
        let protected = protected.iter().take(MOST_GOOD).map(|one| Row {
            volume: &one.volume,
            outcome: outcome(one),
            colour: Some(Color::DarkGreen),
            snapshot: &one.snapshot_id,
        });
        let planned = planned.iter().take(MOST_GOOD).map(|volume| Row {
            volume,
            outcome: "would be snapshotted".into(),
            colour: None,
            snapshot: "",
        });
        unprotected.chain(protected).chain(planned).collect()
    }

    fn table(&self, rows: &[Row<'_>]) -> String {
        let is_named = rows.iter().any(|row| row.volume.name.is_some());
        let has_snapshots = rows.iter().any(|row| !row.snapshot.is_empty());
        let mut header = vec!["  Volume", "Name", "Server", "Outcome", "Snapshot"];
        let mut kept = vec![true, is_named, true, true, has_snapshots];
        let keeps = |column: &usize| kept[*column];
        let columns: Vec<_> = (0..header.len()).filter(keeps).collect();
        header = columns.iter().map(|&column| header[column]).collect();
        let mut table = self.look.table(&header);
        for row in rows {
            let cells = [
                self.look.cell(format!("  {}", safe(&row.volume.volume_id)), None),
                self.look.cell(row.volume.name.as_deref().map(safe).unwrap_or_default(), None),
                self.look.cell(safe(&row.volume.servers()), None),
                self.look.cell(&row.outcome, row.colour),
                self.look.cell(row.snapshot, None),
            ];
            kept.truncate(cells.len());
            table.add_row(cells.into_iter().zip(&kept).filter(|(_, kept)| **kept).map(|(cell, _)| cell));
        }
        finished(table)
    }

    /// For a terminal that has no room for a table.
    fn list(&self, rows: &[Row<'_>]) -> String {
        let mut text = String::new();
        for row in rows {
            let _ = writeln!(text, "  {}", safe(&row.volume.volume_id));
            let names = [row.volume.name.as_deref().map(safe), Some(safe(&row.volume.servers()))];
            let names: Vec<_> = names.into_iter().flatten().filter(|name| !name.is_empty()).collect();
            if !names.is_empty() {
                text.push_str(&self.look.prose(4, &names.join(", on ")));
            }
            let outcome = match row.colour {
                Some(Color::DarkRed) => self.look.bad(&row.outcome),
                Some(_) => self.look.good(&row.outcome),
                None => row.outcome.clone(),
            };
            let _ = writeln!(text, "    {outcome}");
            if !row.snapshot.is_empty() {
                let _ = writeln!(text, "    {}", row.snapshot);
            }
        }
        text
    }

    fn say_rest(&self, text: &mut String) {
        let Region { protected, planned, unprotected, .. } = self.region;
        let hidden = [
            (unprotected.len().saturating_sub(MOST_BAD), "not protected"),
            (protected.len().saturating_sub(MOST_GOOD), "protected"),
            (planned.len().saturating_sub(MOST_GOOD), "to be snapshotted"),
        ];
        for (count, what) in hidden.into_iter().filter(|(count, _)| *count > 0) {
            self.say_more(text, count, what);
        }
    }

    fn say_more(&self, text: &mut String, count: usize, what: &str) {
        let all = format!("nightly status {} --json", self.report.night);
        text.push_str(&self.look.prose(2, &format!("and {count} more {what}; for all of them: {all}")));
    }

    /// Each failure once: that of a volume which is unprotected for it as that volume's.
    fn say_failures(&self, text: &mut String) {
        let mut children: BTreeMap<&str, &Failure> = BTreeMap::new();
        for failure in &self.region.failures {
            if let Some(subject) = failure.subject() {
                children.insert(subject, failure);
            }
        }
        for one in self.region.unprotected.iter().take(MOST_BAD) {
            let failure = children.get(one.volume.volume_id.as_str());
            let place = failure.and_then(|failure| failure.execution());
            self.say_failure(text, &one.volume.volume_id, "is not protected", &one.reason.to_string(), place);
        }
        let others: Vec<_> = self.region.other_failures().collect();
        for failure in others.iter().take(MOST_BAD) {
            let what = failure.subject().map(|subject| format!("{}, {subject},", failure.step()));
            let reason = failure.reason().to_string();
            let what = what.as_deref().unwrap_or(failure.step());
            self.say_failure(text, what, "failed", &reason, failure.execution());
        }
        if others.len() > MOST_BAD {
            self.say_more(text, others.len() - MOST_BAD, "failures");
        }
    }

    fn say_failure(&self, text: &mut String, what: &str, how: &str, reason: &str, execution: Option<&str>) {
        let _ = writeln!(text, "  {}", self.look.bad(&format!("{} {how}", safe(what))));
        text.push_str(&self.look.prose(4, &safe(reason)));
        if let Some(execution) = execution {
            // Whole, however narrow the terminal: an address that is broken cannot be followed.
            let _ = writeln!(text, "    {}", console(execution));
        }
    }

    fn say_snapshots(&self, text: &mut String) {
        let deleted = if self.report.dry_run { "would be deleted" } else { "deleted" };
        for one in self.region.expired.iter().take(MOST_GOOD) {
            self.say_snapshot(text, one, &format!("expired: {deleted}"));
        }
        for one in self.region.failed_snapshots.iter().take(MOST_GOOD) {
            let line = format!("{}  {} of {}, failed in EBS", one.snapshot_id, one.interval, one.night);
            text.push_str(&self.look.prose(2, &line));
        }
        for one in self.region.still_listed.iter().take(MOST_GOOD) {
            self.say_snapshot(text, one, "expired, but EC2 still lists it: an AMI may use it");
        }
        for one in self.region.unreadable.iter().take(MOST_GOOD) {
            let line = format!("{}  kept, its tags cannot be read: {}", one.snapshot_id, safe(&one.problem));
            text.push_str(&self.look.prose(2, &line));
        }
        let Region { expired, still_listed, unreadable, .. } = self.region;
        let (expired, still_listed, unreadable) = (expired.len(), still_listed.len(), unreadable.len());
        for (count, what) in [(expired, deleted), (still_listed, "still listed"), (unreadable, "that cannot be read")] {
            if count > MOST_GOOD {
                self.say_more(text, count - MOST_GOOD, &format!("snapshots {what}"));
            }
        }
    }

    fn say_snapshot(&self, text: &mut String, one: &Expired, what: &str) {
        let line = format!("{}  {} of {}, {what}", one.snapshot_id, one.interval, one.night);
        text.push_str(&self.look.prose(2, &line));
    }
}

fn outcome(one: &Protected) -> String {
    let when = if one.created { "protected" } else { "was protected" };
    if one.state == "completed" { when.to_owned() } else { format!("{when} ({})", one.state) }
}

#[cfg(test)]
#[path = "show_tests.rs"]
mod tests;
