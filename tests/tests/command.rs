//! The command `nightly` without AWS: completions, the manual page, and closed streams.

use std::process::{Command, Output};
use tests::root;

fn nightly(shell: &str) -> Output {
    let mut command = Command::new("sh");
    command.args(["-c", shell]).env_clear().env("NIGHTLY", root().join("target/debug/nightly"));
    command.env("PATH", std::env::var_os("PATH").expect("PATH")).output().expect("sh")
}

#[test]
fn each_shell_has_completions_and_the_manual_has_each_command() {
    for shell in ["bash", "zsh", "fish"] {
        let output = nightly(&format!("\"$NIGHTLY\" completions {shell}"));
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && text.contains("coverage") && text.contains("max-age"), "{shell}: {text}");
    }
    let manual = nightly("\"$NIGHTLY\" man");
    let text = String::from_utf8_lossy(&manual.stdout);
    assert!(manual.status.success() && text.starts_with(".ie") && text.contains("restore"), "{text}");
}

#[test]
fn a_closed_stdout_or_stderr_is_no_panic() {
    for shell in ["\"$NIGHTLY\" completions bash >&-", "\"$NIGHTLY\" man | head -c 1", "\"$NIGHTLY\" status 2>&- >&-"] {
        let output = nightly(&format!("{shell}; echo \"exit $?\" >&2"));
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(
            !text.contains("panicked") && !text.contains("exit 101") && !text.contains("exit 134"),
            "{shell}: {text}"
        );
    }
}
