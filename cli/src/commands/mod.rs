//! The commands, one module each.

pub mod check;
pub mod coverage;
pub mod deploy;
pub mod destroy;
pub mod drill;
pub mod list;
pub mod manual;
pub mod plan;
pub mod restore;
pub mod run;
pub mod status;
pub mod why;
