//! The tags of a snapshot, and its identity, which is the set of tags that it has from its creation.

use std::collections::BTreeMap;

use crate::{Error, Interval, Intervals, Night, error::cut, interval::interval, plan};

pub type Tags = BTreeMap<String, String>;

/// The stack that manages the snapshot, by the name under which it was deployed.
pub const BACKUP_STACK: &str = "BackupStack";
/// The Night of the snapshot.
pub const NIGHT: &str = "Night";
/// The longest Interval due that Night.
pub const INTERVAL: &str = "Interval";
/// Every Interval due that Night.
pub const INTERVALS: &str = "Intervals";
/// The name of the plan, which decides when the snapshot expires. A snapshot without this tag has the default plan.
pub const PLAN: &str = "Plan";
/// The volume that the snapshot was created from. If another tool copies a snapshot, the copy keeps this tag but has another volume id.
pub const SNAPSHOT_OF: &str = "SnapshotOf";
/// The name of the volume. tag-snapshot always writes this tag, so a snapshot without it is not yet described.
pub const NAME: &str = "Name";

/// The properties of the volume: [`crate::origin::Origin`].
pub const RESTORE_AS: &str = "RestoreAs";
/// The name of the server that the volume was attached to. Absent if the server had no name.
pub const RESTORE_SERVER: &str = "RestoreServer";
/// The tag of a restored volume, with the snapshot that it was restored from.
pub const RESTORED_FROM: &str = "RestoredFrom";

/// The tag of every volume that a drill creates. Its value is the `BackupStack`. IAM lets the drill delete only volumes with this tag.
pub const RESTORE_DRILL: &str = "RestoreDrill";
/// The tag with the name of the execution that created the drill's volume.
pub const DRILL_EXECUTION: &str = "DrillExecution";

pub(crate) const IDENTITY: [&str; 6] = [BACKUP_STACK, NIGHT, INTERVAL, INTERVALS, PLAN, SNAPSHOT_OF];
/// Every tag with a meaning for this project.
pub(crate) const OURS: [&str; 12] = [
    BACKUP_STACK,
    NIGHT,
    INTERVAL,
    INTERVALS,
    PLAN,
    SNAPSHOT_OF,
    NAME,
    RESTORE_AS,
    RESTORE_SERVER,
    RESTORED_FROM,
    RESTORE_DRILL,
    DRILL_EXECUTION,
];

/// Maximum number of tags of a resource (AWSEC2 user guide, Using_Tags, "Tag restrictions").
pub const MOST: usize = 50;
/// Returns the tags that snapshot-one adds in the call that creates the snapshot.
pub fn identity(stack: &str, night: Night, intervals: &Intervals, plan: &str, volume_id: &str) -> Tags {
    [
        (BACKUP_STACK, stack.to_owned()),
        (NIGHT, night.to_string()),
        (INTERVAL, intervals.governing().to_string()),
        (INTERVALS, intervals.to_string()),
        (PLAN, plan.to_owned()),
        (SNAPSHOT_OF, volume_id.to_owned()),
    ]
    .map(|(key, value)| (key.to_owned(), value))
    .into()
}

/// The tags of a snapshot that decide when it expires.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    pub night: Night,
    /// `Interval` tag, which governs retention.
    pub interval: Interval,
    /// `Intervals` tag, with every Interval that was due.
    pub intervals: Intervals,
    /// Name of the plan.
    pub plan: String,
}

/// Parses the identity of a managed snapshot. A person may lengthen `Interval` by hand to keep a snapshot. If `Interval` is shorter than
/// `Intervals`, the tags contradict each other, and the snapshot is never deleted.
///
/// # Errors
/// A message that names the missing or malformed tag.
pub fn read_identity(tags: &Tags) -> Result<Identity, String> {
    fn read<T>(tags: &Tags, key: &str, parse: impl Fn(&str) -> Result<T, String>) -> Result<T, String> {
        let text = tags.get(key).ok_or_else(|| format!("no {key} tag"))?;
        parse(text).map_err(|problem| format!("{key} tag: {}", cut(&problem, 300)))
    }
    let interval = read(tags, INTERVAL, interval)?;
    let intervals: Intervals = read(tags, INTERVALS, str::parse)?;
    if interval < intervals.governing() {
        return Err(format!("{INTERVAL} tag: {interval} is shorter than its {INTERVALS} tag says: {intervals}"));
    }
    let plan = tags.get(PLAN).map_or(plan::DEFAULT, String::as_str).to_owned();
    Ok(Identity { night: read(tags, NIGHT, str::parse)?, interval, intervals, plan })
}

/// Checks that a snapshot with our `BackupStack` tag is ours. Either its volume exists, or its `SnapshotOf` tag names its own volume. Tools
/// that copy snapshots copy their tags, but EC2 gives a copy an arbitrary volume id (AWSEC2 API reference, CopySnapshot).
///
/// # Errors
/// A sentence with the reason why the snapshot is not ours.
pub fn require_own(tags: &Tags, volume_id: &str, volume_exists: bool) -> Result<(), String> {
    match tags.get(SNAPSHOT_OF) {
        _ if volume_exists => Ok(()),
        Some(of) if of == volume_id => Ok(()),
        Some(of) => Err(format!("{SNAPSHOT_OF} tag: {} is not its volume {volume_id}, so it is a copy", cut(of, 100))),
        None => Err(format!("no {SNAPSHOT_OF} tag, and its volume {volume_id} does not exist, so it may be a copy")),
    }
}

/// Checks the `BackupStack` parameter. If the name were empty, the functions would manage no snapshot, or all of them.
pub fn backup_stack(name: &str) -> Result<&str, Error> {
    Some(name)
        .filter(|name| !name.is_empty())
        .ok_or_else(|| Error::bad_input("BackupStack", format!("{name:?}"), "must be the name of the deployed stack"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(pairs: &[(&str, &str)]) -> Tags {
        pairs.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect()
    }

    fn due() -> Intervals {
        "Daily+Annual".parse().unwrap()
    }

    #[test]
    fn identity_names_the_governing_interval_and_every_one_due() {
        let night = "2026-12-31".parse().unwrap();
        let expected = tags(&[
            ("BackupStack", "prod"),
            ("Night", "2026-12-31"),
            ("Interval", "Annual"),
            ("Intervals", "Daily+Annual"),
            ("Plan", "gold"),
            ("SnapshotOf", "vol-1"),
        ]);
        let intervals: Intervals = "Daily+Annual".parse().unwrap();
        assert_eq!(identity("prod", night, &intervals, "gold", "vol-1"), expected);
        let read = read_identity(&expected).unwrap();
        assert_eq!(read, Identity { night, interval: Interval::Annual, intervals, plan: "gold".into() });
        let mut older = expected;
        older.remove(PLAN);
        assert_eq!(read_identity(&older).unwrap().plan, "default");
    }

    #[test]
    fn names_the_tag_that_cannot_be_read() {
        let night = "2026-12-31".parse().unwrap();
        let mut read = identity("prod", night, &due(), "default", "vol-1");
        read.insert(NIGHT.into(), "30.12.2026".into());
        assert_eq!(read_identity(&read), Err("Night tag: \"30.12.2026\" is not a date such as 2026-12-31".into()));
        read.remove(NIGHT);
        assert_eq!(read_identity(&read), Err("no Night tag".into()));
    }

    #[test]
    fn a_copy_with_our_tags_is_not_ours() {
        let night = "2026-12-31".parse().unwrap();
        let of = identity("prod", night, &due(), "default", "vol-1");
        assert_eq!(require_own(&of, "vol-1", false), Ok(()));
        let copy = require_own(&of, "vol-ffffffff", false).unwrap_err();
        assert_eq!(copy, "SnapshotOf tag: vol-1 is not its volume vol-ffffffff, so it is a copy");
        let untold = tags(&[("BackupStack", "prod")]);
        assert_eq!(require_own(&untold, "vol-1", true), Ok(()));
        assert!(require_own(&untold, "vol-1", false).unwrap_err().starts_with("no SnapshotOf tag"));
    }

    #[test]
    fn an_interval_may_be_lengthened_by_hand_but_not_shortened() {
        let night = "2026-12-31".parse().unwrap();
        let mut read = identity("prod", night, &due(), "default", "vol-1");
        read.insert(INTERVAL.into(), "Quarterly".into());
        let shorter = "Interval tag: Quarterly is shorter than its Intervals tag says: Daily+Annual";
        assert_eq!(read_identity(&read), Err(shorter.into()));
        read.extend([(INTERVAL.into(), "Annual".into()), (INTERVALS.into(), "Daily".into())]);
        assert_eq!(read_identity(&read).unwrap().interval, Interval::Annual);
    }
}
