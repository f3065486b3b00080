//! `nightly run`: starts a run and follows it to its end.

use anyhow::{Context, Result, anyhow, bail};
use aws_sdk_sfn::operation::describe_execution::DescribeExecutionOutput;
use domain::{Night, input};
use jiff::{Timestamp, Unit, tz::TimeZone};
use report::{mail::console, night::Report};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};
use std::{env, fs::File, path::Path, pin::pin};

use crate::{
    Exit,
    account::{
        Account, error, executions,
        follow::ExecutionFollower,
        ledger::{Folder, LedgerRuns, timestamp},
        stack::Stack,
    },
    chart,
    cli::Run,
    graph, page,
    ui::{interrupt::interrupted, output, progress::Progress, terminal::Terminal, text::safe},
    view,
};

/// Environment variable that allows a run for a Night in the future. `make up` sets it for the local cloud.
const ANY_NIGHT: &str = "NIGHTLY_ANY_NIGHT";
/// Number of Nights in the retention chart.
const CHARTED: u32 = 1_000;

/// Starts a run and follows it.
///
/// # Errors
/// The run cannot be started or followed, or a file cannot be written.
pub async fn run(account: &Account, stack: &Stack, args: &Run, json: bool) -> Result<Exit> {
    let mut input = match &args.like {
        Some(execution) => input_of(account, stack, execution).await?,
        None => asked(args, &stack.time_zone)?,
    };
    if env::var(ANY_NIGHT).as_deref() != Ok("1") {
        let start = input::RunInput::read(&input, Timestamp::now())
            .and_then(|start| input::require_past(start.time, Timestamp::now()));
        start.map_err(|error| anyhow!("{}", error.message))?;
    }
    if args.dry_run {
        input["dryRun"] = json!(true);
    }
    if let Some(file) = &args.html {
        // Reports a file that cannot be written before the run starts, and removes the page of an earlier run.
        File::create(file).with_context(|| file.display().to_string())?;
    }
    let mut interrupted = pin!(interrupted()?);
    let Some(execution) = start(account, &stack.state_machine, &input, interrupted.as_mut()).await? else {
        return Ok(Exit::Interrupted);
    };
    let mut progress = Progress::on_stderr(stack.time_zone.clone());
    progress.print(&format!("Run with input {input}, execution {}", executions::name(&execution)));
    tokio::select! {
        biased;
        () = interrupted => {
            output::note("\nStopped following. The run continues. To see its progress: nightly status");
            Ok(Exit::Interrupted)
        }
        verdict = follow(account, stack, args, json, &execution, &mut progress) => verdict,
    }
}

/// Starts an execution of a state machine. Returns its ARN, or none if the call was interrupted before Step Functions answered.
///
/// # Errors
/// Step Functions refuses or does not answer.
pub async fn start(
    account: &Account,
    state_machine: &str,
    input: &Value,
    interrupted: impl Future<Output = ()>,
) -> Result<Option<String>> {
    let start = account.sfn().start_execution().state_machine_arn(state_machine).input(input.to_string());
    tokio::select! {
        biased;
        () = interrupted => {
            output::note("\nInterrupted before Step Functions answered. Whether it has started, `aws stepfunctions list-executions` says.");
            Ok(None)
        }
        started = start.send() => Ok(Some(started.map_err(|error| error::from_sdk("StartExecution", error))?.execution_arn)),
    }
}

async fn follow(
    account: &Account,
    stack: &Stack,
    args: &Run,
    json: bool,
    execution: &str,
    progress: &mut Progress,
) -> Result<Exit> {
    let ended = ExecutionFollower::new(&account.sfn(), execution, progress).follow().await?;
    let said = format!("{} {}", ended.output().unwrap_or_default(), ended.cause().unwrap_or_default());
    let report = match Folder::named(&said) {
        Some(folder) => LedgerRuns::new(account, stack).report(&folder).await?,
        None => None,
    };
    if let Some(report) = report {
        print_report(account, stack, args, json, &report).await?;
        return Ok(if report.complete { Exit::Good } else { Exit::Bad });
    }
    if json {
        output::print_json(&FailedExecution::new(execution, &ended))?;
    }
    let why = why(&ended);
    output::note(&format!("nightly: the run failed before it could report: {why}; look at {}", console(execution)));
    Ok(Exit::Bad)
}

/// Execution that failed before it wrote a report, as JSON.
#[derive(Debug, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FailedExecution {
    /// Always false.
    complete: bool,
    /// ARN of the execution.
    execution: String,
    error: String,
}

impl FailedExecution {
    pub fn new(execution: &str, ended: &DescribeExecutionOutput) -> Self {
        Self { complete: false, execution: execution.to_owned(), error: why(ended) }
    }
}

/// Returns the error and the cause of a failed execution, in one line.
pub fn why(ended: &DescribeExecutionOutput) -> String {
    let error = ended.error().unwrap_or(ended.status.as_str());
    let cause = ended.cause().map(|cause| format!(": {}", safe(cause))).unwrap_or_default();
    format!("{error}{cause}")
}

async fn print_report(account: &Account, stack: &Stack, args: &Run, json: bool, report: &Report) -> Result<()> {
    if json {
        output::print_json(report)?;
    } else {
        output::print(&format!("\n{}", view::terminal::report(report, Terminal::from_stdout())))?;
    }
    output::note("");
    if let Some(file) = &args.html {
        write_page(account, stack, report, file).await?;
    }
    let night = report.night;
    let next =
        format!("Next: `nightly coverage` lists what is protected; `nightly status {night}` shows this report again.");
    output::note(Terminal::from_stderr().prose(0, &next).trim_end());
    Ok(())
}

/// Writes a report as a page. The file is either complete or not written.
///
/// # Errors
/// Step Functions does not answer, or the file cannot be written.
pub async fn write_page(account: &Account, stack: &Stack, report: &Report, file: &Path) -> Result<()> {
    let execution = graph::fetch::fetch(&account.sfn(), &report.execution).await?;
    let chart = chart::kept(&stack.plans, report.night, CHARTED);
    let page = page::page(report, execution.took(), &graph::draw(&execution)?, &chart);
    let unfinished = file.with_extension("unfinished");
    std::fs::write(&unfinished, page).with_context(|| unfinished.display().to_string())?;
    std::fs::rename(&unfinished, file).with_context(|| file.display().to_string())?;
    output::note(&format!("As a page: {}", from_here(file)));
    Ok(())
}

/// Returns a path relative to the current folder, if that folder contains the path.
fn from_here(file: &Path) -> String {
    let here = env::current_dir().unwrap_or_default();
    file.strip_prefix(here).unwrap_or(file).display().to_string()
}

/// Returns the input for the command-line options. A Night means 04:30 on its date, in the stack's time zone.
fn asked(args: &Run, zone: &TimeZone) -> Result<Value> {
    let time = match args.night {
        Some(night) => Some(time_of(night, zone)?),
        None => args.time,
    };
    Ok(time.map_or_else(|| json!({}), |time| json!({"time": time})))
}

fn time_of(night: Night, zone: &TimeZone) -> Result<Timestamp> {
    let time = zone.to_timestamp(night.date().at(4, 30, 0, 0))?;
    if Night::from_time(time, zone) != night {
        bail!("--night {night}: there was no such date in {}", zone.iana_name().unwrap_or("the stack's time zone"));
    }
    Ok(time)
}

/// Returns the input of an execution of this stack.
async fn input_of(account: &Account, stack: &Stack, execution: &str) -> Result<Value> {
    let arn = executions::arn(&stack.state_machine, execution);
    let described = executions::describe(&account.sfn(), &arn).await?;
    if described.state_machine_arn != stack.state_machine {
        bail!("--like {execution}: this is not a run of {}", stack.name);
    }
    let input = described.input().unwrap_or("{}");
    let input = serde_json::from_str(input).with_context(|| format!("--like {execution}: the input {input}"))?;
    with_time(input, timestamp(&described.start_date)).with_context(|| format!("--like {execution}"))
}

/// Adds the start time of the execution to an input without a time, so that a rerun is for the same Night.
fn with_time(mut input: Value, started: Timestamp) -> Result<Value> {
    let members = input.as_object_mut().context("its input is not a JSON object")?;
    let started = started.round(Unit::Second)?;
    members.entry("time").or_insert_with(|| json!(started));
    Ok(input)
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::night::zone;

    fn run(night: Option<&str>) -> Run {
        let night = night.map(|night| night.parse().unwrap());
        Run { time: None, night, like: None, dry_run: false, html: None }
    }

    #[test]
    fn a_night_is_half_past_four_of_its_date_in_the_stacks_zone() {
        let of = |night, name| asked(&run(Some(night)), &zone(name).unwrap()).unwrap().to_string();
        assert_eq!(of("2026-12-31", "UTC"), r#"{"time":"2026-12-31T04:30:00Z"}"#);
        assert_eq!(of("2026-12-31", "Pacific/Kiritimati"), r#"{"time":"2026-12-30T14:30:00Z"}"#);
        assert_eq!(asked(&run(None), &TimeZone::UTC).unwrap(), json!({}));
    }

    #[test]
    fn a_date_that_a_zone_left_out_is_refused() {
        let error = asked(&run(Some("2011-12-30")), &zone("Pacific/Apia").unwrap()).unwrap_err().to_string();
        assert_eq!(error, "--night 2011-12-30: there was no such date in Pacific/Apia");
    }

    #[test]
    fn a_run_like_another_is_for_the_same_night() {
        let started = "2026-12-31T09:12:44.123456789Z".parse().unwrap();
        let like = |input| with_time(input, started).unwrap();
        assert_eq!(like(json!({"dryRun": true})), json!({"time": "2026-12-31T09:12:44Z", "dryRun": true}));
        let scheduled = json!({"time": "2026-12-30T04:30:00Z"});
        assert_eq!(like(scheduled.clone()), scheduled);
        assert!(with_time(json!("now"), started).is_err());
    }
}
