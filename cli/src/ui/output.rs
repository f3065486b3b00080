//! Prints results to stdout, and everything else to stderr. A reader that stops early (`| head`) is not an error.

use anyhow::Result;
use serde::Serialize;
use std::io::{self, ErrorKind, Write};

use super::terminal::Terminal;

/// Version of the JSON of every command. It changes if a field is removed, or changes its name, type or meaning.
pub const VERSION: u32 = 1;

#[derive(Serialize)]
struct Versioned<'a, T> {
    version: u32,
    #[serde(flatten)]
    value: &'a T,
}

pub fn print(text: &str) -> Result<()> {
    match io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// Prints a command's result as JSON or as text.
pub fn answer<T: Serialize>(json: bool, value: &T, text: impl FnOnce(Terminal) -> String) -> Result<()> {
    if json { print_json(value) } else { print(&text(Terminal::from_stdout())) }
}

pub fn print_json<T: Serialize>(value: &T) -> Result<()> {
    print(&json(value)?)
}

/// Returns an object as JSON, with the version first.
pub fn json<T: Serialize>(value: &T) -> Result<String> {
    Ok(serde_json::to_string_pretty(&Versioned { version: VERSION, value })? + "\n")
}

/// Prints a line to stderr. Ignores errors, because stderr may be closed.
pub fn note(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}
