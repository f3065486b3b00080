//! Deploys our templates to the caller's account, and deletes a stack again.
//!
//! # Layout
//! - [`files`]: the templates, state machines and zips, from a checkout or from this program's own file.
//! - [`template`]: reads a template. [`package`]: puts the places of the uploaded files into it. [`releases`]: a digest of each function.
//! - [`artifacts`]: the bucket of the uploaded files.
//! - [`stack`]: the stack as it stands. [`change_set`]: what a deployment would change. [`follow`]: watches it to its end.
//! - [`price`]: what each template costs a month.

pub mod artifacts;
pub mod change_set;
pub mod files;
pub mod follow;
pub mod ledger_bucket;
pub mod package;
pub mod price;
pub mod releases;
pub mod stack;
pub mod template;
