//! The log, with one JSON object per line. Each line names its execution, Night, Region, and volume or snapshot.

use serde_json::Value;
use std::io;
use tracing::{
    Span, Subscriber,
    field::{Empty, display},
};
use tracing_subscriber::fmt::MakeWriter;

/// Sets up the log. Further calls have no effect.
pub fn init() {
    let _ = tracing::subscriber::set_global_default(subscriber(io::stdout));
}

/// Creates a subscriber that adds the enclosing spans to each line: the one of lambda_runtime with the request id, and ours.
fn subscriber<W: for<'a> MakeWriter<'a> + Send + Sync + 'static>(writer: W) -> impl Subscriber + Send + Sync {
    let format = tracing_subscriber::fmt().json().flatten_event(true).with_current_span(false);
    format.with_target(false).without_time().with_writer(writer).finish()
}

/// Adds the Night to the current span, for a function that calculates the Night from its input.
pub fn night(night: domain::Night) {
    Span::current().record("night", display(night));
}

/// Creates a span that names the subject of an invocation.
pub fn about(input: &Value) -> Span {
    let span = tracing::info_span!(
        "invocation",
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

/// Returns the subject of an invocation, from its input.
fn subjects(input: &Value) -> impl Iterator<Item = (&'static str, &str)> {
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
        tracing::subscriber::with_default(subscriber(move || writer.clone()), || {
            let input = json!({"execution": "run", "night": "2026-05-20", "region": "eu-west-1", "volume": {"volumeId": "vol-1"}});
            about(&input).in_scope(|| tracing::info!("done"));
            about(&json!({"execution": {"Name": "run"}})).in_scope(|| {
                night("2026-05-20".parse().unwrap());
                tracing::error!("died");
            });
            about(&json!({"execution": "run", "snapshot": {"snapshotId": "snap-1", "volumeId": "vol-1"}}))
                .in_scope(|| tracing::info!("done"));
        });
        let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
        let spans: Vec<Value> =
            text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["spans"][0].clone()).collect();
        assert_eq!((&spans[0]["execution"], &spans[0]["volume"]), (&json!("run"), &json!("vol-1")));
        assert_eq!((&spans[1]["execution"], &spans[1]["night"]), (&json!("run"), &json!("2026-05-20")));
        assert_eq!((&spans[2]["snapshot"], &spans[2]["volume"]), (&json!("snap-1"), &json!("vol-1")));
    }
}
