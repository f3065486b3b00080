//! The operator's view of the nightly backup: starts a night and follows it, says what the last ones came to, and which restore
//! points there are. It works on AWS with the caller's own credentials, and on the local cloud, whose variables `make up` writes.
//!
//! # Layout
//! - [`cli`]: the command line.
//! - [`account`]: the clients of AWS. [`stack`]: the backup's stack in it.
//! - [`page`]: the page of a night. [`chart`]: the picture of which restore points survive.
//! - [`output`]: what is printed.

pub mod account;
pub mod chart;
pub mod cli;
pub mod output;
pub mod page;
pub mod stack;

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
        Command::Run(_)
        | Command::Status(_)
        | Command::Coverage
        | Command::List(_)
        | Command::Why(_)
        | Command::Graph(_) => {
            anyhow::bail!("not there yet: {}", stack.name)
        }
    }
}
