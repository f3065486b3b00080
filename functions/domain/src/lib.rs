//! The rules of the nightly backup: what a Night is, which Intervals are due, which volumes are selected, how a
//! snapshot is tagged, and when it expires. No AWS, no clock, no environment: everything arrives as an argument.
//!
//! # Layout
//! - [`night`], [`interval`]: the calendar.
//! - [`start`]: the input that starts a night.
//! - [`selection`]: which volumes are backed up.
//! - [`tags`]: what a snapshot bears.
//! - [`retention`]: which snapshots expire. [`lifetime`]: when each of them will.
//! - [`restore`]: what a volume was, so that one like it can be made. [`drill`]: the proof that it can; [`drill_wire`]: what its functions
//!   pass each other; [`drill_report`], [`drill_mail`]: what a drill came to, and the email that says so.
//! - [`pace`]: when each call may come.
//! - [`cost`]: what a night costs.
//! - [`wire`]: what the functions pass each other through the state machine and the ledger.
//! - [`fate`]: what became of one volume.
//! - [`report`], [`mail`]: what a night came to, and the email that says so; [`advice`]: what each error means, and what to do.
//! - [`metrics`]: what CloudWatch is told.
//! - [`error`]: the error names that the state machine decides on.

pub mod advice;
pub mod cost;
pub mod drill;
pub mod drill_mail;
pub mod drill_report;
pub mod drill_wire;
pub mod error;
pub mod fate;
pub mod interval;
pub mod lifetime;
pub mod mail;
pub mod metrics;
pub mod night;
pub mod pace;
pub mod report;
pub mod restore;
pub mod retention;
pub mod selection;
pub mod start;
pub mod tags;
pub mod wire;

pub use error::{Error, ErrorName};
pub use interval::{Interval, Intervals};
pub use night::Night;
