//! Runs the script that checks a restored volume on a server. The volume, its mount and the file system checkers are fakes. The dump is
//! loaded into a real PostgreSQL.

mod cleanup;
mod dumps;
mod sandbox;
mod server;

use serde_json::json;
use server::{CheckServer, DISKS, PARTITIONS, VOLUME, script};
use std::fs;
use tests::template;

#[test]
fn the_largest_file_system_that_it_knows_is_taken() {
    let place = CheckServer::new();
    let others = "/dev/nvme1n1p2 part 4294967296 ext4\n/dev/mapper/data lvm 99999999999 xfs\n/dev/nvme1n1p3 part 99999999999 swap";
    place.disks(DISKS, &format!("{others}\n/dev/nvme1n1p4 part 10737418240 ext4\n{PARTITIONS}"));
    assert_eq!(place.succeeds(), json!({"fileSystem": "ext4", "files": 123, "dump": null, "databases": null}));
    let mount = "mount --types ext4 --options ro,nodev,nosuid,noexec /dev/nvme1n1p4 FOLDER";
    assert_eq!(place.calls()[..3], [mount, "umount FOLDER", "e2fsck -f -n /dev/nvme1n1p4"]);
}

#[test]
fn a_volume_without_a_file_system_that_it_knows_proves_the_volume_alone() {
    let place = CheckServer::new();
    let beside =
        "/dev/nvme1n1 disk 8589934592\n/dev/nvme1n1p1 part 1073741824 xfs\n/dev/nvme1n1p2 part 7516192768 LVM2_member";
    place.disks(DISKS, beside);
    assert!(place.succeeds()["fileSystem"].is_null(), "the small one stands for nothing");
    place.disks(DISKS, "/dev/nvme1n1 disk 8589934592 LVM2_member\n/dev/mapper/data lvm 8589930496 xfs");
    let said = place.check();
    let lines: Vec<_> = said.stdout.lines().collect();
    assert!(said.good && lines[0].contains("LVM2_member"), "{lines:?}");
    assert_eq!(lines[1], r#"{"fileSystem":null,"files":null,"dump":null,"databases":null}"#);
    assert_eq!(place.calls(), [""; 0]);
}

#[test]
fn a_volume_that_does_not_come_fails_and_one_that_comes_late_does_not() {
    let place = CheckServer::new();
    place.disks(DISKS.lines().next().expect("a disk"), PARTITIONS);
    place.fails("no disk of this server has the volume's id");
    let list = fs::read_to_string(place.0.join("bin/lsblk")).expect("a program");
    place.disks(DISKS, PARTITIONS);
    fs::rename(place.0.join("bin/lsblk"), place.0.join("bin/lsblk-later")).expect("renamed");
    let seen = place.0.join("seen").display().to_string();
    place.program("lsblk", &format!("[[ -e {seen} ]] && exec lsblk-later \"$@\"\n: > {seen}\n{list}"));
    place.succeeds();
}

#[test]
fn a_file_system_that_cannot_be_mounted_or_is_damaged_fails() {
    let place = CheckServer::new();
    let umount = fs::read_to_string(place.0.join("bin/umount")).expect("a program");
    place.program("xfs_repair", "for n in {1..9999}; do echo \"inode $n would be cleared\"; done; exit 1");
    place.fails("its xfs file system on /dev/nvme1n1p1 is damaged: xfs_repair -n ended with 1");
    // SSM keeps the first 8,000 characters of the output of a command.
    assert!(place.check().stderr.len() < 8_000);
    place.program("mount", "echo 'mount: wrong fs type' >&2; exit 32");
    place.program("umount", &format!("{umount}\nexit 32"));
    place.fails("its xfs file system on /dev/nvme1n1p1 cannot be mounted: mount: wrong fs type");
}

#[test]
fn the_document_is_what_ssm_takes() {
    let properties = template::properties("CheckRestoredVolume");
    let (content, step) = (&properties["Content"], &properties["Content"]["mainSteps"][0]);
    assert_eq!(properties["DocumentType"].as_str(), Some("Command"));
    // Without this setting an update would replace the document. The policy of the role and the function refer to its name.
    assert_eq!(properties["UpdateMethod"].as_str(), Some("NewVersion"));
    assert_eq!(content["schemaVersion"].as_str(), Some("2.2"));
    assert_eq!(step["action"].as_str(), Some("aws:runShellScript"));
    assert_eq!(step["precondition"]["StringEquals"][0].as_str(), Some("platformType"));
    let script = script();
    // SSM inserts the parameter into the script without escaping. Root runs every value that the pattern allows.
    let pattern = content["parameters"]["VolumeId"]["allowedPattern"].as_str().expect("a pattern");
    assert!(pattern.starts_with('^') && pattern.ends_with('$'));
    let pattern = regex::Regex::new(pattern).expect("a pattern");
    assert!(pattern.is_match(VOLUME) && pattern.is_match("vol-01234567"));
    for other in ["vol-01234567'; reboot; '", "vol-0123456789abcdef0\n", "i-0123456789abcdef0", "xvol-01234567"] {
        assert!(!pattern.is_match(other), "{other:?}");
    }
    assert_eq!(script.matches("{{").count(), 1);
    assert!(script.contains("\nvolume='{{ VolumeId }}'\n") && script.starts_with("#!/usr/bin/env bash\n"));
    // A document may have 64 KB (Systems Manager endpoints and quotas).
    assert!(script.len() < 60_000 && script.is_ascii());
    // The timeout of the script comes before that of SSM, which kills it. Both come before that of the drill.
    let seconds: u64 = step["inputs"]["timeoutSeconds"].as_str().expect("text").parse().expect("seconds");
    assert!(script.contains(" timeout --kill-after=5m 110m ") && (115 * 60..3 * 3_600).contains(&seconds));
}
