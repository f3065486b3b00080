//! Reports, emails and metrics of runs and restore drills.
//!
//! # Layout
//! - [`night`]: the report of a run. [`drill`]: the report of a restore drill.
//! - [`run_mail`], [`drill_mail`]: their emails. [`mail`]: what these share. [`causes`]: failures grouped by what caused them. [`advice`]: what each error means, and
//!   what to do.
//! - [`metrics`]: the metrics for CloudWatch.

pub mod advice;
pub mod causes;
pub mod drill;
pub mod drill_mail;
pub mod mail;
pub mod metrics;
pub mod night;
pub mod run_mail;
