//! Ctrl-C and SIGTERM.

use anyhow::{Context, Result};
use tokio::signal::unix::{SignalKind, signal};

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
