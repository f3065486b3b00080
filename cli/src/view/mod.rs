//! A run as text.
//!
//! # Layout
//! - [`night`]: a report prepared for display, with its [`verdict`] and [`causes`].
//! - [`terminal`]: a report for a terminal. [`crate::page`] has the same report as a page. [`status_lines`]: many runs, one line each.
//! - [`expiry`]: the expiry of a snapshot as text.

pub mod causes;
pub mod expiry;
pub mod night;
pub mod status_json;
pub mod status_lines;
pub mod terminal;
pub mod verdict;
