//! The operator's view of the nightly backup: starts a night and follows it, says what the last ones came to, and which restore
//! points there are. It works on AWS with the caller's own credentials, and on the local cloud, whose variables `make up` writes.
//!
//! # Layout
//! - [`cli`]: the command line.
//! - [`account`]: the clients of AWS. [`stack`]: the backup's stack in it.
//! - [`inventory`]: the volumes and the snapshots.
//! - [`coverage`], [`list`], [`why`]: the commands that read them. [`expiry`]: a fate in words.
//! - [`output`]: what is printed. [`screen`]: how it is laid out.

pub mod account;
pub mod cli;
pub mod coverage;
pub mod expiry;
pub mod inventory;
pub mod list;
#[cfg(test)]
mod made;
pub mod output;
pub mod screen;
pub mod stack;
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
    /// Exit code 1: a night that is not complete, a volume without a fresh restore point.
    Bad,
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
        Command::Coverage => coverage::run(&account, &stack, cli.json, Timestamp::now()).await,
        Command::List(asked) => list::run(&account, &stack, asked.volume.as_deref(), cli.json, Timestamp::now()).await,
        Command::Why(asked) => why::run(&account, &stack, &asked.snapshot, cli.json, Timestamp::now()).await,
        Command::Run(_) | Command::Status(_) | Command::Graph(_) => {
            anyhow::bail!("not there yet: {}", stack.name)
        }
    }
}
