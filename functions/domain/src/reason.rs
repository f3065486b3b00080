//! The reason for a failure: a code for programs, and a message for people.

use serde::{Deserialize, Serialize};
use std::fmt;
use strum::{Display, EnumString, IntoStaticStr, VariantArray};

/// A code that this project defines. All other codes come from AWS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Display, EnumString, IntoStaticStr, VariantArray)]
pub enum Code {
    /// EC2 lists no snapshot, and no step reported an error.
    NoSnapshot,
    /// EBS could not complete a snapshot.
    SnapshotError,
    /// A run found no volume in any Region.
    NothingSelected,
    /// A volume is no longer selected, although the last run selected it.
    Deselected,
    /// Retention became shorter, and the next Night deletes a snapshot because of that.
    RetentionShortened,
    /// The tag `BackupPlan` of a volume names no plan.
    UnknownPlan,
    /// A drill found no restore point in any Region.
    NothingToProve,
    /// A volume is larger than the drill's size limit.
    TooLarge,
    /// A drill's volume was deleted by somebody else.
    VolumeGone,
    /// A drill's volume was attached by somebody else.
    VolumeTaken,
    /// EBS could not create a volume from a snapshot.
    VolumeError,
    /// A drill's volume differs in size from the original volume.
    WrongSize,
    /// A drill's volume did not become available in time.
    NotAvailable,
    /// A drill's check did not finish in time.
    NotChecked,
    /// A drill's check found no readable data.
    CheckFailed,
    /// Systems Manager did not run a drill's check.
    CheckNotRun,
    /// A drill's volume could not be deleted.
    NotRemoved,
    /// A drill ended before it reached a restore point.
    NotTried,
}

/// The reason for a failure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Reason {
    /// One of our own [`Code`]s, or a code of AWS such as `InvalidVolume.NotFound`.
    pub code: String,
    /// A sentence. May be empty.
    pub message: String,
}

impl Reason {
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code: code.to_string(), message: message.into() }
    }

    /// Extracts the reason from an error's name and message. A service's own code is more precise than our error name. For example,
    /// `Refused` with `CreateSnapshot: InvalidVolume.NotFound: no such volume` has the code `InvalidVolume.NotFound`.
    pub fn from_error(name: &str, message: &str) -> Self {
        let parts: Vec<_> = message.split(": ").collect();
        let service = parts.windows(2).find(|two| is_name(two[0], "") && is_name(two[1], "."));
        let own = message.split_once(": ").filter(|(code, _)| code.parse::<Code>().is_ok());
        match (own, service) {
            (Some((code, message)), _) => Self { code: code.to_owned(), message: message.to_owned() },
            (None, Some(two)) => Self { code: two[1].to_owned(), message: message.to_owned() },
            (None, None) => Self { code: name.to_owned(), message: message.to_owned() },
        }
    }
}

/// Returns whether a word can be the name of an API call. If `others` is a dot, the word can also be an AWS error code.
fn is_name(word: &str, others: &str) -> bool {
    let is_letter = |letter: char| letter.is_ascii_alphanumeric() || others.contains(letter);
    word.starts_with(|first: char| first.is_ascii_uppercase()) && word.chars().all(is_letter)
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.message.as_str() {
            "" => f.write_str(&self.code),
            message if message.contains(&format!("{}: ", self.code)) => f.write_str(message),
            message => write!(f, "{}: {message}", self.code),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_services_code_says_more_than_our_name_for_it() {
        for (name, message, code) in [
            ("Refused", "CreateSnapshot: InvalidVolume.NotFound: no such volume", "InvalidVolume.NotFound"),
            ("Transient", "CreateSnapshot: InternalError: 500", "InternalError"),
            ("Refused", "s3://ledger/key: GetObject: AccessDenied: no", "AccessDenied"),
            ("Transient", "DescribeVolumes: dispatch failure: timeout", "Transient"),
            ("States.Timeout", "", "States.Timeout"),
        ] {
            let reason = Reason::from_error(name, message);
            assert_eq!((reason.code.as_str(), reason.message.as_str()), (code, message));
        }
    }

    #[test]
    fn a_code_of_our_own_in_a_message_is_read_back() {
        let reason = Reason::new(Code::NotRemoved, "vol-1 is still attached");
        assert_eq!(Reason::from_error("Refused", &reason.to_string()), reason);
    }

    #[test]
    fn is_read_with_its_code_once() {
        let text = |name, message| Reason::from_error(name, message).to_string();
        assert_eq!(text("Refused", "CreateSnapshot: AccessDenied: no"), "CreateSnapshot: AccessDenied: no");
        assert_eq!(text("Transient", "timeout"), "Transient: timeout");
        assert_eq!(text("States.Timeout", ""), "States.Timeout");
    }
}
