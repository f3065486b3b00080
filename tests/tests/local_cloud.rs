//! The additions to ministack. Each test also fails once ministack no longer needs the addition.

use std::process::Command;
use tests::root;

#[test]
fn each_addition_does_what_aws_does_and_is_still_needed() {
    let mut command = Command::new(root().join("target/venv/bin/python"));
    command.args(["-m", "unittest", "discover", "-s", "tests/local_cloud", "-p", "test_*.py"]).current_dir(root());
    let output = command.output().expect("python of target/venv");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("\nRan ") && !said.contains("Ran 0 tests"), "{said}");
}
