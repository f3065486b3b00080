//! Questions to the person at the terminal.

use anyhow::{Result, bail};
use std::{
    io::{IsTerminal, Write, stderr, stdin},
    thread,
};
use tokio::sync::oneshot;

use super::interrupt::{Interrupted, interrupted};

/// Reads the answer to a question from the terminal.
///
/// # Errors
/// stdin is not a terminal, in which case the error includes `remedy`. [`Interrupted`] at Ctrl-C and SIGTERM.
pub async fn ask(question: &str, remedy: &str) -> Result<String> {
    if !stdin().is_terminal() {
        bail!("{question} There is no terminal to ask on: {remedy}");
    }
    let interrupted = interrupted()?;
    let _ = write!(stderr(), "{question} ");
    let (answered, answer) = oneshot::channel();
    // A thread of its own, because tokio would wait for the end of a blocking task, even after Ctrl-C.
    thread::spawn(move || {
        let mut line = String::new();
        let read = stdin().read_line(&mut line);
        let _ = answered.send(read.map(|_| line));
    });
    tokio::select! {
        line = answer => Ok(line??.trim().to_lowercase()),
        () = interrupted => bail!(Interrupted),
    }
}

/// Returns whether the person says yes. Does not ask if `is_sure`, which is `--yes`.
///
/// # Errors
/// See [`ask`].
pub async fn confirm(question: &str, is_sure: bool) -> Result<bool> {
    Ok(is_sure || matches!(ask(&format!("{question} [y/N]"), "add --yes").await?.as_str(), "y" | "yes"))
}
