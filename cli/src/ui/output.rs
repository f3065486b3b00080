//! What is printed: text for people, JSON for scripts.

use anyhow::Result;
use serde::Serialize;
use std::io::{self, ErrorKind, Write};

/// Prints to stdout. A reader that has had enough (`| head`) is no failure.
///
/// # Errors
/// Stdout cannot be written to.
pub fn print(text: &str) -> Result<()> {
    match io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// Prints a value as JSON.
///
/// # Errors
/// Stdout cannot be written to.
pub fn print_json<T: Serialize>(value: &T) -> Result<()> {
    print(&(serde_json::to_string_pretty(value)? + "\n"))
}
