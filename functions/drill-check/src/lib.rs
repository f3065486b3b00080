//! Checks a volume that the drill created, takes the next step of its proof, and returns the time to wait until the next check.
//!
//! # Layout
//! - [`handle`]: one step of the proof.
//! - [`volume`]: the volume, until it is attached. [`command`]: the command that checks the volume on the instance.

pub mod command;
pub mod volume;

use aws_sdk_ec2::Client;
use domain::{
    Error, ErrorName, Reason,
    drill::{
        Depth, RestorePoint,
        messages::{ProofProgress, Stage},
    },
    reason::Code,
    tags,
};
use jiff::Timestamp;
use serde::Deserialize;

/// Seconds within which a volume must become available.
const LONGEST_CREATION: i64 = 60 * 60;
/// Seconds within which the proof must be complete.
const LONGEST_CHECK: i64 = 3 * 60 * 60;

pub struct Clients {
    pub ec2: Client,
    /// Systems Manager in the stack's own Region, where the instance is.
    pub ssm: aws_sdk_ssm::Client,
}

/// Parameters of the stack.
#[derive(Clone, Debug)]
pub struct Settings {
    pub backup_stack: String,
    /// Name of the Systems Manager document that checks a volume.
    pub document: String,
}

/// A restore point, and the progress of its proof.
#[derive(Clone, Debug, Deserialize)]
pub struct Input {
    pub region: String,
    /// Instance that checks the volume (`i-…`). Empty if no instance does.
    pub instance: String,
    pub point: RestorePoint,
    pub progress: ProofProgress,
}

/// Takes the next step of the proof. `now` is the current time.
///
/// # Errors
/// `Refused` if the restore point cannot be proven; `Throttled`, `Transient` or `Refused` from EC2 or Systems Manager.
pub async fn handle(
    clients: &Clients,
    settings: &Settings,
    now: Timestamp,
    input: Input,
) -> Result<ProofProgress, Error> {
    tags::backup_stack(&settings.backup_stack)?;
    let passed = now.duration_since(input.progress.created).as_secs().max(0);
    let stage = next_stage(clients, settings, now, &input).await?;
    match stage {
        Stage::Proven { .. } => {}
        Stage::Creating if passed >= LONGEST_CREATION => {
            let minutes = LONGEST_CREATION / 60;
            return Err(not_proven(Code::NotAvailable, format!("the volume is not available after {minutes} minutes")));
        }
        _ if passed >= LONGEST_CHECK => {
            let hours = LONGEST_CHECK / 3_600;
            return Err(not_proven(Code::NotChecked, format!("the check is not complete after {hours} hours")));
        }
        _ => {}
    }
    Ok(ProofProgress { stage, wait_seconds: (passed / 10).clamp(5, 300) as u64, ..input.progress })
}

async fn next_stage(clients: &Clients, settings: &Settings, now: Timestamp, input: &Input) -> Result<Stage, Error> {
    match input.progress.stage.clone() {
        Stage::Creating => volume::next_stage(clients, settings, now, input, None).await,
        Stage::Available { seconds } => volume::next_stage(clients, settings, now, input, Some(seconds)).await,
        Stage::Checking { seconds, command } => {
            Ok(match command::result(&clients.ssm, &command, &input.instance).await? {
                Some(depth) => proven(seconds, depth, now),
                None => Stage::Checking { seconds, command },
            })
        }
        proven @ Stage::Proven { .. } => Ok(proven),
    }
}

pub(crate) fn proven(seconds: u64, depth: Depth, at: Timestamp) -> Stage {
    Stage::Proven { seconds, depth, at }
}

/// Creates the error of a restore point that cannot be proven. The error is `Refused`, because no further attempt will succeed.
pub(crate) fn not_proven(code: Code, message: String) -> Error {
    Error { name: ErrorName::Refused, message: Reason::new(code, message).to_string() }
}

#[cfg(test)]
mod tests;
