//! The restore drill.
//!
//! # Layout
//! - [`choice`]: the restore points that a drill proves. [`proof`]: the results that the ledger keeps.
//! - [`messages`]: the messages between the drill's functions.

pub mod choice;
pub mod messages;
pub mod proof;

pub use choice::{Limits, RestorePoint};
pub use proof::{Depth, Proof, Proven, Unproven};
