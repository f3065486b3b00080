//! The terminal.

pub mod look;
pub mod output;
pub mod progress;
pub mod screen;
