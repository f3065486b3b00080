//! What people see: text, tables, progress.

pub mod output;
pub mod progress;
pub mod table;
pub mod terminal;
pub mod text;
