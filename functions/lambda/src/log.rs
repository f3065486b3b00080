//! The log: one JSON object a line, each with what it is about: the execution, the Night, the Region, the volume or snapshot.

use lambda_runtime::{
    LambdaInvocation,
    tower::{Layer, Service},
};
use serde_json::Value;
use std::task::{Context, Poll};
use tracing::{
    Instrument, Span,
    field::{Empty, display},
    instrument::Instrumented,
};

/// Sets up the log.
pub fn init() {
    let format = tracing_subscriber::fmt().json().flatten_event(true).with_span_list(false);
    format.with_target(false).without_time().init();
}

/// Says which Night it is about, where the function itself works that out.
pub fn night(night: domain::Night) {
    Span::current().record("night", display(night));
}

/// Encloses each invocation, and what the runtime itself says of it, in a span that says what it is about.
pub struct About;

impl<S> Layer<S> for About {
    type Service = Invocation<S>;

    fn layer(&self, inner: S) -> Invocation<S> {
        Invocation(inner)
    }
}

/// A service in such a span.
pub struct Invocation<S>(S);

impl<S: Service<LambdaInvocation>> Service<LambdaInvocation> for Invocation<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = Instrumented<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, invocation: LambdaInvocation) -> Self::Future {
        let input = serde_json::from_slice(&invocation.body).unwrap_or_default();
        let span = about(&invocation.context.request_id, &input);
        let future = span.in_scope(|| self.0.call(invocation));
        future.instrument(span)
    }
}

fn about(request: &str, input: &Value) -> Span {
    let span = tracing::info_span!(
        "invocation",
        requestId = request,
        execution = Empty,
        night = Empty,
        region = Empty,
        volume = Empty,
        snapshot = Empty
    );
    for (field, value) in subjects(input) {
        span.record(field, value);
    }
    span
}

/// What a function's input says that it is about.
pub fn subjects(input: &Value) -> impl Iterator<Item = (&'static str, &str)> {
    let places = [
        ("execution", &["/execution/Name", "/execution"][..]),
        ("night", &["/night", "/item/point/night"]),
        ("region", &["/region"]),
        ("volume", &["/volume/volumeId", "/snapshot/volumeId", "/item/point/volumeId", "/item/leftover/volumeId"]),
        ("snapshot", &["/snapshotId", "/snapshot/snapshotId", "/item/point/snapshotId"]),
    ];
    places
        .into_iter()
        .filter_map(|(field, places)| Some((field, places.iter().find_map(|place| input.pointer(place)?.as_str())?)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::{
        io::{self, Write},
        sync::{Arc, Mutex},
    };

    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn every_line_says_what_it_is_about() {
        let log = Log::default();
        let writer = log.clone();
        let format = tracing_subscriber::fmt().json().flatten_event(true).with_span_list(false).without_time();
        tracing::subscriber::with_default(format.with_writer(move || writer.clone()).finish(), || {
            let input = json!({"execution": "run", "night": "2026-05-20", "region": "eu-west-1", "volume": {"volumeId": "vol-1"}});
            about("1", &input).in_scope(|| tracing::info!("done"));
            about("2", &json!({"execution": {"Name": "run"}})).in_scope(|| {
                night("2026-05-20".parse().unwrap());
                tracing::error!("died");
            });
            about("3", &json!({"execution": "run", "snapshot": {"snapshotId": "snap-1", "volumeId": "vol-1"}}))
                .in_scope(|| tracing::info!("done"));
        });
        let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
        let spans: Vec<Value> =
            text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["span"].clone()).collect();
        assert_eq!((&spans[0]["execution"], &spans[0]["volume"]), (&json!("run"), &json!("vol-1")));
        assert_eq!((&spans[1]["execution"], &spans[1]["night"]), (&json!("run"), &json!("2026-05-20")));
        assert_eq!((&spans[2]["snapshot"], &spans[2]["volume"]), (&json!("snap-1"), &json!("vol-1")));
    }
}
