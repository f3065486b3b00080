//! Printing: answers on stdout, the rest on stderr. A reader that stops early (`| head`) is not a failure.

use anyhow::Result;
use serde::Serialize;
use std::io::{self, ErrorKind, Write};

use super::terminal::Terminal;

pub fn print(text: &str) -> Result<()> {
    match io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// Prints a command's answer: as JSON, or in words.
pub fn answer<T: Serialize>(json: bool, value: &T, text: impl FnOnce(Terminal) -> String) -> Result<()> {
    if json { print_json(value) } else { print(&text(Terminal::of_stdout())) }
}

/// Prints a value as JSON to stdout.
pub fn print_json<T: Serialize>(value: &T) -> Result<()> {
    print(&(serde_json::to_string_pretty(value)? + "\n"))
}

/// Prints a line to stderr, if anybody reads it.
pub fn note(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}
