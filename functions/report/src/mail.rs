//! Emails, and the parts that the emails of runs and drills share.

use domain::error::cut;
use serde::{Deserialize, Serialize};

/// Maximum number of failures that an email describes, over all Regions. With names of 256 characters and reasons of 300, each of four
/// bytes, the email stays below the 256 KiB limit of an SNS message and of a state's output.
pub const MOST_DESCRIBED: usize = 50;

/// An email, in the form that SNS accepts (SNS API reference, Publish).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Mail {
    /// One line of ASCII, under 100 characters.
    pub subject: String,
    pub message: String,
}

/// Returns the first `length` characters of a text, with a `?` for each character that is not printable ASCII.
pub(crate) fn ascii(text: &str, length: usize) -> String {
    let shown = |letter: char| if letter.is_ascii_graphic() || letter == ' ' { letter } else { '?' };
    cut(text, length).chars().take(length).map(shown).collect()
}

/// Returns the URL of an execution's page in the console. Returns the ARN itself if the console of its partition is not known.
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
