//! The causes of many failures, for a person to read: failures with the same code are one cause.

use domain::{Reason, error::cut};
use std::fmt::Write;

use crate::advice::advice;

/// Subjects that are named under one cause.
const MOST_SUBJECTS: usize = 10;
/// Characters of a line.
const WIDTH: usize = 100;
/// Characters of one error's text.
const LONGEST_ERROR: usize = 300;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    pub reason: Reason,
    /// The steps and volumes that failed because of it.
    pub subjects: Vec<String>,
}

/// Groups failures by their causes, in the order of the first failure of each. Codes without advice are one cause only if their
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
    /// The cause as a paragraph: what it means, what failed because of it, the error, and what to do.
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

/// A named line, wrapped.
fn field(name: &str, text: &str) -> String {
    let (first, others) = (format!("  {name:<6} "), " ".repeat(9));
    let options = textwrap::Options::new(WIDTH).initial_indent(&first).subsequent_indent(&others);
    textwrap::fill(text, options.break_words(false)) + "\n"
}

/// The text as one line of at most so many characters.
pub fn one_line(text: &str, longest: usize) -> String {
    let is_break = |character: char| character.is_control() || ['\u{2028}', '\u{2029}'].contains(&character);
    let line: String = text.chars().map(|character| if is_break(character) { ' ' } else { character }).collect();
    cut(&line, longest)
}
