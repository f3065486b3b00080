//! The blocks of the documentation that are typed in an AWS account. [`check`] checks the options of each command, and [`run`] runs
//! the blocks on a local cloud.

use std::{
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    cloud::Cloud,
    commands::{Block, Place, said, shell},
    root,
};

/// The operations of EC2 that moto does not know. Their options are checked instead.
const NOT_EMULATED: [&str; 5] = [
    "create-replace-root-volume-task",
    "describe-replace-root-volume-tasks",
    "enable-fast-snapshot-restores",
    "disable-fast-snapshot-restores",
    "lock-snapshot",
];

/// Runs the blocks of a page in the cloud's account, each in a shell of its own, because a reader comes to one section alone.
/// The shell has only the variables that the head of docs/operating.md sets. `examples` replaces the ids that stand for the reader's own.
///
/// # Panics
/// A command fails, or the cloud knows an operation of [`NOT_EMULATED`] by now.
pub fn run(page: &str, blocks: &[Block], cloud: &Cloud, examples: &[(&str, String)]) {
    let env = cloud.directory.join("env");
    let mut script = format!(
        "set -euo pipefail\n. {}\nunset TOPIC_ARN LEDGER_BUCKET STATE_MACHINE_ARN DRILL_STATE_MACHINE_ARN\n{RUN}",
        env.display()
    );
    for block in blocks.iter().filter(|block| block.place == Place::Aws) {
        let commands = examples.iter().fold(block.commands.clone(), |text, (name, real)| text.replace(name, real));
        script += &format!("echo '## {page}:{}' >&2\n(\n{commands}\n)\n", block.line);
    }
    let mut command = shell(&script);
    command.env("NOT_EMULATED", NOT_EMULATED.join(" ")).env("TREE", cloud.directory.join("tree"));
    // By this name, and not by its address, moto finds a nested stack's template in its own S3.
    command.env("MOTO", cloud.moto().replace("127.0.0.1", "localhost"));
    let output = command.output().expect("bash");
    assert!(output.status.success(), "{page}, in the block after the last ##: {}\n{}", output.status, said(&output));
}

/// `make deploy` deploys the zips of the tests instead of a release. The environment goes to moto, the backup alone to ministack.
const RUN: &str = r#"
make() {
  local endpoint=$MOTO
  case "$*" in *TEMPLATE=backup*) endpoint=$AWS_ENDPOINT_URL ;; esac
  AWS_ENDPOINT_URL=$endpoint command make --silent --assume-old=binaries "$@" MAKE=true FILES="$TREE" FLAGS=--allow-endpoint YES=1
}
aws() {
  case " $NOT_EMULATED " in
    *" ${2:-} "*)
      if refusal=$(command aws "$@" 2>&1); then
        echo "the local cloud knows $2 now: take it out of NOT_EMULATED" >&2
        return 1
      fi
      case "$refusal" in *"not been implemented"*|*NotImplemented*|*InvalidAction*) ;; *) echo "$refusal" >&2; return 1 ;; esac
      command aws "$@" --generate-cli-skeleton output >/dev/null ;;
    *) command aws "$@" ;;
  esac
}
"#;

/// Checks the options of the commands in a page's blocks. The shell passes each command of `make`, `aws` and `nightly` to a stand-in:
/// make's dry run, or the AWS CLI's own check of its arguments. Returns the arguments of each `nightly`.
///
/// # Panics
/// A block is not the shell's language, or a stand-in refused a command.
pub fn check(page: &str, blocks: &[Block]) -> Vec<Vec<String>> {
    let asked = root().join("target/tests/documentation").join(page.replace('/', "-"));
    let _ = std::fs::remove_file(&asked);
    let mut script = String::from("set -euo pipefail\n");
    for block in blocks.iter().filter(|block| block.place != Place::Here) {
        let syntax = Command::new("bash").args(["-n", "-c", &block.commands]).output().expect("bash");
        assert!(syntax.status.success(), "{page}:{}: {}", block.line, said(&syntax));
        if block.place == Place::Aws {
            script += &format!("echo '## {page}:{}' >&2\n{}\n", block.line, block.commands);
        }
    }
    let path = format!("{}:{}", stand_ins().display(), std::env::var("PATH").expect("PATH"));
    let output = shell(&script).env("PATH", path).env("ASKED", &asked).output().expect("bash");
    assert!(output.status.success(), "{page}, in the block after the last ##: {}\n{}", output.status, said(&output));
    let asked = std::fs::read_to_string(asked).unwrap_or_default();
    asked.lines().map(|line| line.split('\t').map(str::to_owned).collect()).collect()
}

const MAKE: &str = r#"
refuse() { echo "make: $1" >&2; exit 2; }
parameters() {
  for word in $1; do
    case "$word" in *=*) grep -q "^  ${word%%=*}:" infra/template.yaml infra/backup.yaml || refuse "no parameter ${word%%=*}" ;; esac
  done
}
for word in "$@"; do
  case "$word" in
    PARAMETERS=*) parameters "${word#PARAMETERS=}" ;;
  esac
  case "$word" in
    *=*) grep -rqE "environ(\.get\(|\[)\"${word%%=*}\"|\\$\(?\{?${word%%=*}\b" Makefile infra || refuse "nothing reads ${word%%=*}" ;;
  esac
done
"$REAL_MAKE" --dry-run "$@" >/dev/null
"#;

/// An answer that holds bytes the CLI makes up, and then refuses itself.
const AWS: &str = r#"
"$REAL_AWS" "$@" --generate-cli-skeleton output 2>"$ASKED.said" || grep -q BinaryValue "$ASKED.said" || { cat "$ASKED.said" >&2; exit 1; }
"#;

const NIGHTLY: &str = r#"(IFS=$'\t'; echo "$*" >>"$ASKED")"#;

/// A folder of programs that only check what they are asked for.
fn stand_ins() -> PathBuf {
    let folder = root().join("target/tests/documentation/bin");
    std::fs::create_dir_all(&folder).expect("a folder");
    let real = format!(
        "REAL_MAKE=$(PATH=${{PATH#*:}} command -v make)\nREAL_AWS={}\n",
        root().join("target/venv/bin/aws").display()
    );
    for (name, script) in [("make", MAKE), ("aws", AWS), ("nightly", NIGHTLY)] {
        let path: &Path = &folder.join(name);
        std::fs::write(path, format!("#!/usr/bin/env bash\nset -eu\n{real}{script}\n")).expect("a script");
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).expect("made executable");
    }
    folder
}
