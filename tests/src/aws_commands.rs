//! Runs the blocks of the documentation that are typed in an AWS account on a local cloud.

use crate::{
    cloud::Cloud,
    commands::{Block, Place, said, shell},
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
      case "$refusal" in *"not been implemented"*|*NotImplemented*|*InvalidAction*|*"Internal Server Error"*) ;; *) echo "$refusal" >&2; return 1 ;; esac
      command aws "$@" --generate-cli-skeleton output >/dev/null ;;
    # Version 1 of the AWS CLI ignores AWS_ENDPOINT_URL for SQS.
    *) case "$1" in sqs) set -- "$@" --endpoint-url "$AWS_ENDPOINT_URL" ;; esac; command aws "$@" ;;
  esac
}
"#;
