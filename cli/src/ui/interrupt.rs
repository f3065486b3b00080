//! Ctrl-C and SIGTERM.

use anyhow::{Context, Result};
use tokio::signal::unix::{SignalKind, signal};

/// Returns a future that ends at Ctrl-C or SIGTERM. From now on they do not end the process.
///
/// # Errors
/// The system does not report signals.
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
