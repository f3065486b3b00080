//! `nightly drill`: starts a restore drill and follows it to its end.

use anyhow::{Context, Result, bail};
use comfy_table::Color;
use domain::{
    Night,
    drill::{
        Depth,
        messages::{ProvenOf, UnprovenOf},
    },
};
use jiff::SignedDuration;
use report::{
    advice::Said,
    drill::NotRemoved,
    mail::{Mail, console},
    night::Failure,
};
use serde::Deserialize;
use serde_json::json;

use crate::{
    Verdict,
    account::{Account, executions, follow::Follower, ledger::Nights, stack::Stack},
    cli::Drill,
    commands::run::{interrupted, start, why},
    ui::{
        output,
        progress::Progress,
        terminal::{Terminal, finished},
        text::{duration, plural, safe},
    },
    view::report::pretty,
};

/// The drill's `report.json`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    backup_stack: String,
    date: Night,
    location: String,
    regions: Vec<Region>,
    good: bool,
    mail: Option<Mail>,
}

/// One Region's part.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Region {
    region: String,
    /// Volumes that have restore points, and those of them that the drill took.
    volumes: usize,
    taken: usize,
    proven: Vec<ProvenOf>,
    unproven: Vec<UnprovenOf>,
    failures: Vec<Failure>,
    /// Volumes of a drill before that were deleted.
    removed: Vec<String>,
    not_removed: Vec<NotRemoved>,
}

/// Does it.
///
/// # Errors
/// The stack has no drill, or it cannot be started or followed.
pub async fn run(account: &Account, stack: &Stack, args: &Drill, json: bool) -> Result<Verdict> {
    let Some(machine) = &stack.drill else {
        bail!("stack {} has no restore drill; deploy it with the parameter RestoreDrill=true", stack.name);
    };
    let input = if args.all { json!({"all": true}) } else { json!({}) };
    let interrupted = interrupted()?;
    let execution = start(account, machine, &input).await?;
    let mut progress = Progress::on_stderr(stack.time_zone.clone());
    progress.print(&format!("Restore drill with input {input}, execution {}", executions::name(&execution)));
    tokio::select! {
        biased;
        () = interrupted => {
            output::note("\nNo longer followed, but the drill goes on. What it comes to: nightly coverage");
            Ok(Verdict::Interrupted)
        }
        verdict = follow(account, stack, json, &execution, &mut progress) => verdict,
    }
}

async fn follow(
    account: &Account,
    stack: &Stack,
    json: bool,
    execution: &str,
    progress: &mut Progress,
) -> Result<Verdict> {
    let ended = Follower::new(&account.sfn(), execution, progress).follow().await?;
    let said = format!("{} {}", ended.output().unwrap_or_default(), ended.cause().unwrap_or_default());
    let written = match key(&said, &stack.ledger) {
        Some(key) => Nights::of(account, stack).object(key).await?,
        None => None,
    };
    let Some((written, _)) = written else {
        output::note(&format!(
            "nightly: the drill failed before it could report: {}; look at {}",
            why(&ended),
            console(execution)
        ));
        return Ok(Verdict::Bad);
    };
    let report: Report = serde_json::from_str(&written).context("the report is not one that this version writes")?;
    if json {
        output::print(&pretty(&written)?)?;
    } else {
        output::print(&format!("\n{}", report.text(Terminal::of_stdout())))?;
    }
    output::note(&format!("\nThe whole report: {}", report.location));
    Ok(if report.good { Verdict::Good } else { Verdict::Bad })
}

/// The key that an execution's output or cause names: `…; report: s3://<ledger>/drills/<date>/<execution>/report.json`.
fn key<'a>(said: &'a str, ledger: &str) -> Option<&'a str> {
    let (_, place) = said.split_once(&format!("s3://{ledger}/"))?;
    let end = place.find("/report.json")? + "/report.json".len();
    Some(&place[..end])
}

impl Report {
    fn text(&self, terminal: Terminal) -> String {
        let heading = terminal.heading(&format!("Restore drill of {} of {}:", self.date, self.backup_stack));
        let went = if self.good { terminal.good("everything proven") } else { terminal.bad("NOT EVERYTHING PROVEN") };
        let mut text = terminal.prose(0, &format!("{heading} {went}"));
        for region in &self.regions {
            text += "\n";
            text += &region.text(terminal);
        }
        let mail = self.mail.as_ref().map(|mail| format!("\nMailed: {}", mail.subject));
        text + &mail.map(|mail| terminal.prose(0, &mail)).unwrap_or_default()
    }
}

impl Region {
    fn text(&self, terminal: Terminal) -> String {
        let of = plural(self.volumes, "volume");
        let mut text = terminal.prose(
            0,
            &format!("{}: {} of {of} with restore points drilled", terminal.heading(&self.region), self.taken),
        );
        if !self.proven.is_empty() || !self.unproven.is_empty() {
            text += &self.table(terminal);
        }
        for one in &self.unproven {
            let UnprovenOf { volume_id, unproven } = one;
            text += &terminal.prose(2, &format!("{volume_id}, {}: {}", unproven.night, safe(&unproven.reason)));
            text += &remedy(terminal, &unproven.reason);
        }
        for failure in &self.failures {
            let said = format!("{}: {}", failure.error, failure.message);
            text += &terminal.prose(2, &format!("{}: {}", failure.step, safe(&said)));
            text += &remedy(terminal, &said);
        }
        for volume in &self.not_removed {
            let of = volume.volume_id.as_deref().unwrap_or("a volume that the drill made");
            text += &terminal.prose(2, &format!("{of} could not be deleted: {}", safe(&volume.reason)));
            text += &remedy(terminal, &volume.reason);
        }
        if !self.removed.is_empty() {
            let left = plural(self.removed.len(), "volume");
            text += &terminal.prose(2, &format!("{left} that a drill before had left behind: deleted"));
        }
        text
    }

    fn table(&self, terminal: Terminal) -> String {
        let mut table = terminal.table(&["  Volume", "Night", "Intervals", "Restored", "Proven by"]);
        for ProvenOf { volume_id, proven } in &self.proven {
            let by = match proven.depth {
                Depth::Volume => "volume",
                Depth::Files => "files",
                Depth::Database => "database",
            };
            let cells = [format!("  {volume_id}"), proven.night.to_string(), proven.intervals.to_string()];
            let cells = cells.into_iter().map(|text| terminal.cell(text, None));
            let took = terminal.cell(
                format!("in {}", duration(SignedDuration::from_secs(proven.seconds.try_into().unwrap_or(i64::MAX)))),
                None,
            );
            table.add_row(cells.chain([took, terminal.cell(by, Some(Color::DarkGreen))]));
        }
        for UnprovenOf { volume_id, unproven } in &self.unproven {
            let cells =
                [format!("  {volume_id}"), unproven.night.to_string(), unproven.intervals.to_string(), String::new()];
            let cells = cells.into_iter().map(|text| terminal.cell(text, None));
            table.add_row(cells.chain([terminal.cell("NOT PROVEN", Some(Color::DarkRed))]));
        }
        finished(table)
    }
}

/// What to do about an error, where that is known.
fn remedy(terminal: Terminal, said: &str) -> String {
    let said = Said::read(said);
    said.advice().map(|advice| terminal.prose(4, advice.remedy)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        let proven = json!({"volumeId": "vol-0123456789abcdef0", "at": "2026-11-29T12:00:14Z", "snapshotId": "snap-1",
            "night": "2026-11-28", "intervals": "Daily", "seconds": 74, "depth": "database"});
        let unproven = json!({"volumeId": "vol-0123456789abcdef1", "snapshotId": "snap-2", "night": "2026-10-01",
            "intervals": "Daily+Quarterly", "reason": "TooLarge: its volume has 101 GiB, the parameter DrillGiB allows 100"});
        let stays = json!({"volumeId": "vol-9", "snapshotId": null, "reason": "Refused: \u{1b}[2Jno"});
        let region = json!({"region": "eu-west-1", "volumes": 5, "taken": 2, "proven": [proven], "unproven": [unproven],
            "failures": [], "removed": ["vol-8"], "notRemoved": [stays]});
        let mail = json!({"subject": "[prod] Restore drill", "message": ""});
        let report = json!({"backupStack": "prod", "date": "2026-11-29", "location": "s3://l/drills/x/report.json",
            "regions": [region], "good": false, "mail": mail});
        serde_json::from_value(report).unwrap()
    }

    #[test]
    fn says_what_was_proven_what_was_not_and_what_to_do() {
        let text = report().text(Terminal { width: None, is_coloured: false });
        for said in [
            "NOT EVERYTHING PROVEN",
            "eu-west-1: 2 of 5 volumes with restore points drilled",
            "in 1m 14s  database",
            "vol-0123456789abcdef1, 2026-10-01: TooLarge: its volume has 101 GiB",
            "DrillGiB",
            "vol-9 could not be deleted: Refused:  [2Jno",
            "1 volume that a drill before had left behind: deleted",
            "Mailed: [prod] Restore drill",
        ] {
            assert!(text.contains(said), "{said}:\n{text}");
        }
    }

    #[test]
    fn no_line_is_wider_than_a_terminal_of_80() {
        let text = report().text(Terminal { width: Some(80), is_coloured: false });
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    }

    #[test]
    fn the_report_is_where_the_execution_says() {
        let said = "{\"summary\":\"Drill of 2026-11-29: x; report: s3://ledger/drills/2026-11-29/run/report.json\"} ";
        assert_eq!(key(said, "ledger"), Some("drills/2026-11-29/run/report.json"));
        assert_eq!(key("BadInput: time", "ledger"), None);
    }
}
