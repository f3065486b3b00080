//! A run in words.

pub mod expiry;
pub mod report;
pub mod show;
pub mod status_lines;
