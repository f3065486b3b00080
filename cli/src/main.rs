//! `nightly`, the command-line tool for operators. [`nightly::cli`] has its commands.

use clap::Parser;
use nightly::{Exit, ui::interrupt::Interrupted};
use std::process::ExitCode;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match nightly::run(nightly::cli::Cli::parse()).await {
        Ok(verdict) => verdict.into(),
        Err(problem) => {
            nightly::ui::output::note(&format!("nightly: {problem:#}"));
            match problem.is::<Interrupted>() {
                true => Exit::Interrupted.into(),
                false => ExitCode::from(3),
            }
        }
    }
}
