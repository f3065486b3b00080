//! The ledger's `report.json`, read.

use anyhow::{Context, Result};

pub use ::report::night::{Region, Report};

/// Reads `report.json`.
///
/// # Errors
/// It is not a report of this version.
pub fn read(text: &str) -> Result<Report> {
    serde_json::from_str(text).context("the report is not one that this version writes")
}

/// JSON with line breaks and indents, its members in their order.
///
/// # Errors
/// The text is not JSON.
pub fn pretty(text: &str) -> Result<String> {
    let mut written = Vec::new();
    let mut serializer = serde_json::Serializer::pretty(&mut written);
    serde_transcode::transcode(&mut serde_json::Deserializer::from_str(text), &mut serializer)?;
    Ok(String::from_utf8(written)? + "\n")
}
