//! What the tests share.
//!
//! # Layout
//! - [`cloud`]: a local cloud of a test's own, deployed to, and the nights that it runs.
//! - [`commands`]: the commands of the documentation; [`aws_commands`]: those that are typed in an AWS account.
//! - [`asl`]: the state machines, read.
//! - [`mermaid`]: the pictures of them in docs/design.md.
//! - [`page`]: the parts of the documentation that the tests write.
//! - [`hop`]: a hop to S3 and Step Functions that counts calls and loses answers.
//! - [`ssm`]: a stand-in for SSM Run Command.
//! - [`server`]: what a server's scripts run with: programs before the real ones, a PostgreSQL.
//! - [`fleet`]: nights of a fleet of any size, measured; [`history`]: what Step Functions keeps of a night.
//! - [`mail`]: the emails that the state machines compose.
//! - [`template`]: the CloudFormation templates, read.
//! - [`iam`]: the policies of a deployed stack, and an evaluator of them.
//! - [`model`]: what a night has to do to an account, from the contract alone.
//! - [`wait`]: waiting with a deadline.
//! - [`source`]: the functions' own source, read for the calls that it makes.

pub mod asl;
pub mod aws_commands;
pub mod cloud;
pub mod commands;
pub mod fleet;
pub mod history;
pub mod hop;
pub mod iam;
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

/// The root of the checkout.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ has a parent").to_owned()
}

/// The text of a file of the checkout.
pub fn text(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The functions by name: the folders that have a `main.rs`.
pub fn functions() -> Vec<String> {
    let entries = std::fs::read_dir(root().join("functions")).expect("functions/");
    let folders = entries.map(|entry| entry.expect("a folder").path()).filter(|path| path.join("src/main.rs").exists());
    let mut names: Vec<_> = folders.map(|path| path.file_name().unwrap().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// `snapshot-one` as the state and the template's resources have it: `SnapshotOne`.
pub fn pascal(name: &str) -> String {
    name.split('-').map(|word| word[..1].to_uppercase() + &word[1..]).collect()
}

/// Removes the variables that cargo sets for a test. A build within the test would see them as a change, and compile ring and
/// everything above it again.
pub fn without_cargo(command: &mut Command) -> &mut Command {
    let of_cargo = |name: &str| name.starts_with("CARGO_") && name != "CARGO_HOME";
    for (name, _) in std::env::vars().filter(|(name, _)| of_cargo(name)) {
        command.env_remove(name);
    }
    command
}

/// The ids in a list of a report, each under its key: `volumeId`, `snapshotId`, a failure's `subject`.
pub fn ids(list: &Value, key: &str) -> BTreeSet<String> {
    let list = list.as_array().expect("a list");
    list.iter().map(|one| one[key].as_str().expect("an id").to_owned()).collect()
}
