//! The meaning of each error code, and the fix.

use domain::reason::Code;
use strum::VariantArray;

/// The meaning of an error, and the fix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Advice {
    pub means: &'static str,
    /// Instructions, in a sentence or two.
    pub remedy: &'static str,
}

pub fn advice(code: &str) -> Option<Advice> {
    all().into_iter().find(|(codes, _)| codes.contains(&code)).map(|(_, advice)| advice)
}

/// Returns every code that has advice. Codes with the same advice are grouped.
pub fn all() -> Vec<(Vec<&'static str>, Advice)> {
    let services = SERVICES.iter().map(|(codes, means, remedy)| (codes.to_vec(), Advice { means, remedy }));
    let mut all: Vec<_> = services.collect();
    for code in Code::VARIANTS {
        let advice = for_our_own(*code);
        match all.iter_mut().find(|(_, known)| *known == advice) {
            Some((codes, _)) => codes.push(code.into()),
            None => all.push((vec![code.into()], advice)),
        }
    }
    all
}

fn for_our_own(code: Code) -> Advice {
    let (means, remedy) = match code {
        Code::SnapshotError => (
            "EBS could not complete the snapshot.",
            "If the volume is encrypted, check that its KMS key is enabled and may be used. Otherwise check AWS Health.",
        ),
        Code::NoSnapshot => (
            "No step reported an error, but the snapshot does not exist.",
            "Check the execution. Somebody may have deleted the snapshot.",
        ),
        Code::NothingSelected => {
            ("The run found no volume in any Region.", "Check the parameters Regions and VolumeTag.")
        }
        Code::Deselected => (
            "A volume is no longer backed up. Its restore points stay, but no run adds to them.",
            "If this was intended, do nothing. Otherwise attach the volume or correct its tags. `nightly coverage` lists every volume that is not backed up.",
        ),
        Code::RetentionShortened => (
            "Keep or Plans became shorter. This Night deletes nothing because of that, but the next one does.",
            "If this was intended, do nothing. Otherwise deploy the earlier values of Keep and Plans before the next Night. `nightly plan` shows what they keep.",
        ),
        Code::UnknownPlan => (
            "The tag BackupPlan of a volume names no plan. The volume has the default plan.",
            "Correct the tag, or add the plan to the parameter Plans.",
        ),
        Code::NothingToProve => (
            "The drill found no restore point in any Region.",
            "Check `nightly coverage`: somebody deleted the snapshots, or the parameters Regions or BackupStack changed. On a new stack, start a run first.",
        ),
        Code::TooLarge => (
            "The volume is larger than a drill may create.",
            "Raise the parameter DrillGiB, or restore it by hand with `nightly restore`.",
        ),
        Code::VolumeError => (
            "EBS could not create a volume from the snapshot.",
            "If the snapshot is encrypted, check that its KMS key is enabled and may be used. Otherwise check AWS Health. Do not rely on this restore point.",
        ),
        Code::VolumeGone => (
            "The drill's volume was deleted before it was checked.",
            "If the snapshot is encrypted, the drill may not use its KMS key: check the parameter VolumeKeyArns, the key and its policy. Otherwise find out who deleted the volume.",
        ),
        Code::VolumeTaken => (
            "Somebody attached the drill's volume during its check.",
            "Find out who did. Do not use volumes that have the tag RestoreDrill.",
        ),
        Code::WrongSize => (
            "The restored volume differs in size from the original.",
            "Do not rely on this restore point. Ask AWS Support.",
        ),
        Code::NotAvailable | Code::NotChecked => (
            "The check took too long.",
            "Check the volume in the EC2 console, AWS Health, and the instance that runs the check.",
        ),
        Code::CheckFailed => (
            "A volume was restored, but its data could not be read.",
            "Restore one with `nightly restore` and check its file system and its newest dump.",
        ),
        Code::CheckNotRun => (
            "Systems Manager did not run the check on the drill's instance.",
            "Check that the instance in the parameter DrillInstance runs, that its SSM Agent runs, and that its role has AmazonSSMManagedInstanceCore.",
        ),
        Code::NotRemoved => (
            "A volume that the drill created still exists and is billed.",
            "Delete it in the EC2 console, or start another drill, which deletes leftover volumes first.",
        ),
        Code::NotTried => {
            ("The drill ended before it reached this restore point.", "Check the execution, then start another drill.")
        }
    };
    Advice { means, remedy }
}

/// Error codes of AWS, and the names that the functions give to errors without a code ("Error codes for the Amazon EC2 API" in the EC2 API
/// reference, "Error responses" in the S3 API reference, "Handling errors" in the Step Functions developer guide).
const SERVICES: [(&[&str], &str, &str); 20] = [
    (
        &["UnauthorizedOperation", "AccessDenied", "AccessDeniedException"],
        "AWS denies the call.",
        "Check service control policies, permissions boundaries and KMS key policies. The CloudTrail event has the full message.",
    ),
    (
        &["InvalidVolume.NotFound"],
        "The volume was deleted during the run.",
        "If the deletion was intended, do nothing. The next run omits the volume.",
    ),
    (
        &["IncorrectState"],
        "The volume, or the instance, is in a state that does not allow the call.",
        "Check it in the EC2 console.",
    ),
    (
        &["SnapshotCreationPerVolumeRateExceeded"],
        "Another tool creates snapshots of the same volume at the same time.",
        "Move the other tool's schedule, or opt the volume out here with the tag Backup=false.",
    ),
    (
        &["ConcurrentSnapshotLimitExceeded", "PendingSnapshotLimitExceeded"],
        "Too many snapshots of the volume are pending.",
        "Wait until they are completed, then rerun.",
    ),
    (
        &["SnapshotLimitExceeded"],
        "The account has reached its quota of snapshots in the Region.",
        "Raise the quota 'Snapshots per Region' in Service Quotas, or delete snapshots that nobody needs.",
    ),
    (
        &[
            "RequestLimitExceeded",
            "Throttling",
            "ThrottlingException",
            "Throttled",
            "TooManyRequestsException",
            "SlowDown",
        ],
        "AWS throttled every attempt.",
        "Find out what else in this account calls EC2 heavily, or lower the parameter SnapshotsPerSecond.",
    ),
    (
        &["OperationNotPermitted"],
        "The snapshot is locked.",
        "Unlock it, or set its tag Interval to Annual so that it never expires.",
    ),
    (
        &["AuthFailure", "OptInRequired", "PendingVerification", "Blocked"],
        "AWS does not allow this account to use the Region.",
        "Check whether the account is suspended or unpaid, and whether the Region is enabled.",
    ),
    (
        &["InternalError", "InternalFailure", "ServiceUnavailable", "Unavailable"],
        "AWS returned a server error.",
        "Check AWS Health.",
    ),
    (
        &["NoSuchBucket"],
        "The ledger bucket was deleted.",
        "Deploy again: `nightly deploy` finds that the bucket is missing and creates it again. Then rerun.",
    ),
    (
        &["NoSuchKey", "NoSuchUpload"],
        "An object of the ledger was deleted during the run.",
        "Rerun. If it happens again, find out who deletes objects of the ledger bucket.",
    ),
    (&["BadInput"], "The input or a parameter of the stack is wrong.", "Correct the field that the message names."),
    (
        &["Lambda.TooManyRequestsException"],
        "The account reached its limit of concurrent Lambda executions.",
        "Raise the Lambda quota 'Concurrent executions', or find the functions that use it up.",
    ),
    (
        &["Lambda.Unknown", "Lambda.AWSLambdaException", "Runtime.ExitError", "Sandbox.Timedout", "States.Timeout"],
        "The function crashed or timed out on every attempt.",
        "Check the function's log at that time.",
    ),
    (&["Transient"], "AWS did not respond, or failed, on every attempt.", "Check AWS Health."),
    (
        &["InvalidSnapshot.NotFound"],
        "The snapshot was deleted during the drill.",
        "If the deletion was intended, do nothing. The next drill chooses another restore point.",
    ),
    (
        &["InvalidInstanceId"],
        "Systems Manager did not run the check on the drill's instance.",
        "Check that the instance in the parameter DrillInstance runs, that its SSM Agent runs, and that its role has AmazonSSMManagedInstanceCore.",
    ),
    (
        &["VolumeLimitExceeded"],
        "The account has reached its quota of volume storage in the Region.",
        "Raise the quota for gp3 storage in Service Quotas, or lower the parameter DrillGiB.",
    ),
    (
        &["AttachmentLimitExceeded"],
        "The drill's instance has no room for another volume.",
        "Lower the parameter DrillVolumes, or choose another instance in DrillInstance.",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_code_has_one_advice() {
        let codes: Vec<_> = all().into_iter().flat_map(|(codes, _)| codes).collect();
        assert_eq!(codes.iter().collect::<BTreeSet<_>>().len(), codes.len());
        assert!(advice("InvalidVolume.NotFound").is_some() && advice("NotTried").is_some());
        assert_eq!(advice("SomethingNew"), None);
    }
}
