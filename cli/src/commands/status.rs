//! `nightly status`: lists the last runs, one line each, or shows the runs of one Night in full.

use anyhow::{Result, bail};
use domain::Night;
use jiff::{SignedDuration, Timestamp};
use report::{mail::console, summary::STALE};
use std::path::Path;

use crate::{
    Exit,
    account::{
        Account,
        executions::{RunHistory, RunRecord, RunStatus},
        stack::Stack,
        subscriptions,
    },
    cli::Status,
    commands::run::write_page,
    ui::{
        output,
        terminal::Terminal,
        text::{age, plural},
    },
    view::{
        self,
        status_json::{RunJson, StatusReport},
        status_lines::Lines,
    },
};

/// Lists the last runs, or shows those of one Night.
///
/// # Errors
/// AWS does not answer, or there is no such Night.
pub async fn run(account: &Account, stack: &Stack, args: &Status, json: bool, now: Timestamp) -> Result<Exit> {
    match args.night {
        Some(night) => one(account, stack, night, args.html.as_deref(), json).await,
        None => list(account, stack, args.last.get(), json, now).await,
    }
}

async fn list(account: &Account, stack: &Stack, last: usize, json: bool, now: Timestamp) -> Result<Exit> {
    let starts = RunHistory::new(account, stack).last(last).await?;
    let shown = &starts[..last.min(starts.len())];
    if json {
        let runs = shown.iter().map(RunJson::from).collect();
        output::print_json(&StatusReport { night: None, runs, report: None })?;
    } else if starts.is_empty() {
        output::print(&format!("No run of {} yet. Start one: nightly run\n", stack.backup_stack))?;
    } else {
        let lines = Lines { zone: &stack.time_zone, terminal: Terminal::from_stdout() };
        output::print(&lines.text(shown))?;
        hint(&starts);
    }
    match subscriptions::missing(&account.sns(), &stack.topic, &account.region).await {
        Ok(None) => {}
        Ok(Some(missing)) => output::note(&format!("nightly: {missing}")),
        Err(error) => output::note(&format!("nightly: it is not known whether anybody gets the emails: {error:#}")),
    }
    match silent_since(&starts, STALE + stack.longer_pause(), now) {
        None => Ok(verdict(&starts)),
        Some(since) => {
            output::note(&format!(
                "nightly: the last run ended {} ago: look at the schedule (docs/operating.md, No run started)",
                age(now.duration_since(since))
            ));
            Ok(Exit::Bad)
        }
    }
}

/// Returns the end of the newest run that was not a dry run, if it is longer ago than `pause` and no run is running.
fn silent_since(starts: &[RunRecord], pause: SignedDuration, now: Timestamp) -> Option<Timestamp> {
    let is_running = starts.iter().any(|start| !start.dry_run && matches!(start.outcome, RunStatus::Running(_)));
    let ended = starts.iter().filter(|start| start.is_real_and_over()).filter_map(|start| start.ended).max()?;
    (!is_running && now.duration_since(ended) > pause).then_some(ended)
}

/// Returns the verdict on the newest run that has ended and was not a dry run.
fn verdict(starts: &[RunRecord]) -> Exit {
    match starts.iter().find(|start| start.is_real_and_over()) {
        Some(start) if start.outcome != RunStatus::Complete => Exit::Bad,
        _ => Exit::Good,
    }
}

/// Prints the next step for newcomers to stderr, which scripts do not read.
fn hint(starts: &[RunRecord]) {
    if let Some(night) = starts.iter().find_map(|start| start.night) {
        let next =
            Terminal::from_stderr().prose(0, &format!("Next: `nightly status {night}` shows that Night in full."));
        output::note(&format!("\n{}", next.trim_end()));
    }
}

async fn one(account: &Account, stack: &Stack, night: Night, html: Option<&Path>, json: bool) -> Result<Exit> {
    let finder = RunHistory::new(account, stack);
    let starts = finder.for_night(night).await?;
    if starts.is_empty() {
        bail!("there is no Night {night} in the ledger; {}", nearest(&finder.nights.all().await?, night));
    }
    // Shows the report of a dry run only if there is no other.
    let reported = |start: &&RunRecord| start.summary.is_some();
    let shown = starts.iter().find(|start| reported(start) && !start.dry_run).or(starts.iter().find(reported));
    let report = match shown.and_then(RunRecord::folder) {
        Some(folder) => finder.nights.report(&folder).await?,
        None => None,
    };
    if let Some(file) = html {
        let Some(report) = &report else { bail!("no run of Night {night} wrote a report, so there is no page") };
        write_page(account, stack, report, file).await?;
    }
    if json {
        let runs = starts.iter().map(RunJson::from).collect();
        output::print_json(&StatusReport { night: Some(night), runs, report })?;
        return Ok(verdict(&starts));
    }
    let terminal = Terminal::from_stdout();
    let lines = Lines { zone: &stack.time_zone, terminal };
    let heading = terminal.heading(&format!("{} for Night {night}", plural(starts.len(), "run")));
    let mut text = format!("{heading}\n{}", lines.night_text(&starts));
    if let (Some(start), Some(report)) = (shown, &report) {
        text += &format!("\n{}\n", view::terminal::report(report, terminal));
        let (report, execution) = (&report.location, console(&start.execution));
        text += &format!("Details\n  report     {report}\n  execution  {execution}\n");
    }
    output::print(&text)?;
    Ok(verdict(&starts))
}

/// Names the Nights of the ledger just before and after this Night.
fn nearest(all: &[Night], night: Night) -> String {
    let before = all.iter().rfind(|one| **one < night);
    let after = all.iter().find(|one| **one > night);
    let near: Vec<_> = [before, after].into_iter().flatten().map(Night::to_string).collect();
    match near.as_slice() {
        [] => "it has none yet".into(),
        near => format!("the nearest: {}", near.join(" and ")),
    }
}

#[cfg(test)]
#[path = "status_tests.rs"]
mod tests;
