//! Reports, emails and metrics of runs and restore drills.
//!
//! # Layout
//! - [`night`]: the report of a run. [`summary`]: its numbers. [`drill`]: the report of a restore drill.
//! - [`run_mail`], [`drill_mail`]: their emails. [`mail`]: the shared parts. [`causes`]: failures grouped by cause. [`advice`]: the meaning
//!   of each error, and the fix.
//! - [`metrics`]: the CloudWatch metrics.

pub mod advice;
pub mod causes;
pub mod drill;
pub mod drill_mail;
pub mod mail;
pub mod metrics;
pub mod night;
pub mod run_mail;
pub mod summary;
