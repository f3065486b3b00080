//! The rules of the nightly backup: Nights, Intervals, the selection of volumes, the tags of snapshots, and retention. This crate uses no
//! AWS SDK, no clock and no environment. Everything arrives as an argument.
//!
//! # Layout
//! - [`night`], [`interval`]: the calendar. [`plan`]: the Intervals of a volume. [`due`]: those that are due on a Night.
//! - [`input`]: the inputs of a run and of a drill, and the numeric parameters.
//! - [`selection`]: the selection of volumes.
//! - [`tags`]: a snapshot's tags and its identity. [`descriptive_tags`]: its descriptive tags. [`origin`]: the properties of its volume.
//! - [`tags_at_creation`]: the tags that an account requires at creation. [`tags_not_copied`]: the tags of other tools, which are never copied.
//! - [`retention`]: the expiry of snapshots. [`rules`]: the Night on which the plans changed.
//! - [`drill`]: the restore drill.
//! - [`pace`]: the rate of API calls.
//! - [`messages`], [`step_functions`]: the messages between the functions and the state machine.
//! - [`error`]: the error names that the state machine acts on. [`reason`]: the reason for a failure.

pub mod descriptive_tags;
pub mod drill;
pub mod due;
pub mod error;
pub mod input;
pub mod interval;
pub mod messages;
pub mod night;
pub mod origin;
pub mod pace;
pub mod plan;
pub mod reason;
pub mod retention;
pub mod rules;
pub mod selection;
pub mod step_functions;
pub mod tags;
pub mod tags_at_creation;
pub mod tags_not_copied;

pub use error::{Error, ErrorName};
pub use interval::{Interval, Intervals};
pub use night::Night;
pub use reason::Reason;
