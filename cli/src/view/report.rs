//! The ledger's `report.json`.

use anyhow::Result;

pub use ::report::night::{Named, Region, Report};

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
