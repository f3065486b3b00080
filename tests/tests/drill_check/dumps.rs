//! Loads the newest dump on a volume into a real PostgreSQL.

use crate::server::{CheckServer, DUMP, real};
use serde_json::json;
use std::{fs, os::unix::fs::symlink, process::Command};
use tests::server;

/// Creates a PostgreSQL with a database, a role and a membership, and dumps it like the servers of the environment.
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

#[test]
fn a_volume_is_mounted_read_only_checked_and_its_newest_dump_loaded() {
    let place = CheckServer::with_postgres();
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
fn a_directory_of_dumps_without_a_dump_fails() {
    let place = CheckServer::new();
    fs::write(place.dumps().join(format!(".{DUMP}.partial")), "half a dump").expect("a file");
    place.fails("its directory of database dumps holds no dump");
}

#[test]
fn a_dump_that_is_cut_off_or_damaged_fails_whether_postgresql_is_there_or_not() {
    let place = CheckServer::new();
    place.dump(DUMP, "SELECT 1;");
    let path = place.dumps().join(DUMP);
    let whole = fs::read(&path).expect("the dump");
    fs::write(&path, &whole[..whole.len() - 9]).expect("a dump");
    place.fails("damaged or cut off: gzip cannot read all of it");
    fs::write(&path, []).expect("a dump");
    place.fails("damaged or cut off: gzip cannot read all of it");
    place.dump(DUMP, "SELECT 1;");
    let cut = Command::new("bash").args(["-c", "echo 'SELECT 1;' | gzip > \"$1\"", "bash"]).arg(&path).status();
    assert!(cut.expect("bash").success());
    place.fails("is not complete");
}

#[test]
fn a_dump_is_not_loaded_where_there_is_no_postgresql() {
    let place = CheckServer::new();
    place.dump(DUMP, "SELECT 1;");
    let said = place.check();
    assert!(
        said.good && said.stdout.contains("was not loaded: PostgreSQL or systemd is not on this server"),
        "{}",
        said.stderr
    );
    let last = r#"{"fileSystem":"xfs","files":123,"dump":"2026-11-29T033000Z.sql.gz","databases":null}"#;
    assert_eq!(said.stdout.lines().last(), Some(last));
}

#[test]
fn a_dump_that_does_not_load_fails() {
    let place = CheckServer::with_postgres();
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
    let place = CheckServer::with_postgres();
    place.dump(DUMP, "SELECT 1;");
    place.program("df", "echo Avail; echo 255");
    place.fails("256 MiB are needed");
}

#[test]
fn a_link_that_leads_off_the_volume_is_not_followed_to_the_servers_own_dumps() {
    let place = CheckServer::new();
    place.dump(DUMP, "SELECT 1;");
    let own = place.0.join("own");
    fs::rename(place.0.join("volume/var"), &own).expect("moved");
    symlink(&own, place.0.join("volume/var")).expect("a link");
    assert_eq!(place.succeeds()["dump"], json!(null));
    fs::remove_file(place.0.join("volume/var")).expect("removed");
    symlink(own.join("lib/database-dumps").join(DUMP), place.dumps().join(DUMP)).expect("a link");
    place.fails("is not a file");
}
