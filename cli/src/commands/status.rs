//! `nightly status`: the last nights, one line each; or one of them in full.

use anyhow::{Result, bail};
use domain::Night;
use report::mail::console;
use serde_json::{Value, json};
use std::fmt::Write;

use crate::{
    Verdict,
    account::{
        Account,
        executions::{Outcome, Start, Starts},
        stack::Stack,
    },
    cli::Status,
    ui::{output, terminal::Terminal, text::plural},
    view::{
        show,
        status_lines::{Lines, object},
    },
};

/// Does it.
///
/// # Errors
/// AWS does not answer, or there is no such Night.
pub async fn run(account: &Account, stack: &Stack, args: &Status, json: bool) -> Result<Verdict> {
    match args.night {
        Some(night) => one(account, stack, night, json).await,
        None => list(account, stack, args.last, json).await,
    }
}

async fn list(account: &Account, stack: &Stack, last: usize, json: bool) -> Result<Verdict> {
    let starts = Starts::of(account, stack).last(last).await?;
    let shown = &starts[..last.min(starts.len())];
    if json {
        output::print_json(&shown.iter().map(object).collect::<Vec<_>>())?;
    } else if starts.is_empty() {
        output::print(&format!("No night of {} has run yet. Start one: nightly run\n", stack.backup_stack))?;
    } else {
        let lines = Lines { zone: &stack.time_zone, look: Terminal::of_stdout() };
        output::print(&lines.text(shown))?;
        hint(&starts);
    }
    Ok(verdict(&starts))
}

/// The newest real start that is over decides: a dry run makes no restore point, and of one that runs nobody knows.
fn verdict(starts: &[Start]) -> Verdict {
    match starts.iter().find(|start| start.is_real_and_over()) {
        Some(start) if start.outcome != Outcome::Complete => Verdict::Bad,
        _ => Verdict::Good,
    }
}

/// On stderr, for a newcomer: not part of what scripts read.
fn hint(starts: &[Start]) {
    if let Some(night) = starts.iter().find_map(|start| start.night) {
        let next = format!("Next: `nightly status {night}` tells of that Night in full.");
        eprint!("\n{}", Terminal::of_stderr().prose(0, &next));
    }
}

async fn one(account: &Account, stack: &Stack, night: Night, json: bool) -> Result<Verdict> {
    let finder = Starts::of(account, stack);
    let starts = finder.of_night(night).await?;
    if starts.is_empty() {
        bail!("there is no Night {night} in the ledger; {}", nearest(&finder.nights.all().await?, night));
    }
    // A dry run's report is shown where there is no other.
    let reported = |start: &&Start| start.summary.is_some();
    let shown = starts.iter().find(|start| reported(start) && !start.dry_run).or(starts.iter().find(reported));
    let written = match shown.and_then(Start::folder) {
        Some(folder) => finder.nights.report(&folder).await?,
        None => None,
    };
    if json {
        let report: Value =
            written.as_ref().map(|one| serde_json::from_str(&one.text)).transpose()?.unwrap_or_default();
        let objects: Vec<_> = starts.iter().map(object).collect();
        output::print_json(&json!({"night": night, "starts": objects, "report": report}))?;
        return Ok(verdict(&starts));
    }
    let look = Terminal::of_stdout();
    let lines = Lines { zone: &stack.time_zone, look };
    let heading = look.heading(&format!("{} of Night {night}", plural(starts.len(), "start")));
    let mut text = format!("{heading}\n{}", lines.of_night(&starts));
    if let (Some(start), Some(written)) = (shown, &written) {
        let _ = writeln!(text, "\n{}", show::report(&written.report, look));
        let (report, execution) = (&written.report.location, console(&start.execution));
        let _ = writeln!(text, "Where to look\n  report     {report}\n  execution  {execution}");
    }
    output::print(&text)?;
    Ok(verdict(&starts))
}

/// The Nights that the ledger has just before and after one.
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
