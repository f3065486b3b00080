//! The template of the environment: user data, the database dump on a real PostgreSQL, and the metrics of the alarms.

use serde_json::Value as Json;
use serde_yaml_ng::Value;
use std::{
    fs,
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
    sync::atomic::{AtomicU32, Ordering},
};
use tests::{server, template, text, wait};

/// Returns the joined user data of a server, with the references to the stack left in.
fn user_data(server: &str) -> String {
    let template = template::read("environment.yaml");
    let Value::Tagged(encoded) = template["Resources"][server]["Properties"]["UserData"].clone() else {
        panic!("{server} has no !Base64")
    };
    encoded.value["Fn::Join"][1].as_sequence().expect("parts").iter().map(|part| written(&template, part)).collect()
}

fn written(template: &serde_yaml_ng::Mapping, part: &Value) -> String {
    let Value::Tagged(part) = part else { panic!("{part:?}") };
    match part.tag.to_string().as_str() {
        "!Sub" => part.value.as_str().expect("text").to_owned(),
        "!If" => written(template, &part.value[1]),
        "!FindInMap" => {
            let at = |index: usize| part.value[index].as_str().expect("a key");
            template["Mappings"][at(0)][at(1)][at(2)].as_str().expect("text").to_owned()
        }
        other => panic!("{other} in user data"),
    }
}

/// Returns a file that the user data of the database server writes.
fn file(path: &str) -> String {
    let script = user_data("DatabaseServer");
    let start = script.find(&format!("cat > {path} <<")).unwrap_or_else(|| panic!("nothing writes {path}"));
    let body = script[start..].split_once('\n').expect("a body").1;
    body.split_once("\nEND\n").expect("an end").0.to_owned() + "\n"
}

fn properties(resource: &str) -> Value {
    template::read("environment.yaml")["Resources"][resource]["Properties"].clone()
}

static COUNT: AtomicU32 = AtomicU32::new(0);

/// A directory with the dump script, a folder of fake programs that shadow the real ones, and a folder for the dumps.
struct DumpServer(PathBuf);

impl DumpServer {
    fn new() -> Self {
        let name = format!("nightly-dump-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let place = Self(std::env::temp_dir().join(name));
        for folder in ["bin", "dumps", "socket"] {
            fs::create_dir_all(place.0.join(folder)).expect("a folder");
        }
        fs::write(place.0.join("database-dump"), file("/usr/local/bin/database-dump")).expect("the script");
        server::give_to_a_user(&place.0);
        place
    }

    /// Writes a fake program that shadows the real one.
    fn program(&self, name: &str, script: &str) {
        server::program(&self.0.join("bin"), name, script);
    }

    fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        let path = std::env::var("PATH").unwrap_or_default();
        let binaries = [self.0.join("bin"), server::programs(&self.0)];
        let before = binaries.map(|path| path.display().to_string()).join(":");
        command.env("PATH", format!("{before}:{path}")).env("STATE_DIRECTORY", self.0.join("dumps"));
        command.env("PGHOST", self.0.join("socket")).env("PGUSER", "postgres").env("PGDATABASE", "postgres");
        command.env("RESERVE_KIB", "1024").current_dir(&self.0);
        server::as_a_user(&mut command);
        command
    }

    fn dump(&self) -> Output {
        self.command("bash").arg("database-dump").output().expect("bash")
    }

    fn dumps_well(&self) {
        let output = self.dump();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    fn dump_fails(&self, because: &str) {
        let output = self.dump();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && said.contains(because), "{said}");
    }

    /// Returns the names of the files, without the lock.
    fn files(&self) -> Vec<String> {
        let entries = fs::read_dir(self.0.join("dumps")).expect("dumps");
        let mut names: Vec<_> = entries.map(|one| one.expect("a file").file_name().into_string().unwrap()).collect();
        names.retain(|name| name != ".lock");
        names.sort();
        names
    }

    fn earlier(&self, names: &[&str]) {
        for name in names {
            fs::write(self.0.join("dumps").join(name), "an earlier dump").expect("a dump");
        }
    }
}

impl Drop for DumpServer {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

const WHOLE: &str = "echo 'SELECT 1;'; echo '-- PostgreSQL database cluster dump complete'";
const EARLIER: [&str; 3] = ["2026-12-29T033000Z.sql.gz", "2026-12-30T033000Z.sql.gz", "2026-12-31T033000Z.sql.gz"];

/// A PostgreSQL for one test, which only listens on its socket.
struct Database(DumpServer, Child);

impl Database {
    fn start() -> Self {
        let place = DumpServer::new();
        server::install_postgres(&place.0);
        let made =
            place.command("initdb").args(["-D", "data", "-U", "postgres", "-A", "trust"]).output().expect("initdb");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let socket = place.0.join("socket");
        let mut postgres = place.command("postgres");
        postgres.args(["-D", "data", "-c", "listen_addresses=", "-k"]).arg(socket);
        let child = postgres.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("postgres");
        let database = Self(place, child);
        wait::until_blocking("PostgreSQL answers", || {
            database.0.command("pg_isready").output().expect("pg_isready").status.success()
        });
        database
    }

    fn sql(&self, arguments: &[&str]) -> String {
        let output = self.0.command("psql").args(["-XAtq"]).args(arguments).output().expect("psql");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let _ = self.1.kill();
        let _ = self.1.wait();
    }
}

#[test]
fn a_restored_dump_has_the_data_of_every_database() {
    let database = Database::start();
    database.sql(&["-c", "CREATE ROLE shop LOGIN PASSWORD 'for the test'"]);
    database.sql(&["-c", "CREATE DATABASE shop OWNER shop"]);
    database.sql(&[
        "-d",
        "shop",
        "-c",
        "CREATE TABLE orders AS SELECT n, md5(n::text) AS code FROM generate_series(1, 1000) n",
    ]);
    let orders = ["-d", "shop", "-c", "SELECT count(*), md5(string_agg(code, '' ORDER BY n)) FROM orders"];
    let before = database.sql(&orders);
    database.0.dumps_well();
    let [name] = &database.0.files()[..] else { panic!("{:?}", database.0.files()) };
    let dump = database.0.0.join("dumps").join(name);
    assert_eq!(fs::metadata(&dump).expect("the dump").permissions().mode() & 0o777, 0o600);

    database.sql(&["-c", "DROP DATABASE shop"]);
    database.sql(&["-c", "DROP ROLE shop"]);
    let restore = format!("gzip -dc {} | psql -X -d postgres", dump.display());
    let restored = database.0.command("bash").args(["-c", &restore]).output().expect("psql");
    assert!(restored.status.success(), "{}", String::from_utf8_lossy(&restored.stderr));
    assert_eq!(database.sql(&orders), before);
    assert_eq!(database.sql(&["-c", "SELECT count(*) FROM pg_roles WHERE rolname = 'shop'"]), "1");
}

#[test]
fn a_database_that_is_down_fails_the_dump() {
    let mut database = Database::start();
    database.0.earlier(&EARLIER);
    database.1.kill().expect("killed");
    database.1.wait().expect("ended");
    database.0.dump_fails("pg_dumpall or gzip failed");
    assert_eq!(database.0.files(), EARLIER);
}

#[test]
fn the_newest_three_dumps_stay() {
    let place = DumpServer::new();
    place.program("pg_dumpall", WHOLE);
    place.earlier(&EARLIER);
    place.program("date", "echo 2027-01-01T033000Z");
    place.dumps_well();
    assert_eq!(place.files(), [EARLIER[1], EARLIER[2], "2027-01-01T033000Z.sql.gz"]);
}

#[test]
fn a_clock_that_was_set_back_keeps_the_new_dump() {
    let place = DumpServer::new();
    place.program("pg_dumpall", WHOLE);
    place.earlier(&EARLIER);
    place.program("date", "echo 2020-01-01T033000Z");
    place.dumps_well();
    assert_eq!(place.files(), ["2020-01-01T033000Z.sql.gz", EARLIER[1], EARLIER[2]]);
}

#[test]
fn a_dump_that_fails_midway_leaves_the_good_ones_and_nothing_else() {
    let place = DumpServer::new();
    place.earlier(&EARLIER);
    place.program("pg_dumpall", "echo 'CREATE TABLE half'; exit 1");
    place.dump_fails("pg_dumpall or gzip failed");
    assert_eq!(place.files(), EARLIER);
}

#[test]
fn an_empty_or_truncated_dump_fails() {
    let place = DumpServer::new();
    place.earlier(&EARLIER);
    for cut in ["true", "echo 'CREATE TABLE half'"] {
        place.program("pg_dumpall", cut);
        place.dump_fails("the dump is not complete");
        assert_eq!(place.files(), EARLIER);
    }
}

#[test]
fn a_dump_stops_before_it_fills_the_disk() {
    let place = DumpServer::new();
    place.earlier(&EARLIER);
    place.program("pg_dumpall", &format!("head -c 1000000 /dev/urandom; {WHOLE}"));
    for (free, because) in [("1000", "no room: 24 KiB are missing"), ("1088", "64 KiB were free for the dump")] {
        place.program("df", &format!("echo Avail; echo {free}"));
        place.dump_fails(because);
        assert_eq!(place.files(), EARLIER);
    }
}

#[test]
fn a_dump_that_is_killed_leaves_no_dump_and_the_next_one_tidies_up() {
    let place = DumpServer::new();
    place.program("pg_dumpall", "echo begun; exec sleep 600");
    let mut killed = place.command("bash").arg("database-dump").process_group(0).spawn().expect("bash");
    wait::until_blocking("the dump begins", || !place.files().is_empty());
    place.dump_fails("another dump is running");
    let group = format!("-{}", killed.id());
    assert!(Command::new("kill").args(["-KILL", "--", &group]).status().expect("kill").success());
    killed.wait().expect("ended");
    assert!(matches!(&place.files()[..], [left] if left.ends_with(".partial")), "{:?}", place.files());

    place.program("pg_dumpall", WHOLE);
    place.dumps_well();
    assert!(matches!(&place.files()[..], [one] if one.ends_with("Z.sql.gz")), "{:?}", place.files());
}

#[test]
fn user_data_fits_is_bash_and_holds_no_secret() {
    let secret = regex::Regex::new(r"(?i)password\s*[=']|PGPASS|secret|AKIA|_KEY=|token").expect("a pattern");
    for server in ["WebServer", "DatabaseServer"] {
        let data = user_data(server);
        // CloudFormation replaces the references with resource names. 2 KiB is enough for them.
        assert!(data.len() + 2_048 < 16_384 && data.is_ascii(), "{server}: {} bytes", data.len());
        let script = data.split_once("\n#!/bin/bash\n").expect("a script").1.trim_end().trim_end_matches("--//--");
        let checked = Command::new("bash").args(["-n", "-c", script]).output().expect("bash");
        assert!(checked.status.success(), "{server}: {}", String::from_utf8_lossy(&checked.stderr));
        assert!(!secret.is_match(&data.replace("--no-password", "")), "{server}: {:?}", secret.find(&data));
    }
}

#[test]
#[ignore = "needs systemd: make test-privileged"]
fn systemd_accepts_the_units() {
    let version = Command::new("systemd-analyze").arg("--version").output().expect("systemd-analyze; install systemd");
    assert!(version.status.success());
    let place = DumpServer::new();
    let program = regex::Regex::new("/usr/local/bin/[a-z-]+").expect("a pattern");
    for name in ["database-dump.service", "database-dump-failed.service", "database-dump.timer"] {
        let unit = file(&format!("/etc/systemd/system/{name}")).replace("$DUMP_SCHEDULE", "*-*-* 03:30:00");
        // The programs only exist on the server.
        let unit = program.replace_all(&unit, "/bin/true");
        fs::write(place.0.join(name), unit.as_ref()).expect("a unit");
        let mut verify = Command::new("systemd-analyze");
        let said = verify.arg("verify").arg(place.0.join(name)).output().expect("systemd-analyze").stderr;
        let said = String::from_utf8_lossy(&said).into_owned();
        assert!(!said.contains("database-dump"), "{said}");
    }
}

fn dimensions(alarm: &str) -> Vec<String> {
    let dimensions = properties(alarm)["Dimensions"].as_sequence().expect("Dimensions").clone();
    let mut names: Vec<_> = dimensions.iter().map(|one| one["Name"].as_str().expect("a name").to_owned()).collect();
    names.sort();
    names
}

#[test]
fn the_disk_alarms_read_the_metrics_of_the_agent() {
    for server in ["WebServer", "DatabaseServer"] {
        let script = user_data(server);
        let start = script.find("cat > /etc/nightly/agent.json <<END\n").expect("the agent's settings");
        let body = script[start..].split_once('\n').expect("a body").1.split_once("\nEND\n").expect("an end").0;
        let settings: Json = serde_json::from_str(&body.replace("\\$", "$")).expect("JSON");
        let (metrics, alarm) = (&settings["metrics"], server.replace("Server", "DiskAlarm"));
        let disk = &metrics["metrics_collected"]["disk"];
        assert_eq!(properties(&alarm)["Namespace"].as_str(), metrics["namespace"].as_str());
        assert_eq!(properties(&alarm)["MetricName"].as_str(), Some("disk_used_percent"));
        assert!(disk["measurement"].as_array().expect("a list").contains(&"used_percent".into()));
        // The agent adds the dimensions device, fstype and path to a disk metric (CloudWatch user guide, "Metrics collected by the agent").
        assert_eq!((&disk["drop_device"], &disk["resources"][0]), (&true.into(), &"/".into()));
        assert_eq!(metrics["append_dimensions"], serde_json::json!({"InstanceId": "${aws:InstanceId}"}));
        assert_eq!(dimensions(&alarm), ["InstanceId", "fstype", "path"]);
        assert_eq!(properties(&alarm)["TreatMissingData"].as_str(), Some("breaching"));
        let files = settings["logs"]["logs_collected"]["files"]["collect_list"].as_array().expect("a list");
        for log in files {
            let group = log["log_group_name"].as_str().expect("a name").trim_start_matches('$');
            assert!(script.contains(&format!("\n{group}=${{")), "{group} is not in the environment");
        }
    }
}

#[test]
fn the_dump_alarms_read_the_metrics_of_the_dump() {
    let script = file("/usr/local/bin/dump-metric");
    for (alarm, state) in [("DatabaseDumpMissingAlarm", "completed"), ("DatabaseDumpFailedAlarm", "failed")] {
        let place = DumpServer::new();
        place.program("aws", "printf '%s\\n' \"$@\"");
        fs::write(place.0.join("instance-id"), "i-0123456789abcdef0\n").expect("the id");
        let script = script.replace("/var/lib/cloud/data/instance-id", "instance-id");
        fs::write(place.0.join("dump-metric"), script).expect("the script");
        let mut told = place.command("bash");
        let told = told.args(["dump-metric", state]).env("AWS_REGION", "us-east-1").output().expect("bash");
        let said = String::from_utf8_lossy(&told.stdout).into_owned();
        let alarm = properties(alarm);
        let (namespace, metric) = (alarm["Namespace"].as_str().unwrap(), alarm["MetricName"].as_str().unwrap());
        assert!(said.contains(&format!("--namespace\n{namespace}\n")), "{said}");
        let written = format!(
            "\nMetricName={metric},Value=1,Unit=Count,Dimensions=[{{Name=InstanceId,Value=i-0123456789abcdef0}}]\n"
        );
        assert!(said.contains(&written), "{said}");
        assert_eq!(said.contains("FailedDumps,Value=0"), state == "completed", "{said}");
    }
    let unit = file("/etc/systemd/system/database-dump.service");
    assert!(unit.contains("OnFailure=database-dump-failed.service") && unit.contains("dump-metric completed"));
    assert!(file("/etc/systemd/system/database-dump-failed.service").contains("dump-metric failed"));
    let missing = properties("DatabaseDumpMissingAlarm");
    assert_eq!(missing["Period"].as_u64().unwrap() * missing["EvaluationPeriods"].as_u64().unwrap(), 26 * 3_600);
    assert_eq!(missing["TreatMissingData"].as_str(), Some("breaching"));
    assert_eq!(properties("DatabaseDumpFailedAlarm")["TreatMissingData"].as_str(), Some("ignore"));
}

#[test]
fn the_servers_may_write_to_the_namespaces_that_they_write_to() {
    let policy = properties("InstancePolicy")["PolicyDocument"]["Statement"][0].clone();
    let namespaces = policy["Condition"]["StringEquals"]["cloudwatch:namespace"].as_sequence().expect("a list").clone();
    let names: Vec<_> = namespaces.iter().filter_map(Value::as_str).collect();
    let template = template::read("environment.yaml");
    for alarm in template["Resources"].as_mapping().expect("Resources").values() {
        let name = alarm["Properties"]["Namespace"].as_str();
        assert!(name.is_none_or(|name| name == "AWS/EC2" || names.contains(&name)), "{name:?}");
    }
}

#[test]
fn every_alarm_reaches_the_topic_and_says_when_it_is_over() {
    let template = template::read("environment.yaml");
    let resources = template["Resources"].as_mapping().expect("Resources");
    let alarms = resources.iter().filter(|(_, one)| one["Type"].as_str() == Some("AWS::CloudWatch::Alarm"));
    let alarms: Vec<_> = alarms.collect();
    assert_eq!(alarms.len(), 6);
    for (name, alarm) in alarms {
        for actions in ["AlarmActions", "OKActions"] {
            assert!(template::is_ref(&alarm["Properties"][actions][0], "Topic"), "{name:?}");
        }
    }
}

#[test]
fn the_database_admits_only_the_public_subnet() {
    let subnet = properties("PublicSubnet")["CidrBlock"].as_str().expect("a range").to_owned();
    assert!(user_data("DatabaseServer").contains(&format!("\nPUBLIC_SUBNET={subnet}\n")));
}

#[test]
fn each_of_the_tutorials_resources_has_its_row_and_each_name_in_a_row_is_ours() {
    let page = text("docs/environment.md");
    let table =
        page.split_once("<!-- tutorial -->\n").expect("the table").1.split_once("<!-- end -->").expect("its end").0;
    let rows: Vec<_> = table.lines().filter(|line| line.starts_with("| `Tutorial")).collect();
    assert_eq!(rows.len(), 38);
    let ours = [template::read("environment.yaml")["Resources"].clone(), template::resources().into()];
    for row in rows {
        let cells: Vec<_> = row.split('|').map(str::trim).collect();
        for name in cells[2].split(", ").filter_map(|name| name.strip_prefix('`')?.strip_suffix('`')) {
            assert!(ours.iter().any(|resources| !resources[name].is_null()), "{name} is in no template");
        }
        assert!(!cells[2].is_empty() && cells.len() == 5, "{row}");
    }
}
