//! Shared helpers of the tests.
//!
//! # Layout
//! - [`cloud`]: a local cloud for one test, with a deployed stack and its runs.
//! - [`commands`]: the commands of the documentation; [`aws_commands`]: those for an AWS account.
//! - [`asl`]: the state machine definitions; [`mermaid`]: their diagrams in docs/design.md.
//! - [`page`]: the generated parts of the documentation.
//! - [`hop`]: a proxy for S3 and Step Functions that records calls and loses answers.
//! - [`ssm`]: a stand-in for SSM Run Command.
//! - [`server`]: fake programs and a PostgreSQL for the scripts of a server.
//! - [`fleet`]: measured runs of a fleet of any size; [`history`]: execution histories.
//! - [`mail`]: the emails that the state machines compose.
//! - [`template`]: the CloudFormation templates.
//! - [`iam`]: the policies of a deployed stack, and their evaluation.
//! - [`model`]: the reference model of a run.
//! - [`wait`]: waits with a deadline.
//! - [`source`]: the AWS calls and settings in the source of the functions.

pub mod asl;
pub mod aws_commands;
pub mod cloud;
pub mod commands;
pub mod fleet;
pub mod history;
pub mod iam;
pub mod lossy_proxy;
pub mod mail;
pub mod mermaid;
pub mod model;
pub mod page;
pub mod server;
pub mod source;
pub mod ssm;
pub mod template;
pub mod wait;

use serde_json::Value;
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    process::Command,
};

/// Returns the root of the checkout.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ has a parent").to_owned()
}

/// Returns the text of a file of the checkout.
pub fn text(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Returns the names of the functions, which are the folders with a `main.rs`.
pub fn functions() -> Vec<String> {
    let entries = std::fs::read_dir(root().join("functions")).expect("functions/");
    let folders = entries.map(|entry| entry.expect("a folder").path()).filter(|path| path.join("src/main.rs").exists());
    let mut names: Vec<_> = folders.map(|path| path.file_name().unwrap().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// Converts `snapshot-one` to `SnapshotOne`, the form in the state machine and the template.
pub fn pascal(name: &str) -> String {
    name.split('-').map(|word| word[..1].to_uppercase() + &word[1..]).collect()
}

/// Removes the variables that cargo sets for a test. A build within the test would treat them as a change, and compile ring and its
/// dependents again.
pub fn without_cargo(command: &mut Command) -> &mut Command {
    let of_cargo = |name: &str| name.starts_with("CARGO_") && name != "CARGO_HOME";
    for (name, _) in std::env::vars().filter(|(name, _)| of_cargo(name)) {
        command.env_remove(name);
    }
    command
}

/// Returns the values of a key in a list of a report: `volumeId`, `snapshotId`, or `subject` of a failure.
pub fn ids(list: &Value, key: &str) -> BTreeSet<String> {
    let list = list.as_array().expect("a list");
    list.iter().map(|one| one[key].as_str().expect("an id").to_owned()).collect()
}
