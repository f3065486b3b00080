//! The command that checks what is on a volume, through Systems Manager. SendCommand has no client token: the SDK makes one attempt, and
//! the script itself sees to it that two of it do not work on one volume at once.

use aws::error;
use aws_sdk_ssm::{
    Client,
    config::{Config, retry::RetryConfig},
    error::ProvideErrorMetadata,
    operation::get_command_invocation::GetCommandInvocationOutput,
    types::CommandInvocationStatus,
};
use domain::{Error, drill::Depth, error::cut};
use serde::Deserialize;

use crate::Look;

/// Seconds within which the command must reach the instance (Systems Manager API reference, SendCommand: at least 30).
const DELIVERY: i32 = 600;
/// Characters of what the script says that a reason holds.
const LONGEST: usize = 300;

/// What the last line of the script's output says. How the rest is called there is the script's own.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Found {
    /// Null where the volume has none that the script knows.
    file_system: Option<String>,
    /// How many databases the newest dump came to; null where there is none, or where it could not be loaded.
    databases: Option<u64>,
}

/// Sends the command.
pub(crate) async fn send(ssm: &Client, document: &str, instance: &str, volume: &str) -> Result<Look, Error> {
    let once = Config::builder().retry_config(RetryConfig::disabled());
    let send = ssm.send_command().document_name(document).instance_ids(instance).timeout_seconds(DELIVERY);
    let send = send.parameters("VolumeId", vec![volume.to_owned()]).customize().config_override(once);
    let sent = send.send().await.map_err(|error| error::of("SendCommand", error))?;
    let id = sent.command.and_then(|command| command.command_id);
    id.map(Look::Sent).ok_or_else(|| Error::unanswered("SendCommand", "no command id"))
}

/// Looks how far the command has come.
pub(crate) async fn look(ssm: &Client, command: &str, instance: &str) -> Result<Look, Error> {
    let invocation = ssm.get_command_invocation().command_id(command).instance_id(instance).send().await;
    match invocation {
        Ok(invocation) => Ok(read(&invocation)),
        // What was just sent need not be known yet (Systems Manager API reference, GetCommandInvocation).
        Err(error) if error.code() == Some("InvocationDoesNotExist") => Ok(Look::Wait),
        Err(error) => Err(error::of("GetCommandInvocation", error)),
    }
}

fn read(invocation: &GetCommandInvocationOutput) -> Look {
    use CommandInvocationStatus::{Cancelling, Delayed, Failed, InProgress, Pending, Success};
    let last = |text: Option<&str>| {
        // The agent adds a line of its own to what a script that failed wrote.
        let is_own = |line: &&str| !line.is_empty() && !line.starts_with("failed to run commands: ");
        let line = text.unwrap_or_default().lines().rev().map(str::trim).find(is_own);
        cut(line.unwrap_or("it says nothing"), LONGEST)
    };
    match invocation.status() {
        Some(Pending | InProgress | Delayed | Cancelling) | None => Look::Wait,
        Some(Success) => proven(invocation.standard_output_content().unwrap_or_default()),
        Some(Failed) if invocation.response_code() > 0 => {
            Look::Problem(format!("CheckFailed: {}", last(invocation.standard_error_content())))
        }
        Some(status) => {
            let details = invocation.status_details().unwrap_or(status.as_str());
            Look::Problem(format!("CheckNotRun: Systems Manager reports the check as {details}"))
        }
    }
}

fn proven(output: &str) -> Look {
    let last = output.trim_end().lines().next_back().unwrap_or_default();
    match serde_json::from_str::<Found>(last) {
        Ok(Found { file_system: None, .. }) => Look::Proven(Depth::Volume),
        Ok(Found { databases: Some(_), .. }) => Look::Proven(Depth::Database),
        Ok(_) => Look::Proven(Depth::Files),
        Err(_) => Look::Problem(format!("CheckFailed: its last line is not what was found: {}", cut(last, LONGEST))),
    }
}
