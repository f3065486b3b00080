//! The command that checks a volume on the instance, through Systems Manager. SendCommand has no client token, so the SDK makes only one
//! attempt. The script itself locks the volume.

use aws::error;
use aws_sdk_ssm::{
    Client,
    config::{Config, retry::RetryConfig},
    error::ProvideErrorMetadata,
    operation::get_command_invocation::GetCommandInvocationOutput,
    types::CommandInvocationStatus,
};
use domain::{Error, drill::Depth, error::cut, reason::Code};
use serde::Deserialize;

use crate::not_proven;

/// Seconds within which the command must reach the instance (Systems Manager API reference, SendCommand: at least 30).
const DELIVERY: i32 = 600;
/// Maximum number of characters of the script's output in an error.
const LONGEST_OUTPUT: usize = 300;

/// The last line of the script's output. Its other fields are not parsed.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CheckOutput {
    /// Null if the volume has no file system that the script knows.
    file_system: Option<String>,
    /// Number of databases in the newest dump. Null if there is no dump, or if it could not be loaded.
    databases: Option<u64>,
}

/// Sends the command and returns its id.
pub(crate) async fn send(ssm: &Client, document: &str, instance: &str, volume: &str) -> Result<String, Error> {
    let once = Config::builder().retry_config(RetryConfig::disabled());
    let send = ssm.send_command().document_name(document).instance_ids(instance).timeout_seconds(DELIVERY);
    let send = send.parameters("VolumeId", vec![volume.to_owned()]).customize().config_override(once);
    let sent = send.send().await.map_err(|error| error::from_sdk("SendCommand", error))?;
    let id = sent.command.and_then(|command| command.command_id);
    id.ok_or_else(|| Error::unanswered("SendCommand", "no command id"))
}

/// Returns the extent to which the command proved the volume. Returns none while the command runs.
///
/// # Errors
/// `Refused` if the check failed; `Throttled`, `Transient` or `Refused` from Systems Manager.
pub(crate) async fn result(ssm: &Client, command: &str, instance: &str) -> Result<Option<Depth>, Error> {
    let invocation = ssm.get_command_invocation().command_id(command).instance_id(instance).send().await;
    match invocation {
        Ok(invocation) => read(&invocation),
        // A command that was just sent may not be known yet (Systems Manager API reference, GetCommandInvocation).
        Err(error) if error.code() == Some("InvocationDoesNotExist") => Ok(None),
        Err(error) => Err(error::from_sdk("GetCommandInvocation", error)),
    }
}

fn read(invocation: &GetCommandInvocationOutput) -> Result<Option<Depth>, Error> {
    use CommandInvocationStatus::{Cancelling, Delayed, Failed, InProgress, Pending, Success};
    match invocation.status() {
        Some(Pending | InProgress | Delayed | Cancelling) | None => Ok(None),
        Some(Success) => depth(invocation.standard_output_content().unwrap_or_default()).map(Some),
        Some(Failed) if invocation.response_code() > 0 => {
            Err(not_proven(Code::CheckFailed, last_line(invocation.standard_error_content().unwrap_or_default())))
        }
        Some(status) => {
            let details = invocation.status_details().unwrap_or(status.as_str());
            Err(not_proven(Code::CheckNotRun, format!("Systems Manager reports the check as {details}")))
        }
    }
}

/// Returns the script's last line. If a script fails, the agent adds a line of its own to the errors.
fn last_line(errors: &str) -> String {
    let is_own = |line: &&str| !line.is_empty() && !line.starts_with("failed to run commands: ");
    let line = errors.lines().rev().map(str::trim).find(is_own);
    cut(line.unwrap_or("the check gave no reason"), LONGEST_OUTPUT)
}

fn depth(output: &str) -> Result<Depth, Error> {
    let last = output.trim_end().lines().next_back().unwrap_or_default();
    match serde_json::from_str::<CheckOutput>(last) {
        Ok(CheckOutput { file_system: None, .. }) => Ok(Depth::Volume),
        Ok(CheckOutput { databases: Some(_), .. }) => Ok(Depth::Database),
        Ok(_) => Ok(Depth::Files),
        Err(_) => {
            let line = cut(last, LONGEST_OUTPUT);
            Err(not_proven(
                Code::CheckFailed,
                format!("the last line of the check's output is not the expected JSON: {line}"),
            ))
        }
    }
}
