//! The rules that EC2 keeps and a local cloud does not. Each is off unless it is set.

use std::time::Duration;

/// What is enforced.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// Token buckets for each API and Region; none where it is not set.
    pub throttle: Option<Throttle>,
    /// Most items of a page of DescribeVolumes and DescribeSnapshots. A page is at most as long as the caller asks for as well.
    pub page: Option<usize>,
    /// Whether a page without items, but with a token, comes before each page (AWSEC2 API reference, DescribeSnapshots:
    /// results may be empty while there is a token).
    pub empty_pages: bool,
    /// Least time between two snapshots of one volume: 15 s (EBS user guide, "Quotas for Amazon EBS").
    pub between_snapshots: Duration,
    /// Whether a volume has at most 5 pending snapshots, of type st1 or sc1 at most 1 (the same page).
    pub limit_pending: bool,
    /// What becomes of a new snapshot.
    pub new_snapshots: NewSnapshots,
    /// What becomes of a new volume.
    pub new_volumes: NewVolumes,
    /// How long a new snapshot is not found (EC2 developer guide, "Ensuring idempotency and eventual consistency").
    pub found_after: Duration,
}

/// Token buckets (EC2 developer guide, "Request throttling for the Amazon EC2 API").
#[derive(Clone, Copy, Debug)]
pub struct Throttle {
    /// How much faster than EC2's the buckets fill, so that a test is short: 1 is EC2's own rate.
    pub times: f64,
    /// Tokens that a bucket holds at most; EC2's own number where it is not set.
    pub burst: Option<u32>,
}

/// What becomes of a new snapshot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NewSnapshots {
    /// Whatever the local cloud says; mostly it completes at once.
    #[default]
    AsTheyAre,
    /// It is pending for a time, then completed.
    PendingFor(Duration),
    /// It is pending until the test says otherwise.
    PendingUntilTold,
}

/// The states of a snapshot (AWSEC2 API reference, Snapshot).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SnapshotState {
    /// EBS still copies.
    Pending,
    /// It is whole.
    Completed,
    /// EBS failed.
    Error,
    /// It is in the Recycle Bin.
    Recoverable,
    /// It is on its way back from there.
    Recovering,
}

impl SnapshotState {
    /// The state as EC2 writes it.
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

/// What becomes of a new volume.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NewVolumes {
    /// Whatever the local cloud says; mostly it is available at once.
    #[default]
    AsTheyAre,
    /// It is being created for a time, then available.
    CreatingFor(Duration),
    /// It is being created until the test says otherwise.
    CreatingUntilTold,
}

/// The states of a volume that a test may tell (AWSEC2 API reference, Volume).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VolumeState {
    /// EBS still makes it.
    Creating,
    /// It is there: available, or in use where it is attached.
    Available,
    /// EBS failed, mostly for its key.
    Error,
}

impl VolumeState {
    /// The state as EC2 writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Creating => "creating",
            Self::Available => "available",
            Self::Error => "error",
        }
    }
}
