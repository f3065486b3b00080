//! What went wrong, by its cause: each once, with all that came of it, what it means and what to do.

use std::fmt::Write;

use crate::{advice::Said, mail::one_line};

/// Volumes, or what else there is, that an email names under one reason.
const MOST_OF_A_REASON: usize = 10;
/// Characters of a line, where a text can be broken.
const WIDTH: usize = 100;
/// Characters of one error's text that an email holds at most.
const LONGEST_REASON: usize = 300;

/// What came of one cause.
struct Reason {
    said: Said,
    /// What it came to, a line each.
    told: Vec<String>,
}

/// The causes in the order in which they came, in words. Each item is what was said, and of what.
pub(crate) fn in_words(told: impl Iterator<Item = (Said, String)>) -> String {
    let mut reasons: Vec<Reason> = Vec::new();
    for (said, of) in told {
        let is_same = |reason: &&mut Reason| match said.code {
            Some(_) => reason.said.code == said.code,
            None => reason.said.text == said.text,
        };
        match reasons.iter_mut().find(is_same) {
            Some(reason) => reason.told.push(of),
            None => reasons.push(Reason { said, told: vec![of] }),
        }
    }
    reasons.iter().map(|reason| format!("\n{}", reason.in_words())).collect()
}

impl Reason {
    fn in_words(&self) -> String {
        let (advice, words) = (self.said.advice(), one_line(&self.said.text, LONGEST_REASON));
        let mut text = advice.map_or_else(|| words.clone(), |advice| advice.means.to_owned()) + "\n";
        for of in self.told.iter().take(MOST_OF_A_REASON) {
            let _ = writeln!(text, "  - {of}");
        }
        if self.told.len() > MOST_OF_A_REASON {
            let _ = writeln!(text, "  - and {} more", self.told.len() - MOST_OF_A_REASON);
        }
        if let Some(advice) = advice {
            if self.said.code != Some(self.said.text.as_str()) {
                text.push_str(&wrapped("error", &words));
            }
            text.push_str(&wrapped("do", advice.remedy));
        }
        text
    }
}

/// A named line of a reason, its text in lines of [`WIDTH`] characters.
fn wrapped(name: &str, text: &str) -> String {
    let mut lines = vec![format!("  {name:<6}")];
    for word in text.split(' ') {
        let line = lines.last_mut().expect("never empty");
        if line.chars().count() + 1 + word.chars().count() > WIDTH {
            lines.push(format!("         {word}"));
        } else {
            line.push(' ');
            line.push_str(word);
        }
    }
    lines.join("\n") + "\n"
}
