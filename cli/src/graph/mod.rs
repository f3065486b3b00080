//! `nightly graph`: draws an execution like the graph view of the console, with the states coloured by outcome.
//!
//! # Layout
//! - [`fetch`] reads an execution from Step Functions. [`definition`] is its tree of states.
//! - [`history`] reads the [`outcome`] of each state from the events. [`execution`] adds those of the Map Runs.
//! - [`layout`] places the boxes. [`draw`] draws them, with the words of [`caption`] and the colours of `style.css`. [`report`] is the
//!   same as JSON.

pub mod caption;
pub mod definition;
pub mod draw;
pub mod execution;
pub mod fetch;
pub mod history;
pub mod layout;
pub mod outcome;
pub mod report;

use anyhow::{Context, Result};

use crate::{
    Exit,
    account::{Account, executions, stack::Stack},
    cli,
    ui::output,
};
use definition::Machine;
use fetch::FetchedExecution;
use report::GraphReport;

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
    let text = if json {
        output::json(&GraphReport::new(&Machine::read(&execution.definition)?, &execution))?
    } else {
        draw(&execution)? + "\n"
    };
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
