use super::{
    marketplace,
    plan::RestorePlan,
    report::RestoreOutcome,
    sources::{SourcePoint, Sources},
};
use crate::{
    account::ec2::{Instance, Region, Volume, Zone},
    cli::Restore,
    fixtures,
    ui::terminal::Terminal,
};
use aws_sdk_ec2::{
    Client,
    operation::describe_snapshot_attribute::DescribeSnapshotAttributeOutput,
    types::{ProductCode, ProductCodeValues},
};
use aws_smithy_mocks::{RuleMode, mock, mock_client};
use domain::{origin::Origin, tags::Tags};

const AS: &str = "type=io2 iops=4000 zone=eu-west-1a device=/dev/sdg instance=i-db";

/// Returns a completed restore point of a volume of the server `db`.
fn point(volume: &str, night: &str) -> SourcePoint {
    let mut snapshot = fixtures::of_night(volume, night, "completed");
    snapshot.id = format!("snap-{volume}-{night}");
    snapshot.tags.extend(fixtures::tags(&[
        ("Name", volume),
        ("Team", "core"),
        ("RestoreAs", AS),
        ("RestoreServer", "db"),
    ]));
    snapshot.origin = Origin::from_tags(&snapshot.tags);
    SourcePoint::new(snapshot).unwrap()
}

fn at(device: &str, point: SourcePoint) -> SourcePoint {
    with(point, |point| point.snapshot.origin.as_mut().unwrap().device = Some(device.to_owned()))
}

fn with(mut point: SourcePoint, change: impl FnOnce(&mut SourcePoint)) -> SourcePoint {
    change(&mut point);
    point
}

fn in_state(state: &str, point: SourcePoint) -> SourcePoint {
    with(point, |point| point.snapshot.state = state.to_owned())
}

fn volume(id: &str, tags: &[(&str, &str)]) -> Volume {
    let origin: Origin = "type=gp3 iops=3000 throughput=250 zone=eu-west-1b".parse().unwrap();
    let (region, id, state) = ("eu-west-1".to_owned(), id.to_owned(), "available".to_owned());
    Volume { region, id, state, origin, gibibytes: 10, tags: fixtures::tags(tags), ..Volume::default() }
}

fn attached(volume: Volume, instance: &str, device: &str) -> Volume {
    Volume { state: "in-use".into(), attachments: vec![(instance.into(), device.into())], ..volume }
}

fn instance(id: &str, devices: &[(&str, &str)]) -> Instance {
    Instance {
        region: "eu-west-1".into(),
        id: id.into(),
        name: "db".into(),
        state: "running".into(),
        zone: "eu-west-1a".into(),
        root: "/dev/xvda".into(),
        is_windows: false,
        outpost: None,
        devices: devices.iter().map(|(device, volume)| (device.to_string(), volume.to_string())).collect(),
    }
}

fn found(points: Vec<SourcePoint>) -> Sources {
    let zone = |name: &str| Zone { region: "eu-west-1".into(), name: name.into(), is_available: name != "eu-west-1c" };
    let zones = ["eu-west-1a", "eu-west-1b", "eu-west-1c"].map(zone).to_vec();
    Sources { points, zones, ..Sources::default() }
}

fn asked(line: &str) -> Restore {
    use clap::Parser;
    let line = ["nightly", "restore"].into_iter().chain(line.split(' '));
    match crate::cli::Cli::parse_from(line).command {
        crate::cli::Command::Backup(crate::cli::BackupCommand::Restore(asked)) => asked,
        other => panic!("{other:?}"),
    }
}

fn plan(found: &Sources, line: &str) -> RestorePlan {
    RestorePlan::new(found, &asked(line), &fixtures::stack()).unwrap_or_else(|error| panic!("{line}: {error}"))
}

#[track_caller]
fn refused(found: &Sources, line: &str, told: &str) {
    let error = RestorePlan::new(found, &asked(line), &fixtures::stack()).expect_err(line).to_string();
    assert!(error.contains(told) && !error.contains('\n'), "{line}: {error}");
}

#[test]
fn a_volume_that_is_gone_comes_back_as_its_restore_point_remembers_it() {
    let of = with(point("vol-1", "2026-11-24"), |point| {
        (point.snapshot.is_encrypted, point.snapshot.key) = (true, Some("arn:key".into()))
    });
    let plan = plan(&found(vec![point("vol-1", "2026-11-23"), of]), "vol-1");
    let made = &plan.volumes[0];
    assert_eq!((made.snapshot_id.as_str(), made.gibibytes), ("snap-vol-1-2026-11-24", 8), "the newest");
    assert_eq!(made.origin, AS.parse::<Origin>().unwrap());
    assert_eq!((made.is_encrypted, made.kms_key_id.as_deref()), (true, Some("arn:key")));
    assert_eq!(made.tags, fixtures::tags(&[("RestoredFrom", "snap-vol-1-2026-11-24"), ("Team", "core")]));
}

#[test]
fn the_newest_restore_point_has_the_newest_data_whatever_its_night() {
    let started = |time: &str, point: SourcePoint| with(point, |point| point.snapshot.started = time.parse().ok());
    let of = |volume: &str| {
        let mistaken = started("2026-11-20T04:30:00Z", point(volume, "2036-11-20"));
        vec![mistaken, started("2026-11-24T04:30:00Z", point(volume, "2026-11-24"))]
    };
    assert_eq!(plan(&found(of("vol-1")), "vol-1").volumes[0].snapshot_id, "snap-vol-1-2026-11-24");
    let server = [of("vol-1"), of("vol-2")].concat();
    assert_eq!(plan(&found(server), "--server db").night.to_string(), "2026-11-24");
}

#[test]
fn a_volume_that_exists_is_the_pattern_and_a_size_is_never_less_than_the_restore_points() {
    let tags = [
        ("Name", "ledger"),
        ("aws:ec2spot:id", "x"),
        ("KubernetesCluster", "x"),
        ("RestoredFrom", "snap-0"),
        ("Night", "mine"),
    ];
    let original = Volume { is_encrypted: true, key: Some("arn:own".into()), ..volume("vol-1", &tags) };
    let mut there = Sources { volumes: vec![original], ..found(vec![point("vol-1", "2026-11-24")]) };
    let made = plan(&there, "ledger").volumes.remove(0);
    let origin = &made.origin;
    assert_eq!((origin.kind.as_str(), origin.iops, origin.throughput), ("gp3", Some(3000), Some(250)));
    assert_eq!((origin.zone.as_str(), made.gibibytes), ("eu-west-1b", 10));
    assert_eq!((made.is_encrypted, made.kms_key_id.as_deref()), (true, Some("arn:own")));
    let tags = [("Name", "ledger"), ("Night", "mine"), ("RestoredFrom", "snap-vol-1-2026-11-24")];
    assert_eq!(made.tags, fixtures::tags(&tags));
    there.volumes[0].gibibytes = 4;
    there.volumes[0].origin.kind = "gp2".into();
    let made = plan(&there, "vol-1").volumes.remove(0);
    assert_eq!((made.gibibytes, made.origin.iops, made.origin.throughput), (8, None, None), "gp2 takes neither");
}

#[test]
fn an_old_restore_point_of_a_gone_volume_becomes_a_gp3_and_says_so() {
    let old = with(point("vol-1", "2026-11-24"), |point| point.snapshot.origin = None);
    refused(
        &found(vec![old.clone()]),
        "vol-1",
        "does not record the zone of its volume: give --zone eu-west-1a or --zone eu-west-1b",
    );
    let made = plan(&found(vec![old]), "vol-1 --zone eu-west-1b").volumes.remove(0);
    assert_eq!((made.origin.kind.as_str(), made.origin.iops), ("gp3", None));
    assert!(made.notes[0].contains("becomes a gp3"), "{:?}", made.notes);
}

#[test]
fn fifty_tags_leave_no_room_and_what_is_dropped_is_said() {
    let tags: Tags = (0..50).map(|number| (format!("k{number:02}"), String::new())).collect();
    let original = Volume { tags, ..volume("vol-1", &[]) };
    let there = Sources { volumes: vec![original], ..found(vec![point("vol-1", "2026-11-24")]) };
    let made = plan(&there, "vol-1").volumes.remove(0);
    assert_eq!((made.tags.len(), made.notes.len()), (50, 1));
    assert!(made.notes[0].contains("no room for the tag k49"), "{:?}", made.notes);
}

#[test]
fn what_cannot_be_taken_is_refused_with_the_nights_that_can() {
    let (fit, last) = (point("vol-1", "2026-11-20"), point("vol-1", "2026-11-24"));
    let newest = "vol-1 --night 2026-11-24";
    for (unfit, told) in [
        (in_state("pending", last.clone()), "is still pending (45%): wait for it; or take --night 2026-11-20"),
        (in_state("error", last.clone()), "failed: take --night 2026-11-20"),
        (
            with(last.clone(), |point| point.snapshot.is_archived = true),
            "is archived: bring it back, which may take 72 hours: `aws ec2 restore-snapshot-tier",
        ),
    ] {
        let both = found(vec![fit.clone(), unfit.clone()]);
        refused(&both, newest, told);
        let instead = plan(&both, "vol-1");
        assert_eq!(instead.volumes[0].snapshot_id, "snap-vol-1-2026-11-20");
        assert!(instead.notes[0].starts_with("Not taken, though newer: snap-vol-1-2026-11-24"), "{:?}", instead.notes);
        refused(&found(vec![unfit]), "vol-1", "there is no other");
    }
    let nights = ["2026-11-01", "2026-11-19", "2026-11-23", "2026-11-24"].map(|night| point("vol-1", night)).to_vec();
    refused(
        &found(nights),
        "vol-1 --night 2026-11-22",
        "take --night 2026-11-23 or --night 2026-11-24 or --night 2026-11-19",
    );
    refused(
        &found(vec![]),
        "vol-1",
        "no volume has the id or the Name \"vol-1\" in eu-west-1, and no restore point belongs to such a volume",
    );
    let new = Sources { volumes: vec![volume("vol-1", &[])], ..found(vec![]) };
    refused(&new, "vol-1", "`nightly run` creates one");
}

#[test]
fn a_name_that_several_volumes_have_is_refused_and_one_that_a_volume_had_once_is_not_its_own() {
    let named = |volume: &str, name: &str| {
        with(point(volume, "2026-11-24"), |point| drop(point.snapshot.tags.insert("Name".into(), name.into())))
    };
    let mut both = found(vec![named("vol-1", "disk"), named("vol-2", "disk")]);
    refused(&both, "disk", "2 volumes are named \"disk\": give the id, vol-1 in eu-west-1 or vol-2 in eu-west-1");
    both.volumes = vec![volume("vol-1", &[("Name", "other")])];
    assert_eq!(plan(&both, "disk").volumes[0].original, "vol-2");
    refused(&both, "nothing", "no volume has the id or the Name \"nothing\"");
}

#[test]
fn the_zone_is_the_instances_or_the_one_that_was_and_there_is_room_in_it() {
    let mut there = found(vec![point("vol-1", "2026-11-24")]);
    refused(&there, "vol-1 --zone eu-west-1z", "there is no zone eu-west-1z in eu-west-1: give --zone eu-west-1a or");
    refused(
        &there,
        "vol-1 --zone eu-west-1c",
        "eu-west-1c is not available now: give --zone eu-west-1a or --zone eu-west-1b",
    );
    refused(
        &there,
        "vol-1 --zone us-west-2-lax-1a",
        "`aws ec2 copy-snapshot --region us-west-2 --source-region eu-west-1",
    );
    there.targets = vec![Instance { zone: "eu-west-1b".into(), ..instance("i-1", &[]) }];
    assert_eq!(plan(&there, "vol-1 --attach db").volumes[0].origin.zone, "eu-west-1b");
    refused(&there, "vol-1 --attach db --zone eu-west-1a", "i-1 (db) is in eu-west-1b, and a volume of eu-west-1a");
}

#[test]
fn the_instance_is_one_that_a_volume_can_be_attached_to() {
    let mut there = found(vec![point("vol-1", "2026-11-24")]);
    refused(&there, "vol-1 --attach db", "no instance has the id or the Name \"db\" in eu-west-1");
    let of = |id: &str, state: &str| Instance { state: state.into(), ..instance(id, &[]) };
    there.targets = vec![of("i-1", "terminated")];
    refused(&there, "vol-1 --attach db", "i-1 (db) is terminated");
    there.targets.push(of("i-2", "stopping"));
    refused(&there, "vol-1 --attach db", "i-2 (db) is stopping: run this again when");
    there.targets.push(of("i-3", "stopped"));
    refused(&there, "vol-1 --attach db", "2 instances are named \"db\": give the id, --attach i-2 or i-3");
    there.targets = vec![Instance { region: "us-east-1".into(), ..instance("i-4", &[]) }];
    refused(
        &there,
        "vol-1 --attach db",
        "i-4 (db) is in us-east-1, the restore point in eu-west-1: copy it there first",
    );
}

#[test]
fn a_device_is_the_one_that_was_or_the_first_that_is_free() {
    let mut there = found(vec![point("vol-1", "2026-11-24")]);
    let device = |there: &Sources, line: &str| plan(there, line).volumes[0].origin.device.clone().unwrap();
    there.targets = vec![instance("i-1", &[])];
    assert_eq!(device(&there, "vol-1 --attach db"), "/dev/sdg");
    there.targets = vec![instance("i-1", &[("/dev/sdg", "vol-7"), ("/dev/xvdf", "vol-8"), ("/dev/xvda", "vol-9")])];
    assert_eq!(device(&there, "vol-1 --attach db"), "/dev/sdh", "the kernel shows /dev/xvdf and /dev/sdf as one");
    assert_eq!(device(&there, "vol-1 --attach db --device /dev/sdp"), "/dev/sdp");
    refused(&there, "vol-1 --attach db --device /dev/sdg", "/dev/sdg of i-1 (db) is in use by vol-7. Unmount it");
    refused(&there, "vol-1 --attach db --device /dev/xvda", "is its root volume: `aws ec2 stop-instances");
    there.targets[0].state = "stopped".into();
    refused(&there, "vol-1 --attach db --device /dev/xvda", "is its root volume: `aws ec2 detach-volume");
    let all: Vec<_> = ('f'..='p').map(|letter| (format!("/dev/sd{letter}"), "vol-9")).collect();
    let all: Vec<_> = all.iter().map(|(device, volume)| (device.as_str(), *volume)).collect();
    there.targets = vec![instance("i-1", &all)];
    refused(&there, "vol-1 --attach db", "no free device of /dev/sdf to /dev/sdp");
}

#[test]
fn a_root_volume_goes_to_the_servers_own_root_device_or_nowhere() {
    let root = |night| at("/dev/xvda", point("vol-1", night));
    let mut there = found(vec![root("2026-11-24"), at("/dev/xvdf", point("vol-2", "2026-11-24"))]);
    let ubuntu = |devices| Instance { root: "/dev/sda1".into(), state: "stopped".into(), ..instance("i-1", devices) };
    there.targets = vec![ubuntu(&[("/dev/sda1", "vol-7"), ("/dev/sdf", "vol-8")])];
    let device = |there: &Sources, line: &str| plan(there, line).volumes[0].origin.device.clone().unwrap();
    assert_eq!(device(&there, "vol-1 --attach db"), "/dev/sdg", "its root is in use, and so is /dev/xvdf");
    assert_eq!(device(&there, "vol-2 --attach db"), "/dev/sdg", "/dev/xvdf is /dev/sdf");
    refused(&there, "vol-2 --attach db --device /dev/xvdf", "/dev/sdf of i-1 (db) is in use by vol-8. Unmount it");
    refused(&there, "vol-1 --attach db --device /dev/xvda", "/dev/sda1 of i-1 (db) is in use by vol-7. It is its root");
    refused(&there, "--server db --attach db", "/dev/sda1 of i-1 (db) is in use by vol-7. It is its root volume");
    there.targets = vec![ubuntu(&[])];
    assert_eq!(device(&there, "vol-1 --attach db"), "/dev/sda1");
    assert_eq!(device(&there, "vol-1 --attach db --device /dev/xvda"), "/dev/sda1");
    let server = plan(&there, "--server db --attach db").volumes;
    assert_eq!(server[0].origin.device.as_deref(), Some("/dev/sda1"));
    assert!(server[0].notes[0].contains("DeleteOnTermination=false"), "{:?}", server[0].notes);
}

#[test]
fn an_instance_on_an_outpost_is_refused_with_the_way_out() {
    let mut there = found(vec![point("vol-1", "2026-11-24")]);
    there.targets = vec![Instance { outpost: Some("arn:op".into()), ..instance("i-1", &[]) }];
    refused(&there, "vol-1 --attach db", "--outpost-arn arn:op --snapshot-id snap-vol-1-2026-11-24");
}

#[test]
fn a_copy_beside_its_original_has_the_same_uuid_and_says_so() {
    let mut there = found(vec![point("vol-1", "2026-11-24")]);
    there.targets = vec![instance("i-1", &[("/dev/sdf", "vol-1")])];
    there.volumes = vec![Volume { origin: AS.parse().unwrap(), ..attached(volume("vol-1", &[]), "i-1", "/dev/sdf") }];
    let notes = plan(&there, "vol-1 --attach db").volumes.remove(0).notes;
    assert!(notes[0].contains("do not restart the server with both"), "{notes:?}");
}

#[test]
fn a_name_means_the_original_as_long_as_its_copy_has_no_restore_points() {
    let of = with(point("vol-1", "2026-11-24"), |point| drop(point.snapshot.tags.insert("Name".into(), "disk".into())));
    let copy = volume("vol-2", &[("Name", "disk"), ("RestoredFrom", "snap-vol-1-2026-11-24")]);
    let mut there = Sources { volumes: vec![copy.clone()], restored: vec![copy], ..found(vec![of]) };
    there.restored[0].origin.zone = "eu-west-1a".into();
    assert!(plan(&there, "disk").is_done());
    let own =
        with(point("vol-2", "2026-11-25"), |point| drop(point.snapshot.tags.insert("Name".into(), "disk".into())));
    there.points.push(own);
    refused(&there, "disk", "vol-1 in eu-west-1 or vol-2 in eu-west-1, restored from snap-vol-1-2026-11-24,");
}

#[test]
fn the_next_command_has_a_servers_name_as_one_word() {
    let named = "$(id)`id` it's";
    let of = with(point("vol-1", "2026-11-24"), |point| {
        drop(point.snapshot.tags.insert("RestoreServer".into(), named.into()))
    });
    let asked = Restore { server: Some(named.to_owned()), ..asked("--server x") };
    let plan = RestorePlan::new(&found(vec![of]), &asked, &fixtures::stack()).unwrap();
    let text = plan.text(RestoreOutcome::Done, Terminal { width: None, is_coloured: false });
    let quoted = shlex::try_quote(named).unwrap();
    assert!(text.contains(&format!("nightly restore --server={quoted} --night 2026-11-24")), "{text}");
    assert_eq!(shlex::split(&quoted).unwrap(), [named]);
}

#[test]
fn what_was_restored_before_is_found_again_unless_it_is_of_another_zone_or_failed() {
    let tag = [("RestoredFrom", "snap-vol-1-2026-11-24")];
    let in_a = |id: &str| {
        let mut made = volume(id, &tag);
        made.origin.zone = "eu-west-1a".into();
        made
    };
    let mut there = found(vec![point("vol-1", "2026-11-24")]);
    there.restored = vec![volume("vol-b", &tag), Volume { state: "error".into(), ..in_a("vol-e") }];
    let made = plan(&there, "vol-1").volumes.remove(0);
    assert_eq!((made.restored, made.failed), (None, vec!["vol-e".to_owned()]));
    there.restored.push(in_a("vol-a"));
    assert!(plan(&there, "vol-1").is_done());
    assert_eq!(plan(&there, "vol-1").volumes[0].restored.as_deref(), Some("vol-a"));
    there.restored[2].state = "creating".into();
    assert!(!plan(&there, "vol-1").is_done(), "it is waited for");

    there.targets = vec![instance("i-1", &[("/dev/sdh", "vol-a")])];
    there.restored[2] = in_a("vol-a");
    assert!(!plan(&there, "vol-1 --attach db").is_done());
    there.restored[2] = attached(in_a("vol-a"), "i-1", "/dev/sdh");
    let done = plan(&there, "vol-1 --attach db");
    assert_eq!((done.is_done(), done.volumes[0].origin.device.as_deref()), (true, Some("/dev/sdh")));
    refused(&there, "vol-1 --attach db --device /dev/sdi", "is attached to i-1 (db) at /dev/sdh");
    there.restored[2] = attached(in_a("vol-a"), "i-2", "/dev/sdf");
    refused(
        &there,
        "vol-1 --attach db",
        "vol-a was already restored from that restore point and is attached to i-2 at /dev/sdf",
    );
    assert!(plan(&there, "vol-1").volumes[0].notes[0].contains("in use by i-2 at /dev/sdf"));
}

#[test]
fn a_server_goes_back_to_the_newest_night_that_all_its_volumes_have() {
    let (a, b) = (|night| at("/dev/xvda", point("vol-a", night)), |night| at("/dev/sdf", point("vol-b", night)));
    let mut there = found(vec![a("2026-11-22"), b("2026-11-22"), a("2026-11-23"), b("2026-11-23"), a("2026-11-24")]);
    let whole = plan(&there, "--server db");
    assert_eq!((whole.night.to_string().as_str(), whole.volumes.len()), ("2026-11-23", 2));
    assert!(whole.notes[0].contains("vol-a has a newer restore point, of the Night 2026-11-24"), "{:?}", whole.notes);
    refused(
        &there,
        "--server db --night 2026-11-24",
        "2026-11-24: vol-b has none; take --night 2026-11-23 or --night 2026-11-22",
    );
    refused(
        &there,
        "--server db --night 2026-11-21",
        "no restore point of the Night 2026-11-21; take --night 2026-11-22",
    );
    there.points.push(in_state("pending", b("2026-11-24")));
    refused(
        &there,
        "--server db --night 2026-11-24",
        "vol-b's snap-vol-b-2026-11-24 of the Night 2026-11-24 is still pending",
    );
    refused(&there, "--server web", "no restore point belongs to a server \"web\"");
    assert_eq!(plan(&there, "--server i-db").volumes.len(), 2, "by the instance that the restore points remember");

    there.targets = vec![instance("i-new", &[])];
    let attached = plan(&there, "--server db --attach db").volumes;
    let devices: Vec<_> = attached.iter().filter_map(|one| one.origin.device.as_deref()).collect();
    assert_eq!(devices, ["/dev/xvda", "/dev/sdf"]);
    there.targets = vec![instance("i-new", &[("/dev/xvda", "vol-new")])];
    refused(&there, "--server db --attach db", "/dev/xvda of i-new (db) is in use by vol-new. It is its root volume");
}

#[test]
fn a_volume_that_was_taken_from_a_server_or_took_anothers_place_holds_nothing_up() {
    let (old, new) =
        (|night| at("/dev/xvda", point("vol-old", night)), |night| at("/dev/xvda", point("vol-new", night)));
    let long_ago = at("/dev/sdf", point("vol-z", "2026-11-01"));
    let there = found(vec![long_ago, old("2026-11-22"), new("2026-11-23")]);
    let whole = plan(&there, "--server db");
    assert_eq!((whole.volumes.len(), whole.volumes[0].original.as_str()), (1, "vol-new"));
    let notes = whole.notes.join(" ");
    assert!(notes.contains("vol-z was the server's until the Night 2026-11-01, and is left out"), "{notes}");
    assert_eq!(plan(&there, "--server db --night 2026-11-22").volumes[0].original, "vol-old");
}

#[test]
fn two_servers_of_one_name_are_told_apart_by_their_instances() {
    let other = with(point("vol-2", "2026-11-24"), |point| {
        point.snapshot.origin.as_mut().unwrap().instance = Some("i-other".into())
    });
    let both = found(vec![point("vol-1", "2026-11-24"), other]);
    refused(&both, "--server db", "give the instance's id, --server i-db or i-other");
    assert_eq!(plan(&both, "--server i-other").volumes[0].original, "vol-2");
}

#[test]
fn a_live_servers_volumes_count_even_where_their_restore_points_are_older_than_the_tags() {
    let old = with(point("vol-1", "2026-11-24"), |point| {
        point.snapshot.origin = None;
        point.snapshot.tags.retain(|key, _| !key.starts_with("Restore"));
    });
    let mut there = found(vec![old]);
    there.servers = vec![instance("i-db", &[("/dev/xvda", "vol-1"), ("/dev/sdf", "vol-new")])];
    there.volumes = vec![volume("vol-1", &[]), volume("vol-new", &[("Name", "fresh")])];
    let whole = plan(&there, "--server db");
    assert_eq!(whole.volumes[0].original, "vol-1");
    assert!(
        whole.notes[0].contains("vol-new (fresh) is attached to the server and has no restore point"),
        "{:?}",
        whole.notes
    );
}

#[test]
fn it_is_told_in_words_that_fit_the_terminal() {
    let mut there = found(vec![point("vol-1", "2026-11-24")]);
    there.targets = vec![instance("i-1", &[])];
    let plan = plan(&there, "vol-1 --attach db");
    let text = plan.text(RestoreOutcome::Planned, Terminal { width: None, is_coloured: false });
    for told in [
        "Would restore vol-1 as of 2026-11-24 04:30 UTC. Nothing was changed.",
        "new volume   to be created",
        "data from    2026-11-24 04:30 UTC, snap-vol-1-2026-11-24 of the Night 2026-11-24",
        "settings     io2, 8 GiB, 4000 IOPS, not encrypted",
        "attached     to i-1 (running, db) at /dev/sdg",
    ] {
        assert!(text.contains(told), "{told}: {text}");
    }
    let narrow = plan.text(RestoreOutcome::Planned, Terminal { width: Some(60), is_coloured: false });
    assert!(narrow.lines().all(|line| line.chars().count() <= 60), "{narrow}");
}

#[tokio::test]
async fn a_volume_with_a_marketplace_code_is_not_made_for_a_server_that_runs() {
    let asked = |kind: ProductCodeValues| {
        let code = ProductCode::builder().product_code_id("abc123").product_code_type(kind).build();
        let codes = mock!(Client::describe_snapshot_attribute)
            .match_requests(|request| request.snapshot_id() == Some("snap-vol-1-2026-11-24"))
            .then_output(move || DescribeSnapshotAttributeOutput::builder().product_codes(code.clone()).build());
        Region { name: "eu-west-1".into(), client: mock_client!(aws_sdk_ec2, RuleMode::MatchAny, &[&codes]) }
    };
    let mut there = found(vec![point("vol-1", "2026-11-24")]);
    there.targets = vec![instance("i-1", &[])];
    let mut running = plan(&there, "vol-1 --attach db");
    let refused = marketplace::require_stopped(&asked(ProductCodeValues::Marketplace), &mut running).await;
    let told = refused.unwrap_err().to_string();
    assert!(told.contains("product code abc123") && told.contains("aws ec2 stop-instances"), "{told}");
    marketplace::require_stopped(&asked(ProductCodeValues::Devpay), &mut running).await.unwrap();
    there.targets[0].state = "stopped".into();
    let mut stopped = plan(&there, "vol-1 --attach db");
    marketplace::require_stopped(&asked(ProductCodeValues::Marketplace), &mut stopped).await.unwrap();
    assert!(stopped.notes.is_empty());
}
