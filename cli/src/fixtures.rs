//! Volumes, snapshots and a stack for the tests of the commands.

use domain::{
    Night,
    plan::Plans,
    rules::Rules,
    selection::Selection,
    tags::{Identity, Tags},
    tags_not_copied::TagsNotCopied,
};
use jiff::{Timestamp, tz::TimeZone};

use crate::account::{
    ec2::{Snapshot, Volume},
    inventory::Inventory,
    stack::Stack,
};

const KEEP: &str = "Daily=2,Quarterly=5,Annual=forever";
pub const NOW: &str = "2026-11-25T12:00:00Z";

pub fn ago(hours: i64) -> Timestamp {
    NOW.parse::<Timestamp>().unwrap() - jiff::SignedDuration::from_hours(hours)
}

pub fn tags(pairs: &[(&str, &str)]) -> Tags {
    pairs.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect()
}

pub fn volume(id: &str, pairs: &[(&str, &str)]) -> Volume {
    let (region, id, state) = ("eu-west-1".to_owned(), id.to_owned(), "in-use".to_owned());
    let attachments = vec![("i-1".to_owned(), "/dev/xvda".to_owned())];
    Volume { region, id, state, tags: tags(pairs), attachments, created: Some(ago(1_000)), ..Volume::default() }
}

pub fn snapshot(volume: &str, state: &str, hours: i64) -> Snapshot {
    let mut made = of_night(volume, "2026-11-25", state);
    made.id = format!("snap-{volume}-{hours}");
    made.started = Some(ago(hours));
    made
}

pub fn of_night(volume: &str, night: &str, state: &str) -> Snapshot {
    let night: Night = night.parse().unwrap();
    let intervals = Plans::read(KEEP, "", "Sunday").unwrap().due_on(night).unwrap();
    Snapshot {
        region: "eu-west-1".to_owned(),
        id: format!("snap-{night}"),
        volume_id: volume.to_owned(),
        tags: tags(&[("BackupStack", "prod"), ("SnapshotOf", volume)]),
        identity: Ok(Identity { night, interval: intervals.governing(), intervals, plan: "default".to_owned() }),
        origin: None,
        state: state.to_owned(),
        progress: "45%".to_owned(),
        is_archived: false,
        is_encrypted: false,
        key: None,
        gibibytes: 8,
        started: format!("{night}T04:30:00Z").parse().ok(),
    }
}

pub fn inventory(volumes: Vec<Volume>, snapshots: Vec<Snapshot>) -> Inventory {
    Inventory { volumes, snapshots, unread: Vec::new() }
}

pub fn plans(keep: &str) -> Plans {
    Plans::read(keep, "gold:Daily=30,Monthly=12;weekly:Daily=0,Weekly=4", "Sunday").unwrap()
}

pub fn stack() -> Stack {
    Stack {
        name: "backup".to_owned(),
        backup_stack: "prod".to_owned(),
        state_machine: String::new(),
        drill: None,
        ledger: String::new(),
        topic: String::new(),
        regions: vec!["eu-west-1".to_owned()],
        time_zone: TimeZone::UTC,
        selection: Selection::default(),
        foreign: TagsNotCopied::default(),
        plans: plans(KEEP),
        rules: Rules { keep: KEEP.to_owned(), plans: "gold:Daily=30,Monthly=12;weekly:Daily=0,Weekly=4".to_owned() },
        days_between_runs: 1,
    }
}
