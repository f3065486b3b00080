//! Compares the emails that the state machines compose with golden files, which are in the same folder as those of the functions.

use std::{env, fs};

use crate::root;

/// Compares an email with its golden file. Values that vary between runs are replaced with their names. `UPDATE=1 make test` writes the
/// file.
pub fn assert_golden(kind: &str, (subject, message): &(String, String), varying: &[(&str, &str)]) {
    let mut now = format!("Subject: {subject}\n\n{message}");
    for (name, value) in varying {
        assert!(now.contains(value), "{kind} says no {name}: {now}");
        now = now.replace(value, name);
    }
    let path = root().join("functions/report/tests/mails").join(kind).with_extension("txt");
    if env::var_os("UPDATE").is_some() {
        fs::write(&path, &now).expect("the file is written");
    }
    assert_eq!(fs::read_to_string(&path).unwrap_or_default(), now, "{kind}; UPDATE=1 make test writes it anew");
    assert!(subject.len() < 100 && subject.is_ascii(), "{subject}");
}
