//! The server that looks at what is on a volume, by SSM Run Command.

use aws_sdk_ec2::types::{Volume, VolumeAttachmentState};
use aws_sdk_ssm::{error::ProvideErrorMetadata, types::CommandInvocationStatus as Status};
use domain::{Error, drill::Depth, drill_wire::Progress, error::cut};
use runtime::error;
use serde::Deserialize;

/// Seconds in which the server's agent must take the command, or it is `DeliveryTimedOut`.
const UNTIL_DELIVERED: i32 = 600;
/// Characters of what the server says that are quoted.
const LONGEST: usize = 300;

/// The document that is run, and SSM in the stack's own Region.
pub struct Server {
    /// Systems Manager.
    pub ssm: aws_sdk_ssm::Client,
    /// The document's name.
    pub document: String,
}

/// What came of a look.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// It goes on, with this command where one was sent.
    Wait {
        /// The command's id.
        command: Option<String>,
    },
    /// It is over, and this is proven.
    Found(Depth),
    /// It is over, and this is wrong.
    Failed(String),
}

/// The last line of the document's output.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    /// Absent where the volume has none that the document knows.
    file_system: Option<String>,
    /// Databases that the newest dump came to; absent where it was not loaded.
    databases: Option<u64>,
}

impl Server {
    /// Attaches the volume, sends the command once it is attached, and reads what it came to.
    ///
    /// # Errors
    /// As EC2's and SSM's.
    pub async fn step(
        &self,
        ec2: &aws_sdk_ec2::Client,
        volume: &Volume,
        input: &Progress,
        command: Option<&str>,
    ) -> Result<Step, Error> {
        let (volume_id, instance) = (volume.volume_id().unwrap_or_default(), input.instance.as_str());
        if let Some(command) = command {
            return self.read(instance, command).await;
        }
        let attachment = volume.attachments().iter().find(|one| one.instance_id() == Some(instance));
        match attachment.and_then(|attachment| attachment.state()) {
            Some(VolumeAttachmentState::Attached) => {
                Ok(Step::Wait { command: Some(self.send(instance, volume_id).await?) })
            }
            Some(_) => Ok(Step::Wait { command: None }),
            None => {
                let attach = ec2.attach_volume().volume_id(volume_id).instance_id(instance).device(device(input.place));
                attach.send().await.map_err(|error| error::of("AttachVolume", error))?;
                Ok(Step::Wait { command: None })
            }
        }
    }

    /// An answer that is lost sends the command twice: the document takes one volume at a time, and only reads.
    async fn send(&self, instance: &str, volume_id: &str) -> Result<String, Error> {
        let send = self.ssm.send_command().document_name(&self.document).instance_ids(instance);
        let send = send.parameters("VolumeId", vec![volume_id.to_owned()]).timeout_seconds(UNTIL_DELIVERED);
        let sent = send.comment(format!("restore drill: {volume_id}")).send().await;
        let sent = sent.map_err(|error| error::of("SendCommand", error))?;
        let id = sent.command.and_then(|command| command.command_id);
        id.ok_or_else(|| Error::unanswered("SendCommand", "no command id"))
    }

    async fn read(&self, instance: &str, command: &str) -> Result<Step, Error> {
        let wait = Step::Wait { command: Some(command.to_owned()) };
        let read = self.ssm.get_command_invocation().command_id(command).instance_id(instance).send().await;
        let said = match read {
            Ok(said) => said,
            // Just sent: SSM may not know it yet.
            Err(error) if error.code() == Some("InvocationDoesNotExist") => return Ok(wait),
            Err(error) => return Err(error::of("GetCommandInvocation", error)),
        };
        let last = |text: Option<&str>| {
            let text = text.unwrap_or_default().trim_end();
            cut(text.lines().last().unwrap_or_default(), LONGEST)
        };
        let status = said.status().cloned().unwrap_or(Status::Pending);
        Ok(match status {
            Status::Pending | Status::InProgress | Status::Delayed | Status::Cancelling => wait,
            Status::Success => found(&last(said.standard_output_content())),
            _ => {
                let reason = last(said.standard_error_content());
                let details = said.status_details().unwrap_or(status.as_str());
                let reason = if reason.is_empty() { format!("on {instance}") } else { reason };
                Step::Failed(format!("Check{}: {reason}", details.replace(' ', "")))
            }
        })
    }
}

fn found(last_line: &str) -> Step {
    match serde_json::from_str::<Report>(last_line) {
        Ok(Report { databases: Some(_), .. }) => Step::Found(Depth::Database),
        Ok(Report { file_system: Some(_), .. }) => Step::Found(Depth::Files),
        Ok(_) => Step::Found(Depth::Volume),
        Err(_) => Step::Failed(format!("CheckSaidNothing: the last line is no report: {last_line:?}")),
    }
}

/// A device name for each place of a round, none of those that EC2 recommends, which a person may have given (EC2 user guide, "Device
/// names for volumes").
fn device(place: usize) -> String {
    let letter = (b'a'..=b'z').nth(place).unwrap_or(b'z');
    format!("/dev/xvdb{}", char::from(letter))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_place_of_a_round_has_a_device_of_its_own() {
        assert_eq!([device(0), device(9)], ["/dev/xvdba", "/dev/xvdbj"]);
    }

    #[test]
    fn a_report_proves_as_much_as_it_says() {
        for (line, step) in [
            (r#"{"fileSystem": "xfs", "files": 9, "dump": "d", "databases": 2}"#, Step::Found(Depth::Database)),
            (r#"{"fileSystem": "xfs", "files": 9, "dump": "d", "databases": null}"#, Step::Found(Depth::Files)),
            (r#"{"fileSystem": null, "files": null, "dump": null, "databases": null}"#, Step::Found(Depth::Volume)),
        ] {
            assert_eq!(found(line), step, "{line}");
        }
        for line in ["", "ok", "[]"] {
            assert!(matches!(found(line), Step::Failed(_)), "{line}");
        }
    }
}
