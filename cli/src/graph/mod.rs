//! `nightly graph`: draws an execution like the graph view of the console, with the states coloured by outcome.
//!
//! # Layout
//! - [`fetch`] reads an execution from Step Functions. [`definition`] is its tree of states.
//! - [`history`] reads the [`outcome`] of each state from the events. [`execution`] adds those of the Map Runs.
//! - [`layout`] places the boxes. [`draw`] draws them, with the words of [`caption`] and the colours of `style.css`.

pub mod caption;
pub mod definition;
pub mod draw;
pub mod execution;
pub mod fetch;
pub mod history;
pub mod layout;
pub mod outcome;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::{
    Exit,
    account::{Account, executions, stack::Stack},
    cli,
    ui::{output, progress::MapCounts},
};
use definition::{Machine, State};
use fetch::FetchedExecution;
use outcome::StateOutcome;

/// Draws an execution.
///
/// # Errors
/// The execution does not exist, Step Functions does not answer, or the file cannot be written.
pub async fn run(account: &Account, stack: &Stack, args: &cli::Graph, json: bool) -> Result<Exit> {
    let sfn = account.sfn();
    let arn = match &args.execution {
        None => fetch::newest(&sfn, &stack.state_machine).await?,
        Some(execution) => executions::arn(&stack.state_machine, execution),
    };
    let execution = fetch::fetch(&sfn, &arn).await?;
    let text = if json { serde_json::to_string_pretty(&object(&execution)?)? } else { draw(&execution)? } + "\n";
    match &args.output {
        Some(file) => std::fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))?,
        None => output::print(&text)?,
    }
    Ok(Exit::Good)
}

/// Returns the picture of an execution as SVG.
///
/// # Errors
/// The definition cannot be read.
pub fn draw(execution: &FetchedExecution) -> Result<String> {
    let machine = Machine::read(&execution.definition)?;
    Ok(draw::svg(&machine, execution, &execution::trace(&machine, execution)))
}

/// Returns an execution as JSON. The states inside a Map follow the Map.
fn object(execution: &FetchedExecution) -> Result<Value> {
    let machine = Machine::read(&execution.definition)?;
    let trace = execution::trace(&machine, execution);
    let milliseconds = |seconds: f64| (seconds * 1000.0).round() / 1000.0;
    let items = |items: MapCounts| json!({"total": items.total, "done": items.done, "failed": items.failed, "running": items.in_flight});
    let state = |state: &State| {
        let passages = trace.state(&state.name);
        json!({
            "name": state.name,
            "kind": state.kind,
            "outcome": passages.outcome().class(),
            "entered": passages.entered(),
            "succeeded": passages.count(StateOutcome::Succeeded),
            "items": passages.items.map(items),
            "seconds": passages.seconds.map(milliseconds),
            "error": passages.error,
        })
    };
    Ok(json!({
        "execution": execution.name,
        "stateMachine": execution.machine,
        "summary": caption::summary(execution),
        "seconds": milliseconds(execution.ended - execution.started),
        "states": machine.all().into_iter().map(state).collect::<Vec<_>>(),
    }))
}
