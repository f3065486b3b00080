//! A run in words.
//!
//! # Layout
//! - [`night`]: the meaning of a report, with [`verdict`] and [`causes`].
//! - [`terminal`]: a night for a terminal; [`crate::page`] is the same as a page. [`status_lines`]: many runs, one line each.
//! - [`expiry`]: the expiry of a snapshot in words.

pub mod causes;
pub mod expiry;
pub mod night;
pub mod status_lines;
pub mod terminal;
pub mod verdict;
