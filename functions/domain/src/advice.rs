//! What an error means and what to do about it, by the code that AWS or Step Functions gives it.

/// What is known of some errors.
#[derive(Debug)]
pub struct Advice {
    /// Their codes.
    pub codes: &'static [&'static str],
    /// What they mean, in a sentence.
    pub means: &'static str,
    /// What to do, in a sentence or two.
    pub remedy: &'static str,
}

/// Every error that something is known of. The codes are those of AWSEC2's, S3's and Step Functions' API references ("Error codes for
/// the Amazon EC2 API", "Error responses", "Handling errors in Step Functions workflows"), and our own.
pub const KNOWN: [Advice; 26] = [
    Advice {
        codes: &["UnauthorizedOperation", "AccessDenied", "AccessDeniedException"],
        means: "AWS denies the call.",
        remedy: "Look for a service control policy, a permissions boundary or a key's policy that denies it; \
                 `aws sts decode-authorization-message` reads an encoded message.",
    },
    Advice {
        codes: &["InvalidVolume.NotFound"],
        means: "The volume was deleted after the night had listed it.",
        remedy: "Nothing, if somebody deleted it: the next night does not list it.",
    },
    Advice {
        codes: &["IncorrectState"],
        means: "The volume is in a state in which EBS makes no snapshot of it.",
        remedy: "Look at the volume in the EC2 console.",
    },
    Advice {
        codes: &["SnapshotCreationPerVolumeRateExceeded"],
        means: "Something else makes snapshots of the same volume at the same time.",
        remedy: "Find the other tool and move its schedule, or leave the volume out here with the tag Backup=false.",
    },
    Advice {
        codes: &["ConcurrentSnapshotLimitExceeded", "PendingSnapshotLimitExceeded"],
        means: "Too many snapshots of the volume are pending.",
        remedy: "Wait until EBS has completed them.",
    },
    Advice {
        codes: &["SnapshotLimitExceeded"],
        means: "The account has as many snapshots as its quota allows in the Region.",
        remedy: "Raise the quota 'Snapshots per Region' in Service Quotas, or delete what nobody needs.",
    },
    Advice {
        codes: &["SnapshotError"],
        means: "EBS could not complete the snapshot.",
        remedy: "For an encrypted volume see that its KMS key is enabled and may be used; otherwise look at AWS Health.",
    },
    Advice {
        codes: &["NoSnapshot"],
        means: "Nothing failed that told so, and yet there is no snapshot.",
        remedy: "Look at the execution; somebody may have deleted the snapshot.",
    },
    Advice {
        codes: &[
            "RequestLimitExceeded",
            "Throttling",
            "ThrottlingException",
            "Throttled",
            "TooManyRequestsException",
            "SlowDown",
        ],
        means: "AWS refused every attempt: too many calls.",
        remedy: "Find what else calls EC2 so much, or lower the parameter SnapshotsPerSecond.",
    },
    Advice {
        codes: &["OperationNotPermitted"],
        means: "The snapshot is locked.",
        remedy: "Unlock it, or set its tag Interval to Annual: then it no longer expires.",
    },
    Advice {
        codes: &["AuthFailure", "OptInRequired", "PendingVerification", "Blocked"],
        means: "AWS does not let this account use the Region.",
        remedy: "Look at the account: is it suspended, unpaid, or the Region not enabled?",
    },
    Advice {
        codes: &["InternalError", "InternalFailure", "ServiceUnavailable", "Unavailable"],
        means: "AWS failed.",
        remedy: "Look at AWS Health.",
    },
    Advice {
        codes: &["NoSuchBucket", "NoSuchKey", "NoSuchUpload"],
        means: "The ledger bucket, or a list in it, is gone.",
        remedy: "Deploy the stack again; then find who deleted it.",
    },
    Advice {
        codes: &["NothingSelected"],
        means: "The night found no volume at all.",
        remedy: "Look at the parameters Regions and VolumeTag.",
    },
    Advice {
        codes: &["BadInput"],
        means: "The night's input, or a parameter of the stack, is wrong.",
        remedy: "Correct what the message names.",
    },
    Advice {
        codes: &["InvalidSnapshot.NotFound"],
        means: "The snapshot was deleted after the drill had chosen it.",
        remedy: "`nightly list` says which restore points the volume has left; CloudTrail says who deleted it.",
    },
    Advice {
        codes: &["VolumeError", "VolumeGone"],
        means: "EBS could not make a volume of the snapshot.",
        remedy: "For an encrypted snapshot see that its KMS key is enabled and may be used; otherwise look at AWS Health.",
    },
    Advice {
        codes: &["VolumeNotAvailable", "CheckNotOver"],
        means: "The drill waited for the volume in vain.",
        remedy: "Look at AWS Health, and at the server that checks; then start the drill again.",
    },
    Advice {
        codes: &["WrongSize"],
        means: "The volume that came out has another size than the snapshot.",
        remedy: "Start the drill again; if it stays so, ask AWS.",
    },
    Advice {
        codes: &["TooLarge"],
        means: "The restore point is larger than the drill may make volumes, so it is never proven.",
        remedy: "Raise the parameter DrillGiB.",
    },
    Advice {
        codes: &["CheckFailed"],
        means: "The server that looked at the volume found something wrong with what is on it.",
        remedy: "Restore the volume with `nightly restore` and look at it; until then trust an older restore point.",
    },
    Advice {
        codes: &[
            "CheckTimedOut",
            "CheckDeliveryTimedOut",
            "CheckUndeliverable",
            "CheckExecutionTimedOut",
            "CheckCancelled",
        ],
        means: "The server did not check the volume.",
        remedy: "See in Systems Manager that DrillInstance is online: its agent runs and reaches AWS.",
    },
    Advice {
        codes: &["VolumeStays"],
        means: "A volume of the drill could not be deleted, and costs money.",
        remedy: "Unmount it on the server, detach and delete it; the next drill tries again, too.",
    },
    Advice {
        codes: &["Lambda.TooManyRequestsException"],
        means: "The account's functions had no concurrency left.",
        remedy: "Find what uses it up, or raise Lambda's quota 'Concurrent executions'.",
    },
    Advice {
        codes: &[
            "Lambda.Unknown",
            "Lambda.AWSLambdaException",
            "Runtime.ExitError",
            "Sandbox.Timedout",
            "States.Timeout",
        ],
        means: "The function died or ran out of time, on every attempt.",
        remedy: "Look at its log around that time.",
    },
    Advice {
        codes: &["Transient"],
        means: "AWS did not answer, or failed, on every attempt.",
        remedy: "Look at AWS Health.",
    },
];

/// What an error said, taken apart: `Refused: CreateSnapshot: InvalidVolume.NotFound: no such volume`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// The most telling code in it, if any is known.
    pub code: Option<&'static str>,
    /// The whole text.
    pub text: String,
}

impl Said {
    /// Takes an error's text apart. Of several known codes the last one tells most: a service's own comes after our name for it.
    pub fn read(text: impl Into<String>) -> Self {
        let text = text.into();
        Self { code: text.rsplit(": ").find_map(known), text }
    }

    /// What is known of it.
    pub fn advice(&self) -> Option<&'static Advice> {
        KNOWN.iter().find(|advice| self.code.is_some_and(|code| advice.codes.contains(&code)))
    }
}

fn known(code: &str) -> Option<&'static str> {
    KNOWN.iter().flat_map(|advice| advice.codes).copied().find(|known| *known == code)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_code_has_one_advice() {
        let codes: Vec<_> = KNOWN.iter().flat_map(|advice| advice.codes).collect();
        assert_eq!(codes.iter().collect::<BTreeSet<_>>().len(), codes.len());
    }

    #[test]
    fn the_services_own_code_tells_more_than_our_name_for_it() {
        let code = |text: &str| Said::read(text).code;
        assert_eq!(
            code("Refused: CreateSnapshot: InvalidVolume.NotFound: no such volume"),
            Some("InvalidVolume.NotFound")
        );
        assert_eq!(code("Transient: CreateSnapshot: InternalError: 500"), Some("InternalError"));
        assert_eq!(code("Transient: DescribeVolumes: dispatch failure"), Some("Transient"));
        assert_eq!(code("Refused: CreateSnapshot: SomethingNew: what it says"), None);
        assert_eq!(code(""), None);
    }
}
