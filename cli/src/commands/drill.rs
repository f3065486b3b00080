//! `nightly drill`: starts a restore drill and follows it to its end.

use anyhow::{Result, bail};
use comfy_table::Color;
use domain::{
    Reason,
    drill::{
        Depth,
        messages::{ProvenVolume, UnprovenVolume},
    },
};
use jiff::SignedDuration;
use report::{
    advice::advice,
    drill::{DrillRegion, DrillReport},
    mail::console,
};
use serde_json::json;
use std::pin::pin;

use crate::{
    Exit,
    account::{Account, executions, follow::ExecutionFollower, ledger::LedgerRuns, stack::Stack},
    cli::Drill,
    commands::run::{FailedExecution, start, why},
    ui::{
        interrupt::interrupted,
        output,
        progress::Progress,
        table::Rows,
        terminal::Terminal,
        text::{duration, plural, safe},
    },
};

/// Starts a drill and follows it.
///
/// # Errors
/// The stack has no drill, or it cannot be started or followed.
pub async fn run(account: &Account, stack: &Stack, args: &Drill, json: bool) -> Result<Exit> {
    let Some(machine) = &stack.drill else {
        bail!("stack {} has no restore drill; deploy it with the parameter RestoreDrill=true", stack.name);
    };
    let input = if args.all { json!({"all": true}) } else { json!({}) };
    let mut interrupted = pin!(interrupted()?);
    let Some(execution) = start(account, machine, &input, interrupted.as_mut()).await? else {
        return Ok(Exit::Interrupted);
    };
    let mut progress = Progress::on_stderr(stack.time_zone.clone());
    progress.print(&format!("Restore drill with input {input}, execution {}", executions::name(&execution)));
    tokio::select! {
        biased;
        () = interrupted => {
            output::note("\nStopped following. The drill continues. To see its result: nightly coverage");
            Ok(Exit::Interrupted)
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
) -> Result<Exit> {
    let ended = ExecutionFollower::new(&account.sfn(), execution, progress).follow().await?;
    let said = format!("{} {}", ended.output().unwrap_or_default(), ended.cause().unwrap_or_default());
    let report: Option<DrillReport> = match key(&said, &stack.ledger) {
        Some(key) => LedgerRuns::new(account, stack).read(key).await?,
        None => None,
    };
    let Some(report) = report else {
        if json {
            output::print_json(&FailedExecution::new(execution, &ended))?;
        }
        output::note(&format!(
            "nightly: the drill failed before it could report: {}; look at {}",
            why(&ended),
            console(execution)
        ));
        return Ok(Exit::Bad);
    };
    if json {
        output::print_json(&report)?;
    } else {
        output::print(&format!("\n{}", text(&report, Terminal::from_stdout())))?;
    }
    output::note(&format!("\nThe whole report: {}", report.location));
    Ok(if report.complete { Exit::Good } else { Exit::Bad })
}

/// Returns the key that an execution's output or cause names: `…; report: s3://<ledger>/drills/<date>/<execution>/report.json`.
fn key<'a>(said: &'a str, ledger: &str) -> Option<&'a str> {
    let (_, place) = said.split_once(&format!("s3://{ledger}/"))?;
    let end = place.find("/report.json")? + "/report.json".len();
    Some(&place[..end])
}

fn text(report: &DrillReport, terminal: Terminal) -> String {
    let heading = terminal.heading(&format!("Restore drill of {} of {}:", report.date, report.backup_stack));
    let result =
        if report.complete { terminal.good("everything proven") } else { terminal.bad("NOT EVERYTHING PROVEN") };
    let mut text = terminal.prose(0, &format!("{heading} {result}"));
    for region in &report.regions {
        text += "\n";
        text += &region_text(region, terminal);
    }
    let mail = report.mail.as_ref().map(|mail| format!("\nMailed: {}", mail.subject));
    text + &mail.map(|mail| terminal.prose(0, &mail)).unwrap_or_default()
}

fn region_text(report: &DrillRegion, terminal: Terminal) -> String {
    let (region, of) = (terminal.heading(&report.region), plural(report.volumes, "volume"));
    let mut text = terminal.prose(0, &format!("{region}: {} of {of} with restore points drilled", report.taken));
    if !report.proven.is_empty() || !report.unproven.is_empty() {
        text += &terminal.draw(&[table(report)]).concat();
    }
    let unproven =
        report.unproven.iter().map(|one| (format!("{}, {}", one.volume_id, one.unproven.night), &one.unproven.reason));
    let failures = report.failures.iter().map(|failed| (failed.step.clone(), &failed.reason));
    let not_removed = report.not_removed.iter().map(|volume| {
        let id = volume.volume_id.as_deref().unwrap_or("a volume that the drill created");
        (format!("{id} could not be deleted"), &volume.reason)
    });
    for (subject, reason) in unproven.chain(failures).chain(not_removed) {
        text += &terminal.prose(2, &format!("{subject}: {}", safe(&reason.to_string())));
        text += &remedy(reason, terminal);
    }
    if !report.removed.is_empty() {
        let left = plural(report.removed.len(), "volume");
        text += &terminal.prose(2, &format!("{left} left behind by an earlier drill: deleted"));
    }
    text
}

fn table(report: &DrillRegion) -> Rows {
    let mut rows = Rows::new(&[&["  Volume"], &["Night", "Intervals"], &["Restored", "Proven by"]]);
    let id = |volume: &str| format!("  {volume}");
    for ProvenVolume { volume_id, proven } in &report.proven {
        let by = match proven.depth {
            Depth::Volume => "volume",
            Depth::Files => "files",
            Depth::Database => "database",
        };
        let took = SignedDuration::from_secs(proven.seconds.try_into().unwrap_or(i64::MAX));
        let (night, intervals) = (proven.night.to_string(), proven.intervals.to_string());
        let cells = [id(volume_id), night, intervals, format!("in {}", duration(took)), by.to_owned()];
        rows.add(&cells, Some(Color::DarkGreen));
    }
    for UnprovenVolume { volume_id, unproven } in &report.unproven {
        let (night, intervals) = (unproven.night.to_string(), unproven.intervals.to_string());
        let cells = [id(volume_id), night, intervals, String::new(), "NOT PROVEN".to_owned()];
        rows.add(&cells, Some(Color::DarkRed));
    }
    rows
}

/// Returns the remedy, or an empty text if none is known.
fn remedy(reason: &Reason, terminal: Terminal) -> String {
    advice(&reason.code).map(|advice| terminal.prose(4, advice.remedy)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> DrillReport {
        let proven = json!({"volumeId": "vol-0123456789abcdef0", "at": "2026-11-29T12:00:14Z", "snapshotId": "snap-1",
            "night": "2026-11-28", "intervals": "Daily", "seconds": 74, "depth": "database"});
        let unproven = json!({"volumeId": "vol-0123456789abcdef1", "snapshotId": "snap-2", "night": "2026-10-01",
            "intervals": "Daily+Quarterly", "reason": {"code": "TooLarge", "message": "the volume has 101 GiB, but the parameter DrillGiB allows 100"}});
        let stays =
            json!({"volumeId": "vol-9", "snapshotId": null, "reason": {"code": "Refused", "message": "\u{1b}[2Jno"}});
        let region = json!({"region": "eu-west-1", "volumes": 5, "taken": 2, "proven": [proven], "unproven": [unproven],
            "failures": [], "removed": ["vol-8"], "notRemoved": [stays], "oldestProof": null});
        let mail = json!({"subject": "[prod] Restore drill", "message": ""});
        let report = json!({"backupStack": "prod", "stack": "prod", "date": "2026-11-29", "location": "s3://l/drills/x/report.json",
            "execution": "arn", "started": "2026-11-29T12:00:00Z", "ended": "2026-11-29T12:01:00Z", "regions": [region],
            "complete": false, "mail": mail});
        serde_json::from_value(report).unwrap()
    }

    #[test]
    fn says_what_was_proven_what_was_not_and_what_to_do() {
        let text = super::text(&report(), Terminal { width: None, is_coloured: false });
        for said in [
            "NOT EVERYTHING PROVEN",
            "eu-west-1: 2 of 5 volumes with restore points drilled",
            "in 1m 14s  database",
            "vol-0123456789abcdef1, 2026-10-01: TooLarge: the volume has 101 GiB",
            "DrillGiB",
            "vol-9 could not be deleted: Refused:  [2Jno",
            "1 volume left behind by an earlier drill: deleted",
            "Mailed: [prod] Restore drill",
        ] {
            assert!(text.contains(said), "{said}:\n{text}");
        }
    }

    #[test]
    fn no_line_is_wider_than_a_terminal_of_80() {
        let text = super::text(&report(), Terminal { width: Some(80), is_coloured: false });
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    }

    #[test]
    fn the_report_is_where_the_execution_says() {
        let said = "{\"summary\":\"Drill of 2026-11-29: x; report: s3://ledger/drills/2026-11-29/run/report.json\"} ";
        assert_eq!(key(said, "ledger"), Some("drills/2026-11-29/run/report.json"));
        assert_eq!(key("BadInput: time", "ledger"), None);
    }
}
