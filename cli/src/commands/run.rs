//! `nightly run`: starts a night and follows it to its end.

use ::report::mail::console;
use anyhow::{Context, Result, bail};
use aws_sdk_sfn::operation::describe_execution::DescribeExecutionOutput;
use domain::Night;
use jiff::{Timestamp, tz::TimeZone};
use serde_json::{Value, json};
use std::{fs::File, path::Path, sync::Arc};
use tokio::sync::Notify;

use crate::{
    Verdict,
    account::{
        Account, error, executions,
        follow::Follower,
        ledger::{Folder, Nights, Written},
        stack::Stack,
    },
    chart,
    cli::Run,
    graph, page,
    ui::{output, progress::Progress, terminal::Terminal, text::safe},
    view::{report, show},
};

/// Nights of the chart of what is kept.
const CHARTED: u32 = 1_000;

/// Does it.
///
/// # Errors
/// The night cannot be started or followed, or a file cannot be written.
pub async fn run(account: &Account, stack: &Stack, args: &Run, json: bool) -> Result<Verdict> {
    let input = input(args, &stack.time_zone)?;
    for file in [&args.report, &args.page].into_iter().flatten() {
        writable(file)?;
    }
    let interrupted = interrupted()?;
    let execution = start(account, &stack.state_machine, &input).await?;
    let mut progress = Progress::on_stderr(stack.time_zone.clone());
    progress.print(&format!("Night with input {input}, execution {}", executions::name(&execution)));
    tokio::select! {
        biased;
        () = interrupted.notified() => {
            eprintln!("\nNo longer followed, but the night goes on. How far it is, and what it comes to: nightly status");
            Ok(Verdict::Interrupted)
        }
        verdict = follow(account, stack, args, json, &execution, &mut progress) => verdict,
    }
}

/// What is notified when somebody presses Ctrl-C.
///
/// # Errors
/// The system does not let us listen.
pub fn interrupted() -> Result<Arc<Notify>> {
    let interrupted = Arc::new(Notify::new());
    let notify = interrupted.clone();
    ctrlc::set_handler(move || notify.notify_one()).context("cannot listen for Ctrl-C")?;
    Ok(interrupted)
}

/// Starts an execution of a state machine; its ARN.
///
/// # Errors
/// Step Functions refuses or does not answer.
pub async fn start(account: &Account, state_machine: &str, input: &Value) -> Result<String> {
    let start = account.sfn().start_execution().state_machine_arn(state_machine).input(input.to_string());
    Ok(start.send().await.map_err(|error| error::of("StartExecution", error))?.execution_arn)
}

async fn follow(
    account: &Account,
    stack: &Stack,
    args: &Run,
    json: bool,
    execution: &str,
    progress: &mut Progress,
) -> Result<Verdict> {
    let sfn = account.sfn();
    let ended = Follower::new(&sfn, execution, progress).follow().await?;
    let said = format!("{} {}", ended.output().unwrap_or_default(), ended.cause().unwrap_or_default());
    let folder = Folder::named(&said);
    let written = match &folder {
        Some(folder) => Nights::of(account, stack).report(folder).await?,
        None => None,
    };
    let Some(written) = written else {
        eprintln!("nightly: the night failed before it could report: {}; look at {}", why(&ended), console(execution));
        return Ok(Verdict::Bad);
    };
    tell(account, stack, args, json, &written).await?;
    Ok(if written.report.complete { Verdict::Good } else { Verdict::Bad })
}

/// Why an execution failed, in one line.
pub fn why(ended: &DescribeExecutionOutput) -> String {
    let error = ended.error().unwrap_or(ended.status.as_str());
    let cause = ended.cause().map(|cause| format!(": {}", safe(cause))).unwrap_or_default();
    format!("{error}{cause}")
}

async fn tell(account: &Account, stack: &Stack, args: &Run, json: bool, written: &Written) -> Result<()> {
    let pretty = report::pretty(&written.text)?;
    if json {
        output::print(&pretty)?;
    } else {
        output::print(&format!("\n{}", show::report(&written.report, Terminal::of_stdout())))?;
    }
    eprintln!();
    if let Some(file) = &args.report {
        std::fs::write(file, pretty).with_context(|| file.display().to_string())?;
        eprintln!("The whole report: {}", shown(file));
    }
    if let Some(file) = &args.page {
        let page = page(account, stack, written).await?;
        std::fs::write(file, page).with_context(|| file.display().to_string())?;
        eprintln!("The page of the night: {}", shown(file));
    }
    let night = written.report.night;
    let next = format!(
        "Next: `nightly coverage` says which restore points there are, `nightly status {night}` tells of this Night again."
    );
    eprint!("{}", Terminal::of_stderr().prose(0, &next));
    Ok(())
}

async fn page(account: &Account, stack: &Stack, written: &Written) -> Result<String> {
    let execution = graph::fetch::fetch(&account.sfn(), &written.report.execution).await?;
    let took = Some(execution.ended - execution.started);
    let chart = chart::kept(stack.policy, written.report.night, CHARTED);
    Ok(page::page(&written.report, took, &graph::draw(&execution)?, &chart))
}

/// A file that cannot be written is known before the night, not after it.
fn writable(file: &Path) -> Result<()> {
    File::options().create(true).append(true).open(file).map(drop).with_context(|| file.display().to_string())
}

/// A path as short as it can be from here.
fn shown(file: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    file.strip_prefix(here).unwrap_or(file).display().to_string()
}

/// The input of the state machine. A Night alone means 04:30 of its date.
fn input(args: &Run, zone: &TimeZone) -> Result<Value> {
    let time = match args.night {
        Some(night) => Some(time_of(night, zone)?),
        None => args.time,
    };
    let mut input = json!({});
    if let Some(time) = time {
        input["time"] = json!(time);
    }
    if args.dry_run {
        input["dryRun"] = json!(true);
    }
    Ok(input)
}

fn time_of(night: Night, zone: &TimeZone) -> Result<Timestamp> {
    let time = zone.to_timestamp(night.date().at(4, 30, 0, 0))?;
    if Night::of(time, zone) != night {
        bail!("--night {night}: there was no such date in {}", zone.iana_name().unwrap_or("the stack's time zone"));
    }
    Ok(time)
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::night::zone;

    fn run(night: Option<&str>, dry_run: bool) -> Run {
        Run { time: None, night: night.map(|night| night.parse().unwrap()), dry_run, page: None, report: None }
    }

    #[test]
    fn a_night_is_half_past_four_of_its_date_in_the_stacks_zone() {
        let of = |night, name| input(&run(Some(night), false), &zone(name).unwrap()).unwrap().to_string();
        assert_eq!(of("2026-12-31", "UTC"), r#"{"time":"2026-12-31T04:30:00Z"}"#);
        assert_eq!(of("2026-12-31", "Pacific/Kiritimati"), r#"{"time":"2026-12-30T14:30:00Z"}"#);
        assert_eq!(input(&run(None, true), &TimeZone::UTC).unwrap().to_string(), r#"{"dryRun":true}"#);
    }

    #[test]
    fn a_date_that_a_zone_left_out_is_refused() {
        let error = input(&run(Some("2011-12-30"), false), &zone("Pacific/Apia").unwrap()).unwrap_err().to_string();
        assert_eq!(error, "--night 2011-12-30: there was no such date in Pacific/Apia");
    }
}
