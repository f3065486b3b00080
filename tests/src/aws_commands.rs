//! Runs the `aws` blocks of the documentation on a local cloud.

use crate::{
    cloud::Cloud,
    commands::{Block, Place, output_text, shell},
};

/// EC2 operations that moto does not implement. Their options are checked instead.
const NOT_EMULATED: [&str; 5] = [
    "create-replace-root-volume-task",
    "describe-replace-root-volume-tasks",
    "enable-fast-snapshot-restores",
    "disable-fast-snapshot-restores",
    "lock-snapshot",
];

/// Runs the blocks of a page on the cloud. Each block has its own shell, because a reader may start at any section. The shell only has
/// the variables that the top of docs/operating.md sets. `examples` replaces the example IDs of the page with IDs of the cloud.
///
/// # Panics
/// Panics if a command fails, or if the cloud implements an operation of [`NOT_EMULATED`].
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
    // moto finds the template of a nested stack in its own S3 only by this host name, not by the address.
    command.env("MOTO", cloud.moto().replace("127.0.0.1", "localhost"));
    let output = command.output().expect("bash");
    assert!(
        output.status.success(),
        "{page}, in the block after the last ##: {}\n{}",
        output.status,
        output_text(&output)
    );
}

/// Here `make deploy` deploys the zips of the tests instead of a release. The environment is deployed to moto, the backup alone to ministack.
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
