//! A fake server for checking a volume: the script, the programs on its path, and the files of the volume.

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
/// The server's own disk and the restored disk, whose partitions are those of an Amazon Linux 2023 image.
pub const DISKS: &str = "/dev/nvme0n1 vol0fedcba9876543210\n/dev/nvme1n1 vol0123456789abcdef0";
pub const PARTITIONS: &str = "/dev/nvme1n1 disk 8589934592\n/dev/nvme1n1p1 part 8577334784 xfs\n\
                              /dev/nvme1n1p127 part 1048576\n/dev/nvme1n1p128 part 10485760 vfat";

/// The programs that the script needs. Amazon Linux 2023 has them all.
const PROGRAMS: [&str; 20] = [
    "awk", "bash", "cat", "cp", "cut", "find", "flock", "grep", "gzip", "ionice", "mktemp", "nice", "realpath", "rm",
    "rmdir", "sed", "sleep", "tail", "timeout", "wc",
];

static COUNT: AtomicU32 = AtomicU32::new(0);

/// The folder of the server. It is removed when it is dropped.
pub struct CheckServer(pub PathBuf);

/// The result of a check.
pub struct CheckResult {
    pub good: bool,
    pub stdout: String,
    pub stderr: String,
}

impl CheckServer {
    /// Returns a server without PostgreSQL. Its volume has one xfs file system and no dump.
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

    /// Returns a server with PostgreSQL.
    pub fn with_postgres() -> Self {
        let place = Self::new();
        server::install_postgres(&place.0);
        place
    }

    /// Adds fakes of systemd-run and `systemctl stop`. A unit has its own folder and ends with all its processes. `sandbox.rs` tests the
    /// restrictions with the real systemd.
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

    /// Writes a fake program that shadows the real one.
    pub fn program(&self, name: &str, script: &str) {
        server::program(&self.0.join("bin"), name, script);
    }

    /// Sets the output of lsblk for the disks of the server and the partitions of the volume.
    pub fn disks(&self, disks: &str, partitions: &str) {
        self.program("lsblk", &format!("case $* in *SERIAL*) echo '{disks}';; *) echo '{partitions}';; esac"));
    }

    /// Returns the dump directory of the volume.
    pub fn dumps(&self) -> PathBuf {
        let folder = self.0.join("volume/var/lib/database-dumps");
        fs::create_dir_all(&folder).expect("a folder");
        folder
    }

    /// Writes a complete dump with this SQL to the volume.
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

    /// Starts a check as a process group, like the SSM Agent.
    pub fn start(&self) -> Child {
        let mut command = self.command(real("bash"));
        command.arg(self.0.join("check")).process_group(0);
        server::as_a_user(&mut command).spawn().expect("bash")
    }

    /// Runs a check, and asserts that it leaves nothing behind.
    pub fn check(&self) -> CheckResult {
        let said = check_result(self.start().wait_with_output().expect("bash"));
        self.is_tidy();
        said
    }

    /// Runs a check that succeeds. Returns its report.
    pub fn succeeds(&self) -> Value {
        let said = self.check();
        assert!(said.good, "{}", said.stderr);
        serde_json::from_str(said.stdout.lines().last().expect("a line")).expect("JSON in the last line")
    }

    /// Runs a check that fails with this reason in its last line.
    pub fn fails(&self, because: &str) {
        let said = self.check();
        let last = said.stderr.lines().last().unwrap_or_default();
        assert!(!said.good && last.starts_with(VOLUME) && last.contains(because), "{because}: {}", said.stderr);
    }

    /// Asserts that no directory, mount or process is left.
    pub fn is_tidy(&self) {
        assert_eq!(names(&self.0.join("temporary")), [""; 0]);
        let calls = self.calls();
        let count = |name: &str| calls.iter().filter(|call| call.starts_with(name)).count();
        assert!(count("umount ") >= count("mount "), "{calls:?}");
        // A process that has just ended may still be listed for a moment.
        wait::until_blocking("no process is left", || self.processes().is_empty());
    }

    /// Returns the processes that have the folder in their arguments or their environment.
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

    /// Kills the process group of a check, like the SSM Agent. Its systemd units keep running.
    pub fn kill(&self, mut check: Child) {
        signal("-KILL", &format!("-{}", check.id()));
        check.wait().expect("ended");
    }

    /// Kills the process group of a check and waits until every process has ended.
    pub fn kill_whole(&self, check: Child) {
        self.kill(check);
        wait::until_blocking("all of the check has ended", || self.processes().is_empty());
    }

    /// Returns the calls of mount, umount and the file system checkers, one line each.
    pub fn calls(&self) -> Vec<String> {
        let calls = fs::read_to_string(self.0.join("calls")).unwrap_or_default();
        let folder = regex::Regex::new(&format!(
            r"{}\.volume\.\w+",
            regex::escape(&format!("{}/temporary/check-restored-{VOLUME}", self.0.display()))
        ));
        let folder = folder.expect("a pattern");
        calls.lines().map(|line| folder.replace(line, "FOLDER").into_owned()).collect()
    }

    /// Waits until a file exists.
    pub fn wait_for(&self, name: &str) {
        wait::until_blocking(name, || self.0.join(name).exists());
    }
}

impl Drop for CheckServer {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Returns the script in the SSM document.
pub fn script() -> String {
    let step = &template::properties("CheckRestoredVolume")["Content"]["mainSteps"][0]["inputs"]["runCommand"];
    let [lines] = &step.as_sequence().expect("a list")[..] else { panic!("{step:?}") };
    lines.as_str().expect("text").to_owned()
}

/// Returns the path of a program on this machine.
pub fn real(name: &str) -> String {
    let found = Command::new("bash").args(["-c", &format!("type -P {name}")]).output().expect("bash").stdout;
    let found = String::from_utf8(found).expect("a path").trim().to_owned();
    assert!(!found.is_empty(), "{name} is not on this machine");
    found
}

pub fn check_result(output: Output) -> CheckResult {
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    CheckResult { good: output.status.success(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// Sends a signal to a process, or to a process group if the ID starts with a hyphen.
pub fn signal(name: &str, id: &str) {
    assert!(Command::new("kill").args([name, "--", id]).status().expect("kill").success());
}

/// Returns the names of the entries of a folder.
pub fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder");
    entries.map(|one| one.expect("an entry").file_name().into_string().expect("a name")).collect()
}
