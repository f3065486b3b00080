use super::*;
use crate::fixtures::{NOW, inventory, of_night, stack, tags, volume};

fn answer(snapshot: Snapshot, images: &[&str], inventory: Inventory) -> Explanation {
    let images = images.iter().map(|image| image.to_string()).collect();
    let next = inventory.next_night(NOW.parse().unwrap(), &stack().time_zone);
    Explanation::new(&snapshot, images, &inventory.histories(), &stack(), next)
}

fn of_existing(snapshot: Snapshot) -> Explanation {
    let inventory = inventory(vec![volume("vol-1", &[("Name", "db")])], vec![snapshot.clone()]);
    answer(snapshot, &[], inventory)
}

#[test]
fn says_what_it_is_and_each_part_of_why_it_is_kept() {
    let answer = of_existing(of_night("vol-1", "2026-11-24", "completed"));
    assert_eq!(
        answer.text,
        [
            "snap-2026-11-24 is a snapshot of vol-1 (db) in eu-west-1 of the Night 2026-11-24 (Daily): completed, 8 GiB, started \
             2026-11-24 04:30 UTC.",
            "It expires on 2026-11-26, if every Night from 2026-11-25 on makes a restore point of its volume. A daily expires if both \
             hold: it is 2 Nights old on 2026-11-26; and it has 2 newer restore points that are due Daily (now it has 0). It is also \
             the newest completed daily of its volume, so it stays until there is a newer one.",
        ]
    );
    assert_eq!(answer.expires, Some("2026-11-26".parse().unwrap()));
}

#[test]
fn one_of_another_stack_or_of_none_is_said_to_be_left_alone() {
    for (bears, told) in [
        (tags(&[("BackupStack", "test")]), "its BackupStack tag says \"test\""),
        (tags(&[]), "it has no BackupStack tag"),
    ] {
        let mut other = of_night("vol-1", "2026-11-01", "completed");
        other.tags = bears;
        let answer = of_existing(other);
        assert!(answer.text[1].starts_with(&format!("It is not a snapshot of prod: {told}.")), "{answer:?}");
        assert_eq!((answer.managed, answer.expires, answer.night), (false, None, None));
    }
}

#[test]
fn each_state_and_each_way_to_stay_has_its_own_words() {
    let second = |snapshot: Snapshot| of_existing(snapshot).text[1].clone();
    assert!(second(of_night("vol-1", "2026-11-20", "error")).starts_with("The snapshot failed"));
    assert!(
        second(of_night("vol-1", "2026-11-20", "pending"))
            .starts_with("The snapshot is still pending from an earlier Night")
    );
    assert!(
        second(of_night("vol-1", "2026-11-24", "pending"))
            .starts_with("The snapshot is still pending. If it completes, it expires")
    );
    assert!(second(of_night("vol-1", "2026-11-20", "recoverable")).starts_with("Its state is recoverable"));
    assert!(second(of_night("vol-1", "2025-12-31", "completed")).starts_with("It never expires: it is an annual"));
    let mut kept = of_night("vol-1", "2026-11-20", "completed");
    kept.identity.as_mut().unwrap().interval = Interval::Annual;
    assert!(second(kept).starts_with("It never expires: somebody set its Interval tag to Annual"));
    let mut unreadable = of_night("vol-1", "2026-11-20", "completed");
    unreadable.identity = Err("no Night tag".into());
    assert!(second(unreadable).contains("the tags cannot be read: no Night tag"));
}

#[test]
fn a_gone_volume_and_an_ami_are_told() {
    let of = |night| of_night("vol-gone", night, "completed");
    let all = || inventory(vec![], vec![of("2026-11-01"), of("2026-11-20"), of("2025-12-31")]);
    let newest = answer(of("2026-11-20"), &["ami-1"], all());
    assert!(newest.text[1].starts_with("It never expires: its volume no longer exists"), "{newest:?}");
    assert_eq!(newest.text[2], "EC2 does not delete it while an AMI uses it: ami-1. Deregister that first.");
    let older = answer(of("2026-11-01"), &[], all());
    assert!(older.text[1].contains("only age counts, and it is 2 Nights old since 2026-11-03."), "{older:?}");
    assert_eq!(answer(of("2025-12-31"), &[], all()).text[2], "Its volume no longer exists.");
}

#[test]
fn an_id_of_another_shape_is_refused_before_ec2_is_asked() {
    for id in ["foo", "snap-", "snap-0123456789abcdeg0", "vol-0123456789abcdef0", "snap-0123456789ABCDEF0"] {
        assert!(check(id).unwrap_err().to_string().starts_with(&format!("{id:?} is not the id of a snapshot")), "{id}");
    }
    assert!(check("snap-0123456789abcdef0").is_ok() && check("snap-01234567").is_ok());
}

#[test]
fn a_copy_by_another_tool_is_said_to_be_one() {
    let mut copy = of_night("vol-ffffffff", "2026-11-20", "completed");
    copy.tags.insert("SnapshotOf".into(), "vol-1".into());
    let answer = answer(copy, &[], inventory(vec![], vec![]));
    assert!(answer.text[1].contains("vol-1 is not its volume vol-ffffffff, so it is a copy"), "{:?}", answer.text);
    assert_eq!(answer.expires, None);
}
