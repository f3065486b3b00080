//! The rules of the nightly backup: what a Night is, which Intervals are due, which volumes are selected, how a
//! snapshot is tagged, and when it expires. No AWS, no clock, no environment: everything arrives as an argument.
//!
//! # Layout
//! - [`night`], [`interval`]: the calendar.
//! - [`input`]: the input that starts a run or a drill, and the parameters that are numbers.
//! - [`selection`]: which volumes are backed up.
//! - [`tags`]: a snapshot's tags and its identity. [`description`]: the tags that describe it. [`origin`]: what its volume was.
//! - [`foreign_tags`]: the tags of other tools, which are never copied.
//! - [`retention`]: which snapshots expire.
//! - [`drill`]: the restore drill.
//! - [`pace`]: when each call may come.
//! - [`messages`], [`step_functions`]: what the functions and the state machine pass each other.
//! - [`error`]: the error names that the state machine acts on. [`reason`]: why something failed.

pub mod creation_tags;
pub mod description;
pub mod drill;
pub mod error;
pub mod foreign_tags;
pub mod input;
pub mod interval;
pub mod messages;
pub mod night;
pub mod origin;
pub mod pace;
pub mod reason;
pub mod retention;
pub mod selection;
pub mod step_functions;
pub mod tags;

pub use error::{Error, ErrorName};
pub use interval::{Interval, Intervals};
pub use night::Night;
pub use reason::Reason;
