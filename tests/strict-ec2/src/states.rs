//! The states that a test sets.

use serde::{Deserialize, Serialize};

/// The states of a snapshot (AWSEC2 API reference, Snapshot).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SnapshotState {
    /// EBS is still copying.
    Pending,
    /// The snapshot can be restored.
    Completed,
    /// The snapshot failed.
    Error,
    /// The snapshot is in the Recycle Bin.
    Recoverable,
    /// The snapshot is leaving the Recycle Bin.
    Recovering,
}

impl SnapshotState {
    /// Returns the state as EC2 writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Completed => "completed",
            Self::Error => "error",
            Self::Recoverable => "recoverable",
            Self::Recovering => "recovering",
        }
    }
}

/// The states of a volume that a test can set (AWSEC2 API reference, Volume).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum VolumeState {
    /// EBS is still creating the volume.
    Creating,
    /// The volume exists: available, or in use if attached.
    Available,
    /// The creation failed, for example because of its KMS key.
    Error,
}

impl VolumeState {
    /// Returns the state as EC2 writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Creating => "creating",
            Self::Available => "available",
            Self::Error => "error",
        }
    }
}
