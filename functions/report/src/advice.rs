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
pub const KNOWN: [Advice; 30] = [
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
        means: "The volume, or the instance, is in a state that does not allow the call.",
        remedy: "Look at it in the EC2 console.",
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
        means: "The input, or a parameter of the stack, is wrong.",
        remedy: "Correct what the message names.",
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
    Advice {
        codes: &["InvalidSnapshot.NotFound"],
        means: "The snapshot was deleted after the drill had chosen it.",
        remedy: "Nothing, if it expired or somebody deleted it: the next drill chooses another.",
    },
    Advice {
        codes: &["TooLarge"],
        means: "The volume is larger than a drill may make.",
        remedy: "Raise the parameter DrillGiB, or prove it by hand with `nightly restore`.",
    },
    Advice {
        codes: &["VolumeError"],
        means: "EBS could not make a volume from the snapshot.",
        remedy: "For an encrypted snapshot see that its KMS key is enabled and may be used; otherwise look at AWS Health. Do not count on this restore point.",
    },
    Advice {
        codes: &["VolumeGone", "VolumeTaken"],
        means: "Somebody deleted or attached the drill's volume while it was checked.",
        remedy: "Find who did; leave volumes with the tag RestoreDrill alone.",
    },
    Advice {
        codes: &["WrongSize"],
        means: "The volume is not as large as the one that the snapshot was made of.",
        remedy: "Do not count on this restore point; ask AWS Support.",
    },
    Advice {
        codes: &["NotAvailable", "NotChecked"],
        means: "The proof took too long.",
        remedy: "Look at the volume in the EC2 console, at AWS Health, and at the instance that checks it.",
    },
    Advice {
        codes: &["CheckFailed"],
        means: "A volume could be made, but what is on it could not be proven.",
        remedy: "Make one with `nightly restore` and look at its file system and its newest dump.",
    },
    Advice {
        codes: &["CheckNotRun", "InvalidInstanceId"],
        means: "Systems Manager did not run the check on the drill's instance.",
        remedy: "See that the instance of the parameter DrillInstance runs, that its SSM Agent does, and that its role has AmazonSSMManagedInstanceCore.",
    },
    Advice {
        codes: &["VolumeLimitExceeded"],
        means: "The account holds as many GiB of volumes as its quota allows in the Region.",
        remedy: "Raise the quota for gp3 storage in Service Quotas, or lower the parameter DrillGiB.",
    },
    Advice {
        codes: &["AttachmentLimitExceeded"],
        means: "The drill's instance has as many volumes as it takes.",
        remedy: "Lower the parameter DrillVolumes, or name another instance in DrillInstance.",
    },
    Advice {
        codes: &["NotRemoved"],
        means: "A volume that the drill made is still there.",
        remedy: "Delete it in the EC2 console, or start a drill again: it begins with what is left.",
    },
    Advice {
        codes: &["NotTried"],
        means: "The drill ended before it came to this restore point.",
        remedy: "Look at the execution, then start a drill again.",
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
