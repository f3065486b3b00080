//! The operator's view of the nightly backup: starts a night and follows it, says what the last ones came to, and which restore
//! points there are. It works on AWS with the caller's own credentials, and on the local cloud, whose variables `make up` writes.
//!
//! # Layout
//! - [`cli`]: the command line.
//! - [`account`]: the clients of AWS. [`stack`]: the backup's stack in it. [`problem`]: AWS's errors in one line.
//! - [`run`], with [`follow`] and [`progress`]: a night, started and followed.
//! - [`status`], with [`starts`] and [`status_lines`]: the nights before.
//! - [`night`]: what the ledger holds of one. [`report`]: what it came to; [`show`], with [`servers`]: in words.
//! - [`proofs`]: what restore drills proved.
//! - [`coverage`], [`list`], [`why`]: the commands that read the [`inventory`]. [`expiry`]: a fate in words.
//! - [`drill`]: a restore drill, started and followed.
//! - [`restore`]: a volume made from a restore point.
//! - [`graph`]: an execution as a picture. [`page`]: the page of a night. [`chart`]: the picture of which restore points survive.
//! - [`output`]: what is printed; [`look`], [`screen`]: how.

pub mod account;
pub mod chart;
pub mod cli;
pub mod coverage;
pub mod drill;
pub mod expiry;
pub mod follow;
pub mod graph;
pub mod inventory;
pub mod list;
pub mod look;
#[cfg(test)]
mod made;
pub mod night;
pub mod output;
pub mod page;
pub mod problem;
pub mod progress;
pub mod proofs;
pub mod report;
pub mod restore;
pub mod run;
pub mod screen;
pub mod servers;
pub mod show;
pub mod stack;
pub mod starts;
pub mod status;
pub mod status_lines;
pub mod summary;
pub mod why;

use anyhow::Result;
use jiff::Timestamp;
use std::process::ExitCode;

use account::Account;
use cli::{Cli, Command};
use stack::Stack;

/// What a command found; its exit code is for scripts. 2 is a command line that clap refuses, 3 that nothing could be found out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Exit code 0.
    Good,
    /// Exit code 1: a night that is not complete, a volume without a fresh restore point, a drill that could not prove everything.
    Bad,
    /// Exit code 130: Ctrl-C, as a shell says it.
    Interrupted = 130,
}

impl From<Verdict> for ExitCode {
    fn from(verdict: Verdict) -> Self {
        Self::from(verdict as u8)
    }
}

/// Does what the command line asks for.
///
/// # Errors
/// One line that says what could not be found out and what to do.
pub async fn run(cli: Cli) -> Result<Verdict> {
    let account = Account::load(cli.region.clone()).await?;
    let stack = Stack::find(&account, cli.stack.as_deref()).await?;
    let now = Timestamp::now();
    match cli.command {
        Command::Run(asked) => run::run(&account, &stack, &asked, cli.json).await,
        Command::Status(asked) => status::run(&account, &stack, &asked, cli.json).await,
        Command::Coverage => coverage::run(&account, &stack, cli.json, now).await,
        Command::List(asked) => list::run(&account, &stack, asked.volume.as_deref(), cli.json, now).await,
        Command::Why(asked) => why::run(&account, &stack, &asked.snapshot, cli.json, now).await,
        Command::Restore(asked) => restore::run(&account, &stack, &asked, cli.json).await,
        Command::Drill(asked) => drill::run(&account, &stack, &asked, cli.json).await,
        Command::Graph(asked) => graph::run(&account, &stack, &asked, cli.json).await,
    }
}
