//! Questions to the person at the terminal.

use anyhow::{Result, bail};
use std::io::{IsTerminal, Write, stderr, stdin};

/// Reads the answer to a question from the terminal.
///
/// # Errors
/// stdin is not a terminal. The error includes `remedy`.
pub fn ask(question: &str, remedy: &str) -> Result<String> {
    if !stdin().is_terminal() {
        bail!("{question} There is no terminal to ask on: {remedy}");
    }
    let _ = write!(stderr(), "{question} ");
    let mut line = String::new();
    stdin().read_line(&mut line)?;
    Ok(line.trim().to_lowercase())
}

/// Returns whether the person says yes. Does not ask if `is_sure`, which is `--yes`.
///
/// # Errors
/// See [`ask`].
pub fn confirm(question: &str, is_sure: bool) -> Result<bool> {
    Ok(is_sure || matches!(ask(&format!("{question} [y/N]"), "add --yes")?.as_str(), "y" | "yes"))
}
