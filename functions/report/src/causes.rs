//! The causes of many failures, for a person to read. Failures with the same code have one cause.

use domain::{Reason, error::cut};
use std::fmt::Write;

use crate::advice::advice;

/// Maximum number of subjects listed under one cause.
const MOST_SUBJECTS: usize = 10;
/// Maximum number of characters of a line.
pub const WIDTH: usize = 100;
/// Maximum number of characters of one error's text.
const LONGEST_ERROR: usize = 300;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    pub reason: Reason,
    /// Steps and volumes that failed for this reason.
    pub subjects: Vec<String>,
}

/// Groups failures by cause, in the order of each cause's first failure. If a code has no advice, failures share a cause only if their
/// messages are equal.
pub fn causes(failures: impl IntoIterator<Item = (Reason, String)>) -> Vec<Cause> {
    let mut causes: Vec<Cause> = Vec::new();
    for (reason, subject) in failures {
        let is_known = advice(&reason.code).is_some();
        let is_same = |cause: &&mut Cause| cause.reason.code == reason.code && (is_known || cause.reason == reason);
        match causes.iter_mut().find(is_same) {
            Some(cause) => cause.subjects.push(subject),
            None => causes.push(Cause { reason, subjects: vec![subject] }),
        }
    }
    causes
}

impl Cause {
    /// Formats the cause as a paragraph: its meaning, the steps and volumes that failed, the error, and the fix.
    pub fn paragraph(&self) -> String {
        let (advice, error) = (advice(&self.reason.code), one_line(&self.reason.to_string(), LONGEST_ERROR));
        let mut text = advice.map_or_else(|| error.clone(), |advice| advice.means.to_owned()) + "\n";
        for subject in self.subjects.iter().take(MOST_SUBJECTS) {
            let _ = writeln!(text, "  - {subject}");
        }
        if self.subjects.len() > MOST_SUBJECTS {
            let _ = writeln!(text, "  - and {} more", self.subjects.len() - MOST_SUBJECTS);
        }
        if let Some(advice) = advice {
            if error != self.reason.code {
                text.push_str(&field("error", &error));
            }
            text.push_str(&field("fix", advice.remedy));
        }
        text
    }
}

/// Formats a line with a name, and wraps it.
fn field(name: &str, text: &str) -> String {
    let (first, others) = (format!("  {name:<6} "), " ".repeat(9));
    let options = textwrap::Options::new(WIDTH).initial_indent(&first).subsequent_indent(&others);
    textwrap::fill(text, options.break_words(false)) + "\n"
}

/// Returns the text as one line of at most `longest` characters.
pub fn one_line(text: &str, longest: usize) -> String {
    let is_break = |character: char| character.is_control() || ['\u{2028}', '\u{2029}'].contains(&character);
    let line: String = text.chars().map(|character| if is_break(character) { ' ' } else { character }).collect();
    cut(&line, longest)
}
