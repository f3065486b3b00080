//! The commands of the documentation: every `sh` block of a page. Those that need no AWS run here; for the others see `aws_commands`.

use std::process::{Command, Output};

use crate::{cloud::Cloud, root, text, without_cargo};

/// What the fence of a block says after `sh`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Nothing: it runs here, on a local cloud.
    Here,
    /// `aws`: it is typed in an AWS account. It runs on a local cloud, as far as that knows its operations.
    Aws,
    /// `server`: it is typed on a server, as root. Its syntax is checked.
    Server,
}

/// A block of commands.
#[derive(Debug)]
pub struct Block {
    /// Where it can run.
    pub place: Place,
    /// The line of the page that it begins on.
    pub line: usize,
    /// The commands.
    pub commands: String,
    /// The exit code that `<!-- exit 1 -->` above the block promises.
    pub exit: i32,
}

/// The pages at the root and those of `docs/`.
pub fn pages() -> Vec<String> {
    let entries = std::fs::read_dir(root().join("docs")).expect("docs/");
    let names = entries.map(|entry| entry.expect("a file").file_name().to_string_lossy().into_owned());
    let mut pages: Vec<_> = names.filter(|name| name.ends_with(".md")).map(|name| format!("docs/{name}")).collect();
    pages.extend(["CHANGELOG.md", "CONTRIBUTING.md", "README.md", "SECURITY.md"].map(str::to_owned));
    pages.sort();
    pages
}

/// The blocks of a page, in order.
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

/// Builds what the pages' `make night` would build: several at once would pull the programs from under each other.
///
/// # Panics
/// It does not build.
pub fn build() {
    let output = shell("make --silent functions").output().expect("bash");
    assert!(output.status.success(), "make functions: {}", said(&output));
}

/// Runs the blocks of a page that can run here, one after the other in one shell, as a person would who has just cloned the project:
/// `target/local` is the directory of a local cloud that is not up yet. Commands that take an hour are only looked at by `make`.
///
/// # Panics
/// A command ended otherwise than the page says.
pub fn run(page: &str, blocks: &[Block], cloud: &Cloud) -> Output {
    let local = cloud.directory.display().to_string();
    // A sub-shell would not read the page's next lines.
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
    assert!(output.status.success(), "{page}, in the block after the last ##: {}\n{}", output.status, said(&output));
    output
}

/// A shell from which no command can reach AWS: without the variables of a local cloud there is nobody to answer.
pub fn shell(script: &str) -> Command {
    let mut command = Command::new("bash");
    command.args(["-c", script]).current_dir(root());
    for name in ["MAKEFLAGS", "MAKELEVEL", "AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL_EC2", "BACKUP_STACK"] {
        command.env_remove(name);
    }
    without_cargo(&mut command);
    // The reader's own AWS CLI.
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

pub(crate) fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}
