//! What is printed: answers on stdout, the rest on stderr. A reader that has had enough (`| head`) is no failure.

use anyhow::Result;
use serde::Serialize;
use std::io::{self, ErrorKind, Write};

/// Prints to stdout.
///
/// # Errors
/// Stdout cannot be written to.
pub fn print(text: &str) -> Result<()> {
    match io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// Prints a value as JSON to stdout.
///
/// # Errors
/// Stdout cannot be written to.
pub fn print_json<T: Serialize>(value: &T) -> Result<()> {
    print(&(serde_json::to_string_pretty(value)? + "\n"))
}

/// Prints a line to stderr, if anybody reads it.
pub fn note(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}
