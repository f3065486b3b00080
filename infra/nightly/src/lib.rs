//! The operator's view of the nightly backup: starts a night and follows it, says what the last ones came to, and which restore
//! points there are. It works on AWS with the caller's own credentials, and on the local cloud, whose variables `make up` writes.
//!
//! # Layout
//! - [`cli`]: the command line.
//! - [`account`]: the clients of AWS. [`stack`]: the backup's stack in it.
//! - [`output`]: what is printed; [`look`]: how. [`problem`]: AWS's errors in one line.
//! - [`run`], with [`follow`] and [`progress`]: a night, started and followed.
//! - [`status`], with [`starts`] and [`status_lines`]: the nights before.
//! - [`night`]: what the ledger holds of one. [`report`], [`summary`]: what it came to; [`show`], with [`servers`]: in words.

pub mod account;
pub mod cli;
pub mod follow;
pub mod look;
pub mod night;
pub mod output;
pub mod problem;
pub mod progress;
pub mod report;
pub mod run;
pub mod servers;
pub mod show;
pub mod stack;
pub mod starts;
pub mod status;
pub mod status_lines;
pub mod summary;

use anyhow::Result;
use std::process::ExitCode;

use account::Account;
use cli::{Cli, Command};
use stack::Stack;

/// What a command found; its exit code is for scripts. 2 is a command line that clap refuses, 3 that nothing could be found out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Exit code 0.
    Good,
    /// Exit code 1: a night that is not complete, a volume without a fresh restore point.
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
    match cli.command {
        Command::Run(args) => run::run(&account, &stack, &args, cli.json).await,
        Command::Status(args) => status::run(&account, &stack, &args, cli.json).await,
        Command::Coverage | Command::List(_) | Command::Why(_) | Command::Graph(_) => {
            anyhow::bail!("not there yet: {}", stack.name)
        }
    }
}
