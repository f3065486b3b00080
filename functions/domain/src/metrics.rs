//! The names under which CloudWatch is told of a night.

/// The namespace of every metric.
pub const NAMESPACE: &str = "NightlyBackup";

/// Every metric, each with the dimension `BackupStack` alone.
pub const ALL: [&str; 9] = [
    "CompleteNights",
    "Protected",
    "Unprotected",
    "Expired",
    "Kept",
    "Failures",
    "Duration",
    "RestorePointAge",
    "ThrottledCalls",
];
