//! Command-line tool for operators. It deploys the backup, starts and follows runs, shows the last runs and the restore points, and restores
//! volumes. It works on AWS with the caller's own credentials, and on the local cloud with the variables that `make up` writes.
//!
//! # Layout
//! - [`cli`]: the command line. [`commands`]: one module per command. [`deployment`]: the templates and their stack.
//! - [`account`]: AWS clients, and the backup's stack with its executions, its ledger and its snapshots.
//! - [`view`]: a run as text. [`page`]: a run as an HTML page. [`graph`]: a picture of an execution. [`chart`]: a picture of the retention.
//! - [`forecast`]: the expiry of each restore point. [`ui`]: the terminal.

pub mod account;
pub mod chart;
pub mod cli;
pub mod commands;
pub mod deployment;
#[cfg(test)]
mod fixtures;
pub mod forecast;
pub mod graph;
pub mod page;
#[cfg(test)]
mod schemas;
pub mod ui;
pub mod view;

use anyhow::Result;
use jiff::Timestamp;
use std::process::ExitCode;

use account::{Account, stack::Stack};
use cli::{BackupCommand, Cli, Command, Coverage, List, Plan, Restore, Why};
use commands::{check, coverage, deploy, destroy, drill, list, manual, plan, restore, run, status, why};

/// Result of a command, as its exit code. Exit code 2 is a wrong command line, and 3 an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    Good,
    /// Exit code 1: a run is not complete, a volume has no fresh restore point, or a drill could not prove everything.
    Bad,
    /// Exit code 3: not every Region could be read. The output covers the others.
    Partial = 3,
    /// Exit code 130: Ctrl-C, as in a shell.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(verdict: Exit) -> Self {
        Self::from(verdict as u8)
    }
}

/// Runs the command.
///
/// # Errors
/// One line with the problem and the remedy.
pub async fn run(cli: Cli) -> Result<Exit> {
    match cli.command {
        Command::Completions { shell } => return manual::completions(shell),
        Command::Man => return manual::page(),
        _ => {}
    }
    let account = Account::load(cli.region.clone(), cli.profile.clone()).await?;
    // Ignores an environment variable that is empty.
    let name = cli.stack.as_deref().filter(|name| !name.is_empty());
    let command = match cli.command {
        Command::Deploy(asked) => return deploy::run(&account, name, &asked, cli.json).await,
        Command::Destroy(asked) => return destroy::run(&account, name, &asked, cli.json).await,
        Command::Backup(command) => command,
        Command::Completions { .. } | Command::Man => return Ok(Exit::Good),
    };
    let mut stack = Stack::find(&account, name).await?;
    if let BackupCommand::Coverage(Coverage { regions: asked, .. })
    | BackupCommand::List(List { regions: asked, .. })
    | BackupCommand::Plan(Plan { regions: asked, .. })
    | BackupCommand::Why(Why { regions: asked, .. })
    | BackupCommand::Restore(Restore { regions: asked, .. }) = &command
        && !asked.regions.is_empty()
    {
        stack.regions.clone_from(&asked.regions);
    }
    let now = Timestamp::now();
    match command {
        BackupCommand::Check(asked) => check::run(&account, &stack, &asked, cli.json, now).await,
        BackupCommand::Run(asked) => run::run(&account, &stack, &asked, cli.json).await,
        BackupCommand::Status(asked) => status::run(&account, &stack, &asked, cli.json, now).await,
        BackupCommand::Coverage(asked) => coverage::run(&account, &stack, &asked, cli.json, now).await,
        BackupCommand::List(asked) => list::run(&account, &stack, asked.volume.as_deref(), cli.json, now).await,
        BackupCommand::Plan(asked) => plan::run(&account, &stack, &asked, cli.json, now).await,
        BackupCommand::Why(asked) => why::run(&account, &stack, &asked.snapshot, cli.json, now).await,
        BackupCommand::Restore(asked) => restore::run(&account, &stack, &asked, cli.json).await,
        BackupCommand::Drill(asked) => drill::run(&account, &stack, &asked, cli.json).await,
        BackupCommand::Graph(asked) => graph::run(&account, &stack, &asked, cli.json).await,
    }
}
