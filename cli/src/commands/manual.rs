//! `nightly completions` and `nightly man`, for a package or for `source <(nightly completions bash)`.

use anyhow::Result;
use clap::CommandFactory;
use clap_complete::Shell;

use crate::{Exit, cli::Cli, ui::output};

/// Prints the completions of a shell.
///
/// # Errors
/// stdout cannot be written.
pub fn completions(shell: Shell) -> Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "nightly", &mut script);
    output::print(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Good)
}

/// Prints the manual page, in roff.
///
/// # Errors
/// stdout cannot be written.
pub fn page() -> Result<Exit> {
    let mut page = Vec::new();
    clap_mangen::Man::new(Cli::command()).render(&mut page)?;
    output::print(&String::from_utf8_lossy(&page))?;
    Ok(Exit::Good)
}
