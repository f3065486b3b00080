//! Deletes one expired snapshot. If the snapshot is already gone, there is nothing to do. If an AMI uses the snapshot, it is kept.

use aws::error;
use aws_sdk_ec2::{Client, error::ProvideErrorMetadata};
use domain::{
    Error,
    messages::{ChildPosition, ManagedSnapshot},
    pace::Pace,
};
use lambda::pace;
use serde::{Deserialize, Serialize};

/// One snapshot of the list of expired snapshots.
#[derive(Debug, Deserialize)]
pub struct Input {
    pub region: String,
    pub snapshot: ManagedSnapshot,
    /// Position among the snapshots that expired in the Region.
    pub turn: ChildPosition,
}

/// The outcome of the deletion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Deletion {
    Deleted,
    /// Already gone, because an earlier attempt or a person deleted it.
    Gone,
    /// Kept, because it is the root snapshot of a registered AMI.
    InUse,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    pub snapshot_id: String,
    pub outcome: Deletion,
}

/// Deletes the snapshot when its turn has come. `snapshots_per_second` is EC2's rate, parsed by [`Pace::read`].
///
/// # Errors
/// `BadInput` for an invalid rate, `Throttled` if EC2 throttles, `Transient` if it does not respond, `Refused` for any other error, such as
/// a locked snapshot or a denied call.
pub async fn handle(ec2: &Client, snapshots_per_second: &str, input: Input) -> Result<Output, Error> {
    pace::wait_for(input.turn, Pace::read(snapshots_per_second)?).await;
    let snapshot_id = input.snapshot.snapshot_id;
    let outcome = match ec2.delete_snapshot().snapshot_id(&snapshot_id).send().await {
        Ok(_) => Deletion::Deleted,
        Err(error) => match error.code() {
            Some("InvalidSnapshot.NotFound") => Deletion::Gone,
            Some("InvalidSnapshot.InUse") => Deletion::InUse,
            _ => return Err(error::from_sdk("DeleteSnapshot", error)),
        },
    };
    Ok(Output { snapshot_id, outcome })
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_ec2::{
        error::ErrorMetadata,
        operation::delete_snapshot::{DeleteSnapshotError, DeleteSnapshotOutput},
    };
    use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
    use serde_json::json;

    async fn run(rule: Rule) -> Result<Deletion, String> {
        let snapshot = json!({"snapshotId": "snap-1", "volumeId": "vol-1", "night": "2026-05-01", "interval": "Daily"});
        let turn = json!({"index": 0, "since": "2026-05-09T04:30:00Z"});
        let input = json!({"region": "eu-west-1", "snapshot": snapshot, "turn": turn});
        let ec2 = mock_client!(aws_sdk_ec2, RuleMode::MatchAny, &[&rule]);
        handle(&ec2, "5", serde_json::from_value(input).unwrap())
            .await
            .map(|output| output.outcome)
            .map_err(|error| error.to_string())
    }

    async fn refused(code: &'static str) -> Result<Deletion, String> {
        let refuse = move || DeleteSnapshotError::generic(ErrorMetadata::builder().code(code).message("no").build());
        run(mock!(Client::delete_snapshot).then_error(refuse)).await
    }

    #[tokio::test]
    async fn deletes_the_snapshot_that_it_was_given() {
        let rule = mock!(Client::delete_snapshot)
            .match_requests(|request| request.snapshot_id() == Some("snap-1"))
            .then_output(|| DeleteSnapshotOutput::builder().build());
        assert_eq!(run(rule).await, Ok(Deletion::Deleted));
    }

    #[tokio::test]
    async fn one_that_is_gone_is_done_and_one_that_an_ami_needs_is_kept() {
        assert_eq!(refused("InvalidSnapshot.NotFound").await, Ok(Deletion::Gone));
        assert_eq!(refused("InvalidSnapshot.InUse").await, Ok(Deletion::InUse));
    }

    #[tokio::test]
    async fn a_denied_call_is_an_error_with_ec2s_own_code() {
        let error = refused("UnauthorizedOperation").await.unwrap_err();
        assert_eq!(error, "Refused: DeleteSnapshot: UnauthorizedOperation: no");
    }
}
