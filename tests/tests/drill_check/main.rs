//! The check of a restored volume on a server, run out of its template: the volume, its mount and the checkers are played, the dump is
//! loaded into a real PostgreSQL.

mod place;

use place::{DISKS, DUMP, PARTITIONS, Place, VOLUME, real, said, script, signal};
use serde_json::json;
use std::{fs, os::unix::fs::symlink, os::unix::process::CommandExt, process::Command};
use tests::{server, template};

/// Makes a PostgreSQL with a database, a role and a membership, and dumps it as the environment's servers do.
const DUMP_OF_A_SHOP: &str = r#"
set -euo pipefail
initdb -D source -U postgres -A trust --no-sync
pg_ctl start -D source -w -l log -o "-c listen_addresses= -k $PWD/source"
sql() { psql -X -h "$PWD/source" -U postgres -v ON_ERROR_STOP=1 "$@"; }
sql -c 'CREATE ROLE clerks' -c "CREATE ROLE shop LOGIN PASSWORD 'for the test'" -c 'GRANT clerks TO shop'
sql -c 'CREATE DATABASE shop OWNER shop'
sql -d shop -c 'CREATE TABLE orders AS SELECT n, md5(n::text) FROM generate_series(1, 1000) n'
pg_dumpall -h "$PWD/source" -U postgres | gzip > "$1"
pg_ctl stop -D source -m immediate
"#;

const DUMPED: &str = "var/lib/database-dumps";

#[test]
fn a_volume_is_mounted_read_only_checked_and_its_newest_dump_loaded() {
    let place = Place::with_postgres();
    place.dump("2026-11-28T033000Z.sql.gz", "this is no SQL");
    let dump = place.dumps().join(DUMP);
    server::give_to_a_user(&place.0);
    let mut make = place.command(real("bash"));
    let made = server::as_a_user(make.args(["-c", DUMP_OF_A_SHOP, "bash"]).arg(dump)).output().expect("bash");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    fs::remove_dir_all(place.0.join("source")).expect("removed");

    assert_eq!(place.succeeds(), json!({"fileSystem": "xfs", "files": 123, "dump": DUMP, "databases": 2}));
    let mount = "mount --types xfs --options ro,nouuid,nodev,nosuid,noexec /dev/nvme1n1p1 FOLDER";
    let calls = [mount, "umount FOLDER", "xfs_repair -n /dev/nvme1n1p1", mount, "umount FOLDER"];
    assert_eq!(place.calls(), calls);
}

#[test]
fn the_largest_file_system_that_it_knows_is_taken() {
    let place = Place::new();
    let others = "/dev/nvme1n1p2 part 4294967296 ext4\n/dev/mapper/data lvm 99999999999 xfs\n/dev/nvme1n1p3 part 99999999999 swap";
    place.disks(DISKS, &format!("{others}\n/dev/nvme1n1p4 part 10737418240 ext4\n{PARTITIONS}"));
    assert_eq!(place.succeeds(), json!({"fileSystem": "ext4", "files": 123, "dump": null, "databases": null}));
    let mount = "mount --types ext4 --options ro,nodev,nosuid,noexec /dev/nvme1n1p4 FOLDER";
    assert_eq!(place.calls()[..3], [mount, "umount FOLDER", "e2fsck -f -n /dev/nvme1n1p4"]);
}

#[test]
fn a_volume_without_a_file_system_that_it_knows_proves_the_volume_alone() {
    let place = Place::new();
    place.disks(DISKS, "/dev/nvme1n1 disk 8589934592 LVM2_member\n/dev/mapper/data lvm 8589930496 xfs");
    let said = place.check();
    let lines: Vec<_> = said.stdout.lines().collect();
    assert!(said.good && lines[0].contains("LVM2_member"), "{lines:?}");
    assert_eq!(lines[1], r#"{"fileSystem":null,"files":null,"dump":null,"databases":null}"#);
    assert_eq!(place.calls(), [""; 0]);
}

#[test]
fn a_volume_that_does_not_come_fails_and_one_that_comes_late_does_not() {
    let place = Place::new();
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
    let place = Place::new();
    let umount = fs::read_to_string(place.0.join("bin/umount")).expect("a program");
    place.program("xfs_repair", "for n in {1..9999}; do echo \"inode $n would be cleared\"; done; exit 1");
    place.fails("its xfs file system on /dev/nvme1n1p1 is damaged: xfs_repair -n ended with 1");
    // SSM keeps the first 8,000 characters of what a command says.
    assert!(place.check().stderr.len() < 8_000);
    place.program("mount", "echo 'mount: wrong fs type' >&2; exit 32");
    place.program("umount", &format!("{umount}\nexit 32"));
    place.fails("its xfs file system on /dev/nvme1n1p1 cannot be mounted: mount: wrong fs type");
}

#[test]
fn a_directory_of_dumps_without_a_dump_fails() {
    let place = Place::new();
    fs::write(place.dumps().join(format!(".{DUMP}.partial")), "half a dump").expect("a file");
    place.fails("its directory of database dumps holds no dump");
}

#[test]
fn a_dump_that_is_cut_off_or_damaged_fails_whether_postgresql_is_there_or_not() {
    let place = Place::new();
    place.dump(DUMP, "SELECT 1;");
    let path = place.dumps().join(DUMP);
    let whole = fs::read(&path).expect("the dump");
    fs::write(&path, &whole[..whole.len() - 9]).expect("a dump");
    place.fails("damaged or cut off: gzip cannot read all of it");
    fs::write(&path, []).expect("a dump");
    place.fails("its newest dump, 2026-11-29T033000Z.sql.gz, is");
    place.dump(DUMP, "SELECT 1;");
    let cut = Command::new("bash").args(["-c", "echo 'SELECT 1;' | gzip > \"$1\"", "bash"]).arg(&path).status();
    assert!(cut.expect("bash").success());
    place.fails("is not complete");
}

#[test]
fn a_dump_is_not_loaded_where_there_is_no_postgresql() {
    let place = Place::new();
    place.dump(DUMP, "SELECT 1;");
    let said = place.check();
    assert!(said.good && said.stdout.contains("was not loaded: PostgreSQL is not on this server"), "{}", said.stderr);
    let last = r#"{"fileSystem":"xfs","files":123,"dump":"2026-11-29T033000Z.sql.gz","databases":null}"#;
    assert_eq!(said.stdout.lines().last(), Some(last));
}

#[test]
fn a_dump_that_does_not_load_fails() {
    let place = Place::with_postgres();
    for (sql, error) in [
        (
            "CREATE TABLE shop (n int); CREATE TABL orders (n int); SELECT 1;",
            "ERROR:  syntax error at or near \"TABL\"",
        ),
        ("CREATE ROLE postgres;\nCREATE ROLE shop;\nCREATE ROLE shop;", "ERROR:  role \"shop\" already exists"),
        ("\\connect shop", "FATAL:  database \"shop\" does not exist"),
    ] {
        place.dump(DUMP, sql);
        place.fails(error);
    }
    place.dump(DUMP, "CREATE ROLE postgres;\nCREATE DATABASE shop;\nCREATE DATABASE stock;");
    assert_eq!(place.succeeds()["databases"], 3);
}

#[test]
fn a_dump_that_is_larger_than_the_server_has_room_for_is_not_begun() {
    let place = Place::with_postgres();
    place.dump(DUMP, "SELECT 1;");
    place.program("df", "echo Avail; echo 255");
    place.fails("256 MiB are needed");
}

#[test]
fn a_link_that_leads_off_the_volume_is_not_followed_to_the_servers_own_dumps() {
    let place = Place::new();
    place.dump(DUMP, "SELECT 1;");
    let own = place.0.join("own");
    fs::rename(place.0.join("volume/var"), &own).expect("moved");
    symlink(&own, place.0.join("volume/var")).expect("a link");
    assert_eq!(place.succeeds()["dump"], json!(null));
    fs::remove_file(place.0.join("volume/var")).expect("removed");
    symlink(own.join("lib/database-dumps").join(DUMP), place.dumps().join(DUMP)).expect("a link");
    place.fails("is not a file");
}

#[test]
fn a_check_that_is_stopped_while_it_loads_leaves_nothing() {
    let place = Place::with_postgres();
    place.dump(DUMP, &format!("\\! : > {}\nSELECT pg_sleep(60);", place.0.join("loading").display()));
    let check = place.start();
    place.wait_for("loading");
    assert!(place.processes().iter().any(|line| line.contains("postgres -D")), "{:?}", place.processes());
    signal("-TERM", &check.id().to_string());
    let said = said(check.wait_with_output().expect("bash"));
    let last = said.stderr.lines().last().unwrap_or_default();
    assert!(!said.good && last.contains("the check was stopped"), "{}", said.stderr);
    place.is_tidy();
}

#[test]
fn what_a_check_that_was_killed_left_is_removed_by_the_next() {
    let place = Place::new();
    let begun = place.0.join("begun").display().to_string();
    place.program("xfs_repair", &format!(": > {begun}\nexec sleep 60"));
    let killed = place.start();
    place.wait_for("begun");
    signal("-KILL", &format!("-{}", killed.id()));
    killed.wait_with_output().expect("ended");
    assert_eq!(place::names(&place.0.join("temporary")).len(), 1);
    place.program("xfs_repair", "true");
    place.succeeds();
}

#[test]
fn a_second_check_of_a_volume_waits_for_the_first_and_leaves_what_is_its() {
    let place = Place::new();
    let calls = place.0.join("calls").display().to_string();
    place.program("xfs_repair", &format!("echo begins >> {calls}\n: > {calls}.begun\nsleep 1\necho ends >> {calls}"));
    let first = place.start();
    place.wait_for("calls.begun");
    assert!(said(place.start().wait_with_output().expect("bash")).good);
    assert!(said(first.wait_with_output().expect("bash")).good);
    let mut calls = place.calls();
    calls.retain(|call| call == "begins" || call == "ends");
    assert_eq!(calls, ["begins", "ends", "begins", "ends"]);
    place.is_tidy();
}

/// With real namespaces and a real mount, which take root and a machine that allows them.
#[test]
fn a_check_that_is_killed_takes_its_mount_and_its_postgresql_along() {
    let allowed = Command::new("unshare").args(["--mount", "--pid", "--ipc", "--fork", "true"]).status();
    if !server::is_root() || !allowed.is_ok_and(|status| status.success()) {
        return;
    }
    let place = Place::with_postgres();
    place.dump(DUMP, &format!("\\! : > {}\nSELECT pg_sleep(60);", place.0.join("loading").display()));
    server::give_to_a_user(&place.0);
    for name in ["unshare", "umount"] {
        place.program(name, &format!("exec {} \"$@\"", real(name)));
    }
    place.program("mount", &format!("exec {} --bind {}/volume \"${{*: -1}}\"", real("mount"), place.0.display()));
    let nobody = server::NOBODY;
    let set = format!("exec {} --reuid={nobody} --regid={nobody} --clear-groups \"$@\"", real("setpriv"));
    place.program("runuser", &format!("shift 3\n{set}"));
    let mut command = place.command(real("bash"));
    let killed = command.arg(place.0.join("check")).process_group(0).spawn().expect("bash");
    place.wait_for("loading");
    assert!(place.processes().iter().any(|line| line.contains("postgres -D")), "{:?}", place.processes());
    signal("-KILL", &format!("-{}", killed.id()));
    killed.wait_with_output().expect("ended");
    std::thread::sleep(std::time::Duration::from_millis(500));
    assert_eq!(place.processes(), [""; 0]);
    let mounts = fs::read_to_string("/proc/mounts").expect("the mounts");
    assert!(!mounts.contains(VOLUME) && place.0.join("volume").join(DUMPED).join(DUMP).exists());
}

#[test]
fn the_document_is_what_ssm_takes() {
    let properties = template::properties("CheckRestoredVolume");
    let (content, step) = (&properties["Content"], &properties["Content"]["mainSteps"][0]);
    assert_eq!(properties["DocumentType"].as_str(), Some("Command"));
    // An update without it would replace the document, which the role's policy and the function know by name.
    assert_eq!(properties["UpdateMethod"].as_str(), Some("NewVersion"));
    assert_eq!(content["schemaVersion"].as_str(), Some("2.2"));
    assert_eq!(step["action"].as_str(), Some("aws:runShellScript"));
    assert_eq!(step["precondition"]["StringEquals"][0].as_str(), Some("platformType"));
    let script = script();
    // SSM writes the parameter into the text as it is: whatever the pattern lets through is run by root.
    let pattern = content["parameters"]["VolumeId"]["allowedPattern"].as_str().expect("a pattern");
    assert!(pattern.starts_with('^') && pattern.ends_with('$'));
    let pattern = regex::Regex::new(pattern).expect("a pattern");
    assert!(pattern.is_match(VOLUME) && pattern.is_match("vol-01234567"));
    for other in ["vol-01234567'; reboot; '", "vol-0123456789abcdef0\n", "i-0123456789abcdef0", "xvol-01234567"] {
        assert!(!pattern.is_match(other), "{other:?}");
    }
    assert_eq!(script.matches("{{").count(), 1);
    assert!(script.contains("\nvolume='{{ VolumeId }}'\n") && script.starts_with("#!/usr/bin/env bash\n"));
    // A document has 64 KB (Systems Manager endpoints and quotas).
    assert!(script.len() < 60_000 && script.is_ascii());
    // The script's own timeout ends it before SSM kills it, and both before the drill gives up.
    let seconds: u64 = step["inputs"]["timeoutSeconds"].as_str().expect("text").parse().expect("seconds");
    assert!(script.contains(" timeout --kill-after=5m 110m ") && (115 * 60..3 * 3_600).contains(&seconds));
}
