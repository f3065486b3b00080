//! A server to check a volume on: the script, the only programs that it has, and the volume's files.

use serde_json::Value;
use std::{
    fs,
    os::unix::{fs::symlink, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::atomic::{AtomicU32, Ordering},
};
use tests::{server, template, wait};

pub const VOLUME: &str = "vol-0123456789abcdef0";
pub const DUMP: &str = "2026-11-29T033000Z.sql.gz";
/// A disk with the partitions of an image of Amazon Linux 2023.
pub const DISKS: &str = "/dev/nvme0n1 vol0fedcba9876543210\n/dev/nvme1n1 vol0123456789abcdef0";
pub const PARTITIONS: &str = "/dev/nvme1n1 disk 8589934592\n/dev/nvme1n1p1 part 8577334784 xfs\n\
                              /dev/nvme1n1p127 part 1048576\n/dev/nvme1n1p128 part 10485760 vfat";

/// What the script takes of a server: Amazon Linux 2023 has all of it.
const PROGRAMS: [&str; 20] = [
    "awk", "bash", "cat", "cp", "cut", "find", "flock", "grep", "gzip", "ionice", "mktemp", "nice", "realpath", "rm",
    "rmdir", "sed", "sleep", "tail", "timeout", "wc",
];

static COUNT: AtomicU32 = AtomicU32::new(0);

/// A folder that is removed with what is in it.
pub struct CheckServer(pub PathBuf);

/// What a check said.
pub struct CheckResult {
    pub good: bool,
    pub stdout: String,
    pub stderr: String,
}

impl CheckServer {
    /// A server without PostgreSQL, that a volume with one xfs and no dump is attached to.
    pub fn new() -> Self {
        let name = format!("drill-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let place = Self(std::env::temp_dir().join(name));
        for folder in ["bin", "temporary", "locks", "volume/etc"] {
            fs::create_dir_all(place.0.join(folder)).expect("a folder");
        }
        let script = script().replace("{{ VolumeId }}", VOLUME);
        server::program(&place.0, "check", script.strip_prefix("#!/usr/bin/env bash\n").expect("bash"));
        for name in PROGRAMS {
            symlink(real(name), place.0.join("bin").join(name)).expect("a link");
        }
        place.program("unshare", "while [[ $1 == --* ]]; do shift; done\nexec \"$@\"");
        place.play_systemd();
        place.program("udevadm", "true");
        place.program("df", "case $* in *iused*) echo IUsed; echo 123;; *) echo Avail; echo 9999;; esac");
        place.disks(DISKS, PARTITIONS);
        let noting = format!("echo \"${{0##*/}} $*\" >> {}", place.0.join("calls").display());
        let volume = place.0.join("volume");
        place
            .program("mount", &format!("{noting}\n[[ -d ${{*: -1}} ]] && cp -a {}/. \"${{*: -1}}\"", volume.display()));
        place.program("umount", &format!("{noting}\nfind \"$1\" -mindepth 1 -delete"));
        place.program("xfs_repair", &noting);
        place.program("e2fsck", &noting);
        server::give_to_a_user(&place.0);
        place
    }

    /// A server with PostgreSQL.
    pub fn with_postgres() -> Self {
        let place = Self::new();
        server::install_postgres(&place.0);
        place
    }

    /// systemd-run and `systemctl stop`, as far as the script needs them: what runs has a folder of its own, and ends with all that it started.
    /// What it is kept from is tested with the real ones.
    fn play_systemd(&self) {
        let sandbox = self.0.join("temporary/sandbox").display().to_string();
        let stop = format!(
            "stop() {{\nfor one in $(grep -lz \"^TMPDIR={sandbox}$\" /proc/[0-9]*/environ 2> /dev/null | cut -d/ -f3); do\n\
             [[ $one == $$ ]] || kill -KILL $one 2> /dev/null\ndone\nrm -rf {sandbox}\n}}"
        );
        let run = format!(
            "{stop}\nfor one; do case $one in --setenv=*) export \"${{one#--setenv=}}\"; shift;; --*) shift;; *) break;; esac; done\n\
             trap 'status=$?; stop; exit $status' EXIT TERM\nmkdir -p {sandbox}\nTMPDIR={sandbox} setsid \"$@\" <&0 9>&- &\nwait $!"
        );
        self.program("systemd-run", &run);
        self.program("systemctl", &format!("{stop}\nstop"));
        for name in ["mkdir", "setsid"] {
            symlink(real(name), self.0.join("bin").join(name)).expect("a link");
        }
    }

    /// A program that stands before the real one.
    pub fn program(&self, name: &str, script: &str) {
        server::program(&self.0.join("bin"), name, script);
    }

    /// What lsblk says of the server's disks, and of the volume's partitions.
    pub fn disks(&self, disks: &str, partitions: &str) {
        self.program("lsblk", &format!("case $* in *SERIAL*) echo '{disks}';; *) echo '{partitions}';; esac"));
    }

    /// The volume's directory of dumps.
    pub fn dumps(&self) -> PathBuf {
        let folder = self.0.join("volume/var/lib/database-dumps");
        fs::create_dir_all(&folder).expect("a folder");
        folder
    }

    /// A dump on the volume that is whole and says this in SQL.
    pub fn dump(&self, name: &str, sql: &str) {
        let whole = format!("{sql}\n-- PostgreSQL database cluster dump complete\n");
        let path = self.dumps().join(name);
        fs::write(path.with_extension(""), whole).expect("a dump");
        let packed = Command::new("gzip").arg("--force").arg(path.with_extension("")).status().expect("gzip");
        assert!(packed.success());
    }

    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", format!("{}:{}", self.0.join("bin").display(), server::programs(&self.0).display()));
        command.env("CHECK_DIRECTORY", self.0.join("temporary")).env("CHECK_LOCKS", self.0.join("locks"));
        command.env("CHECK_WAIT", "2").current_dir(&self.0).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Starts a check as a group of processes, as SSM's agent does.
    pub fn start(&self) -> Child {
        let mut command = self.command(real("bash"));
        command.arg(self.0.join("check")).process_group(0);
        server::as_a_user(&mut command).spawn().expect("bash")
    }

    /// Runs a check, which may leave nothing behind.
    pub fn check(&self) -> CheckResult {
        let said = said(self.start().wait_with_output().expect("bash"));
        self.is_tidy();
        said
    }

    /// Runs a check that succeeds; its report.
    pub fn succeeds(&self) -> Value {
        let said = self.check();
        assert!(said.good, "{}", said.stderr);
        serde_json::from_str(said.stdout.lines().last().expect("a line")).expect("JSON in the last line")
    }

    /// Runs a check that fails, and says why in the last line.
    pub fn fails(&self, because: &str) {
        let said = self.check();
        let last = said.stderr.lines().last().unwrap_or_default();
        assert!(!said.good && last.starts_with(VOLUME) && last.contains(because), "{because}: {}", said.stderr);
    }

    /// No directory, no mount and no process is left.
    pub fn is_tidy(&self) {
        assert_eq!(names(&self.0.join("temporary")), [""; 0]);
        let calls = self.calls();
        let count = |name: &str| calls.iter().filter(|call| call.starts_with(name)).count();
        assert!(count("umount ") >= count("mount "), "{calls:?}");
        // One that has just been ended may still be listed for a moment.
        wait::until_blocking("no process is left", || self.processes().is_empty());
    }

    /// The processes that have the folder in their arguments or in their environment.
    pub fn processes(&self) -> Vec<String> {
        let folder = self.0.display().to_string();
        let ids = names(Path::new("/proc")).into_iter().filter(|name| name.parse::<u32>().is_ok());
        let text = |id: &str, file: &str| {
            let text = fs::read(format!("/proc/{id}/{file}")).unwrap_or_default();
            String::from_utf8_lossy(&text).replace('\0', " ")
        };
        let ids = ids.filter(|id| text(id, "cmdline").contains(&folder) || text(id, "environ").contains(&folder));
        ids.map(|id| text(&id, "cmdline")).collect()
    }

    /// Kills a check's whole group, as SSM's agent does. What it had systemd run goes on.
    pub fn kill(&self, mut check: Child) {
        signal("-KILL", &format!("-{}", check.id()));
        check.wait().expect("ended");
    }

    /// Kills it, and waits until all of it has ended.
    pub fn kill_whole(&self, check: Child) {
        self.kill(check);
        wait::until_blocking("all of the check has ended", || self.processes().is_empty());
    }

    /// The calls of mount, umount and the checkers, each a line.
    pub fn calls(&self) -> Vec<String> {
        let calls = fs::read_to_string(self.0.join("calls")).unwrap_or_default();
        let folder = regex::Regex::new(&format!(
            r"{}\.volume\.\w+",
            regex::escape(&format!("{}/temporary/check-restored-{VOLUME}", self.0.display()))
        ));
        let folder = folder.expect("a pattern");
        calls.lines().map(|line| folder.replace(line, "FOLDER").into_owned()).collect()
    }

    /// Waits until there is a file.
    pub fn wait_for(&self, name: &str) {
        wait::until_blocking(name, || self.0.join(name).exists());
    }
}

impl Drop for CheckServer {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The script as the document has it.
pub fn script() -> String {
    let step = &template::properties("CheckRestoredVolume")["Content"]["mainSteps"][0]["inputs"]["runCommand"];
    let [lines] = &step.as_sequence().expect("a list")[..] else { panic!("{step:?}") };
    lines.as_str().expect("text").to_owned()
}

/// Where a program is on this machine.
pub fn real(name: &str) -> String {
    let found = Command::new("bash").args(["-c", &format!("type -P {name}")]).output().expect("bash").stdout;
    let found = String::from_utf8(found).expect("a path").trim().to_owned();
    assert!(!found.is_empty(), "{name} is not on this machine");
    found
}

pub fn said(output: Output) -> CheckResult {
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    CheckResult { good: output.status.success(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// Sends a signal to a process, or with a hyphen to a group.
pub fn signal(name: &str, id: &str) {
    assert!(Command::new("kill").args([name, "--", id]).status().expect("kill").success());
}

/// What is in a folder, by name.
pub fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder");
    entries.map(|one| one.expect("an entry").file_name().into_string().expect("a name")).collect()
}
