//! Ctrl-C and SIGTERM.

use anyhow::{Context, Result};
use std::{error::Error, fmt};
use tokio::signal::unix::{SignalKind, signal};

/// Error of a command that was interrupted before it changed anything.
#[derive(Debug)]
pub struct Interrupted;

impl fmt::Display for Interrupted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("interrupted; nothing was changed")
    }
}

impl Error for Interrupted {}

/// Returns a future that completes at Ctrl-C or SIGTERM. From this call on, these signals no longer end the process.
///
/// # Errors
/// The signal handlers cannot be installed.
pub fn interrupted() -> Result<impl Future<Output = ()>> {
    let (interrupt, terminate) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()));
    let mut interrupt = interrupt.context("cannot listen for Ctrl-C")?;
    let mut terminate = terminate.context("cannot listen for SIGTERM")?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}
