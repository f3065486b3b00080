//! The `sh` blocks of the documentation. This module runs the blocks that need no AWS account, `aws_commands` runs the others.

use std::process::{Command, Output};

use crate::{cloud::Cloud, root, text, without_cargo};

/// The word after `sh` in the fence of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// No word. The block runs on a local cloud.
    Here,
    /// `aws`. The reader types the block in an AWS account. The tests run it on a local cloud, except for operations that are not emulated.
    Aws,
    /// `server`. The reader types the block on a server, as root. The tests check its syntax.
    Server,
}

/// A block of commands.
#[derive(Debug)]
pub struct Block {
    pub place: Place,
    /// Line number of the block on its page.
    pub line: usize,
    pub commands: String,
    /// Expected exit code, from `<!-- exit 1 -->` above the block.
    pub exit: i32,
}

/// Returns the paths of the pages at the root and in `docs/`.
pub fn pages() -> Vec<String> {
    let entries = std::fs::read_dir(root().join("docs")).expect("docs/");
    let names = entries.map(|entry| entry.expect("a file").file_name().to_string_lossy().into_owned());
    let mut pages: Vec<_> = names.filter(|name| name.ends_with(".md")).map(|name| format!("docs/{name}")).collect();
    pages.extend(["CHANGELOG.md", "CONTRIBUTING.md", "README.md", "SECURITY.md"].map(str::to_owned));
    pages.sort();
    pages
}

/// Returns the blocks of a page, in order.
pub fn blocks(page: &str) -> Vec<Block> {
    let text = text(page);
    let mut lines = text.lines().enumerate();
    let (mut blocks, mut exit) = (Vec::new(), 0);
    while let Some((number, line)) = lines.next() {
        if let Some(code) = line.strip_prefix("<!-- exit ").and_then(|rest| rest.strip_suffix(" -->")) {
            exit = code.parse().unwrap_or_else(|_| panic!("{page}:{}: no exit code: {code}", number + 1));
        } else if let Some(fence) = line.trim_start().strip_prefix("```") {
            let body: Vec<_> = lines.by_ref().map(|(_, line)| line).take_while(|line| line.trim() != "```").collect();
            let place = match fence {
                "sh" => Some(Place::Here),
                "sh aws" => Some(Place::Aws),
                "sh server" => Some(Place::Server),
                _ if fence.starts_with("sh") => panic!("{page}:{}: what is a block of {fence:?}?", number + 1),
                _ => None,
            };
            let block = |place| Block { place, line: number + 1, commands: body.join("\n"), exit };
            blocks.extend(place.map(block));
            exit = 0;
        }
    }
    blocks
}

/// Builds what the `make night` of the pages would build. Without it, tests that run at the same time would replace each other's binaries.
///
/// # Panics
/// Panics if the build fails.
pub fn build() {
    let output = shell("make --silent functions").output().expect("bash");
    assert!(output.status.success(), "make functions: {}", output_text(&output));
}

/// Runs the blocks that need no AWS account, one after the other in one shell, like a reader who has just cloned the project. `target/local`
/// is the directory of a local cloud that is not up yet. Commands that take an hour only run as a dry run of `make`.
///
/// # Panics
/// Panics if a command does not end as the page says.
pub fn run(page: &str, blocks: &[Block], cloud: &Cloud) -> Output {
    let local = cloud.directory.display().to_string();
    // A sub-shell would not read the next lines of the page.
    let mut script = String::from(
        "set -euo pipefail\nmake() {\n  if [ \"$1\" = shell ]; then . target/local/env; PATH=$PWD/target/venv/bin:$PATH; return; fi\n  case \"$1\" in test|test-all|test-privileged|lint|bench|simulate|package) set -- --dry-run \"$@\" ;; esac\n",
    );
    script += "  command make --silent --no-print-directory \"$@\"\n}\n";
    script = script.replace("target/local", &local);
    for block in blocks.iter().filter(|block| block.place == Place::Here) {
        let commands = block.commands.replace("target/local", &local);
        script += &format!("echo '## {page}:{}' >&2\n", block.line);
        script += &match block.exit {
            0 => commands + "\n",
            code => format!(
                "ended=0\n(\n{commands}\n) || ended=$?\n[ $ended = {code} ] || {{ echo \"exit $ended\" >&2; exit 99; }}\n"
            ),
        };
    }
    let output = shell(&script).envs(cloud.env()).output().expect("bash");
    assert!(
        output.status.success(),
        "{page}, in the block after the last ##: {}\n{}",
        output.status,
        output_text(&output)
    );
    output
}

/// Returns a shell from which no command can reach AWS. Without the variables of a local cloud, every call fails.
pub fn shell(script: &str) -> Command {
    let mut command = Command::new("bash");
    command.args(["-c", script]).current_dir(root());
    for name in ["MAKEFLAGS", "MAKELEVEL", "AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL_EC2", "BACKUP_STACK"] {
        command.env_remove(name);
    }
    without_cargo(&mut command);
    // Stands for the AWS CLI that the reader has installed.
    let path = format!("{}:{}", root().join("target/venv/bin").display(), std::env::var("PATH").expect("PATH"));
    command.env("PATH", path).envs([
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:9"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_DEFAULT_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_CONFIG_FILE", "/dev/null"),
        ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
        ("AWS_PAGER", ""),
    ]);
    command
}

pub(crate) fn output_text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}
