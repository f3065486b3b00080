//! How many calls AWS refused, being too busy: the SDK's own attempts among them, which no error shows.

use aws_sdk_ec2::{
    config::{ConfigBag, Intercept, RuntimeComponents, interceptors::AfterDeserializationInterceptorContextRef},
    error::BoxError,
};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::THROTTLED;

static CALLS: AtomicU64 = AtomicU64::new(0);

/// The calls since the last time that this was asked.
pub fn take() -> u64 {
    CALLS.swap(0, Ordering::Relaxed)
}

/// Counts them, as part of a client.
#[derive(Debug)]
pub struct Throttles;

impl Intercept for Throttles {
    fn name(&self) -> &'static str {
        "Throttles"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if context.output_or_error().is_err() && context.response().body().bytes().is_some_and(is_throttle) {
            CALLS.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }
}

/// EC2 and S3 say their code in XML, Step Functions in JSON; the text of a message says no code.
fn is_throttle(body: &[u8]) -> bool {
    let body = String::from_utf8_lossy(body);
    THROTTLED.iter().any(|code| body.contains(&format!("<Code>{code}<")) || body.contains(&format!("{code}\"")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_a_refusal_in_xml_and_in_json_and_nothing_else() {
        assert!(is_throttle(b"<Response><Errors><Error><Code>RequestLimitExceeded</Code></Error></Errors></Response>"));
        assert!(is_throttle(br#"{"__type":"com.amazonaws.swf.service#ThrottlingException","message":"slow"}"#));
        assert!(!is_throttle(b"<Response><Errors><Error><Code>InternalError</Code></Error></Errors></Response>"));
        assert!(!is_throttle(b""));
    }
}
