//! The terminal: text, tables, progress.

pub mod interrupt;
pub mod output;
pub mod progress;
pub mod question;
pub mod table;
pub mod terminal;
pub mod text;
