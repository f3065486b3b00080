//! The control endpoint: rules, faults, states, calls and the clock over HTTP, in JSON.

use hyper::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::time::Duration;

use crate::{
    Record,
    json::read,
    matching::FaultRule,
    milliseconds,
    rules::Rules,
    server::Server,
    states::{SnapshotState, VolumeState},
};

/// The path of the control endpoint. EC2 calls have the path `/`.
pub const PATH: &str = "/_strict-ec2/";

/// The resources of the control endpoint with their methods.
const ROUTES: [(&str, &str); 6] = [
    ("rules", "GET, PUT"),
    ("faults", "GET, POST, DELETE"),
    ("calls", "GET, DELETE"),
    ("snapshots", "PUT"),
    ("volumes", "PUT"),
    ("clock", "POST"),
];

/// A status and a document; null is an empty body.
type Reply = (u16, Value);

/// Settings of one snapshot.
#[derive(Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
struct SnapshotSettings {
    state: Option<SnapshotState>,
    ami: Option<String>,
    locked: bool,
}

/// Settings of one volume.
#[derive(Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
struct VolumeSettings {
    state: Option<VolumeState>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClockChange {
    #[serde(rename = "advance_ms", with = "milliseconds")]
    advance: Duration,
}

/// Answers a request. Nothing changes if the answer is an error.
pub fn respond(server: &Server, method: &Method, path: &str, body: &[u8]) -> (u16, String) {
    let (status, document) = route(server, method, path, body)
        .unwrap_or_else(|reason| (400, json!({ "error": format!("{method} {PATH}{path} was refused. {reason}") })));
    (status, if document.is_null() { String::new() } else { document.to_string() })
}

fn route(server: &Server, method: &Method, path: &str, body: &[u8]) -> Result<Reply, String> {
    let segments: Vec<&str> = path.split('/').collect();
    match (method.as_str(), segments.as_slice()) {
        ("GET", ["rules"]) => Ok((200, json!(server.state().rules))),
        ("PUT", ["rules"]) => put_rules(server, body),
        ("GET", ["faults"]) => Ok((200, json!(server.state().faults))),
        ("POST", ["faults"]) => add_fault(server, body),
        ("DELETE", ["faults"]) => {
            server.state().faults.clear();
            Ok((204, Value::Null))
        }
        ("GET", ["calls"]) => Ok((200, list_calls(server))),
        ("DELETE", ["calls"]) => {
            server.state().records.clear();
            Ok((204, Value::Null))
        }
        ("PUT", ["snapshots", id]) => put_snapshot(server, id, body),
        ("PUT", ["volumes", id]) => put_volume(server, id, body),
        ("POST", ["clock"]) => advance_clock(server, body),
        _ => Ok(unknown_route(method, path, &segments)),
    }
}

fn put_rules(server: &Server, body: &[u8]) -> Result<Reply, String> {
    let rules = read_rules(body)?;
    let document = json!(rules);
    server.state().rules = rules;
    Ok((200, document))
}

/// Reads rules in JSON. An error is one line with the field and its value.
pub fn read_rules(document: &[u8]) -> Result<Rules, String> {
    let rules: Rules = read(document)?;
    rules.check()?;
    Ok(rules)
}

fn add_fault(server: &Server, body: &[u8]) -> Result<Reply, String> {
    let rule: FaultRule = read(body)?;
    rule.check()?;
    let document = json!(rule);
    server.state().faults.push(rule.activate());
    Ok((201, document))
}

fn list_calls(server: &Server) -> Value {
    let call = |record: &Record| {
        let at = record.at.saturating_duration_since(server.started);
        json!({
            "action": record.action,
            "region": record.region,
            "subject": record.subject,
            "answer": record.answer,
            "at_ms": u64::try_from(at.as_millis()).unwrap_or(u64::MAX),
        })
    };
    server.state().records.iter().map(call).collect()
}

fn put_snapshot(server: &Server, id: &str, body: &[u8]) -> Result<Reply, String> {
    check_id(id, "snap-")?;
    let settings: SnapshotSettings = read(body)?;
    let snapshots = &mut server.state().snapshots;
    snapshots.reset(id);
    if let Some(state) = settings.state {
        snapshots.set_state(id, state);
    }
    if let Some(ami) = &settings.ami {
        snapshots.use_in_ami(id, ami);
    }
    if settings.locked {
        snapshots.lock(id);
    }
    Ok((200, json!(settings)))
}

fn put_volume(server: &Server, id: &str, body: &[u8]) -> Result<Reply, String> {
    check_id(id, "vol-")?;
    let settings: VolumeSettings = read(body)?;
    let volumes = &mut server.state().volumes;
    volumes.reset(id);
    if let Some(state) = settings.state {
        volumes.set_state(id, state);
    }
    Ok((200, json!(settings)))
}

fn check_id(id: &str, prefix: &str) -> Result<(), String> {
    match id.strip_prefix(prefix) {
        Some(rest) if !rest.is_empty() => Ok(()),
        _ => Err(format!("The ID \"{id}\" does not begin with {prefix}")),
    }
}

fn advance_clock(server: &Server, body: &[u8]) -> Result<Reply, String> {
    let change: ClockChange = read(body)?;
    server.advance(change.advance);
    Ok((204, Value::Null))
}

fn unknown_route(method: &Method, path: &str, segments: &[&str]) -> Reply {
    match ROUTES.iter().find(|(resource, _)| segments.first() == Some(resource)) {
        Some((resource, methods))
            if segments.len() <= 2 && !methods.split(", ").any(|known| known == method.as_str()) =>
        {
            (405, json!({ "error": format!("{resource} has no method {method}. Use {methods}.") }))
        }
        _ => {
            let known = ROUTES.map(|(resource, _)| resource).join(", ");
            (404, json!({ "error": format!("{PATH}{path} does not exist. The control endpoint has {known}.") }))
        }
    }
}
