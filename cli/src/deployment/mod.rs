//! Deploys the project's templates to the caller's account, and deletes their stacks.
//!
//! # Layout
//! - [`files`]: the templates, state machines and zips, from a checkout or from this program's own file.
//! - [`template`]: reads a template. [`package`]: inserts the locations of the uploaded files. [`releases`]: a digest of each function. [`schedule`]: the times of the schedule.
//! - [`artifacts`]: the bucket of the uploaded files. [`ledger_bucket`]: recreates a ledger bucket that was deleted.
//! - [`stack`]: the deployed stack. [`change_set`]: the changes of a deployment. [`follow`]: follows a deployment to its end.
//! - [`leftovers`]: change sets that CloudFormation leaves behind.
//! - [`price`]: the monthly cost of each template.

pub mod artifacts;
pub mod change_set;
pub mod files;
pub mod follow;
pub mod ledger_bucket;
pub mod leftovers;
pub mod package;
pub mod price;
pub mod releases;
pub mod schedule;
pub mod stack;
pub mod template;
