//! `nightly graph`: an execution as a picture, its states coloured by outcome, as the console's graph view draws it.
//!
//! # Layout
//! - [`fetch`] asks Step Functions, [`events`] reduces its history; the result is an [`execution::Execution`].
//! - [`definition`] is the tree of states. [`runs::trace`] works out what became of each: [`history`] by its events, [`infer`] where
//!   there are none (with [`choice`]), [`runs`] by the Map Runs. A [`trace::Trace`] holds it.
//! - [`layout`] places the boxes, [`draw`] draws them, with the words of [`caption`] and the colours of [`theme`].

pub mod caption;
pub mod choice;
pub mod definition;
pub mod draw;
pub mod events;
pub mod execution;
pub mod fetch;
pub mod history;
pub mod infer;
pub mod layout;
pub mod runs;
pub mod theme;
pub mod trace;

use anyhow::{Context, Result};
use serde::Serialize;

use crate::{
    Verdict,
    account::{Account, stack::Stack},
    cli,
    ui::output,
};
use definition::Machine;
use execution::{Counts, Execution};
use trace::Outcome;

/// Draws the execution that is asked for.
///
/// # Errors
/// There is no such execution, Step Functions does not answer, or the file cannot be written.
pub async fn run(account: &Account, stack: &Stack, asked: &cli::Graph, json: bool) -> Result<Verdict> {
    let sfn = account.sfn();
    let arn = match asked.execution.as_deref() {
        None => fetch::newest(&sfn, &stack.state_machine).await?,
        Some(arn) if arn.starts_with("arn:") => arn.to_owned(),
        Some(name) => named(&stack.state_machine, name),
    };
    let execution = fetch::fetch(&sfn, &arn).await?;
    let text = if json { serde_json::to_string_pretty(&told(&execution))? } else { draw(&execution) } + "\n";
    match &asked.output {
        Some(file) => std::fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))?,
        None => output::print(&text)?,
    }
    Ok(Verdict::Good)
}

/// The ARN of the machine's execution of this name.
fn named(machine: &str, name: &str) -> String {
    format!("{}:{name}", machine.replacen(":stateMachine:", ":execution:", 1))
}

/// The execution as an SVG.
pub fn draw(execution: &Execution) -> String {
    let machine = Machine::read(&execution.definition);
    draw::svg(&machine, execution, &runs::trace(&machine, execution))
}

/// The execution for scripts.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Told {
    /// Its name.
    pub execution: String,
    /// Its state machine's name.
    pub state_machine: String,
    /// How it ended, in words.
    pub summary: String,
    /// Until its end, or until now.
    pub seconds: f64,
    /// Its states; those within a Map after it.
    pub states: Vec<ToldState>,
}

/// A state for scripts.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ToldState {
    /// Its name.
    pub name: String,
    /// Its type.
    pub kind: String,
    /// The worst of its passages.
    pub outcome: Outcome,
    /// How often it was entered.
    pub entered: usize,
    /// How often it succeeded.
    pub succeeded: usize,
    /// A Map's items.
    pub items: Option<Counts>,
    /// The longest passage.
    pub seconds: Option<f64>,
    /// The last error.
    pub error: Option<String>,
}

/// No clock here is better.
fn milliseconds(seconds: f64) -> f64 {
    (seconds * 1000.0).round() / 1000.0
}

/// What became of each state.
pub fn told(execution: &Execution) -> Told {
    let machine = Machine::read(&execution.definition);
    let trace = runs::trace(&machine, execution);
    let state = |state: &definition::State| {
        let passages = trace.of(&state.name);
        ToldState {
            name: state.name.clone(),
            kind: format!("{:?}", state.kind),
            outcome: passages.outcome(),
            entered: passages.entered(),
            succeeded: passages.count(Outcome::Succeeded),
            items: passages.items,
            seconds: passages.seconds.map(milliseconds),
            error: passages.error,
        }
    };
    Told {
        execution: execution.name.clone(),
        state_machine: execution.machine.clone(),
        summary: caption::summary(execution),
        seconds: milliseconds(execution.seconds),
        states: machine.all().into_iter().map(state).collect(),
    }
}
