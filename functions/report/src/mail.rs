//! An email, and the parts that the emails of runs and drills share.

use domain::error::cut;
use serde::{Deserialize, Serialize};

/// Failures that an email describes, over all Regions. With names of 256 characters and reasons of 300, each of four bytes, it stays
/// below the 256 KiB of an SNS message and of a state's output.
pub const MOST_DESCRIBED: usize = 50;

/// An email, as SNS takes it (SNS API reference, Publish).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mail {
    /// One line of ASCII, under 100 characters.
    pub subject: String,
    pub message: String,
}

/// The first characters of a text, in ASCII.
pub(crate) fn ascii(text: &str, length: usize) -> String {
    let shown = |letter: char| if letter.is_ascii_graphic() || letter == ' ' { letter } else { '?' };
    cut(text, length).chars().take(length).map(shown).collect()
}

/// The console's page of an execution, by its ARN; the ARN itself in a partition whose console is not known.
pub fn console(execution: &str) -> String {
    let mut parts = execution.split(':').skip(1);
    let host = match parts.next() {
        Some("aws") => "console.aws.amazon.com",
        Some("aws-us-gov") => "console.amazonaws-us-gov.com",
        Some("aws-cn") => "console.amazonaws.cn",
        _ => return execution.to_owned(),
    };
    let region = parts.nth(1).unwrap_or_default();
    format!("https://{host}/states/home?region={region}#/v2/executions/details/{execution}")
}
