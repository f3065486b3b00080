//! The control endpoint.

use crate::{DEADLINE, start};
use serde_json::{Value, json};
use strict_ec2::{Rules, StrictEc2};

/// A client of the control endpoint.
pub struct Control {
    url: String,
    client: reqwest::Client,
}

impl Control {
    pub fn new(endpoint: &str) -> Self {
        let client = reqwest::Client::builder().no_proxy().timeout(DEADLINE).build().expect("a client");
        Self { url: format!("{endpoint}/_strict-ec2/"), client }
    }

    async fn send(&self, method: &str, path: &str, body: String) -> (u16, Value) {
        let method = method.parse().expect("a method");
        let request = self.client.request(method, format!("{}{path}", self.url)).body(body);
        let answer = request.send().await.expect("an answer in time");
        let status = answer.status().as_u16();
        let text = answer.text().await.expect("a body");
        (status, if text.is_empty() { Value::Null } else { serde_json::from_str(&text).expect("JSON") })
    }

    pub async fn get(&self, path: &str) -> Value {
        self.send("GET", path, String::new()).await.1
    }

    pub async fn put(&self, path: &str, body: Value) -> (u16, Value) {
        self.send("PUT", path, body.to_string()).await
    }

    pub async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        self.send("POST", path, body.to_string()).await
    }

    pub async fn delete(&self, path: &str) -> u16 {
        self.send("DELETE", path, String::new()).await.0
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_value_is_refused_by_its_name_and_changes_nothing() {
    let strict = StrictEc2::listen(Rules::default().page(4));
    let control = Control::new(&strict.url);
    for (method, path, body, expected) in [
        ("PUT", "rules", r#"{"pages": 3}"#, "unknown field `pages`, expected one of `throttle`, `page`, "),
        (
            "PUT",
            "rules",
            r#"{"empty_pages": true, "page": "3"}"#,
            r#"page: invalid type: string "3", expected a whole number"#,
        ),
        ("PUT", "rules", r#"{"page": 0}"#, "page: 0 items end no listing"),
        ("PUT", "rules", r#"{"throttle": {"times": -1}}"#, "throttle.times: -1 fills no bucket"),
        (
            "PUT",
            "rules",
            r#"{"throttle": {"times": true}}"#,
            "throttle.times: invalid type: boolean `true`, expected a number",
        ),
        ("PUT", "rules", r#"{"throttle": {"times": 1, "burst": 0}}"#, "throttle.burst: a bucket of 0 tokens"),
        ("PUT", "rules", r#"{"between_snapshots_ms": -5}"#, "between_snapshots_ms: invalid value: integer `-5`"),
        (
            "PUT",
            "rules",
            r#"{"found_after_ms": 18446744073709551615}"#,
            "found_after_ms: 18446744073709551615 is more than",
        ),
        (
            "PUT",
            "rules",
            r#"{"new_snapshots": "slow"}"#,
            "new_snapshots: unknown variant `slow`, expected one of `unchanged`",
        ),
        ("PUT", "rules", "page=3", "not valid JSON: "),
        ("POST", "faults", "{}", "missing field `fault`"),
        ("POST", "faults", r#"{"fault": "lost"}"#, "fault: unknown variant `lost`, expected one of `lost_answer`"),
        ("POST", "faults", r#"{"fault": {"server_error": 200}}"#, "fault.server_error: 200 is not a status"),
        ("POST", "faults", r#"{"fault": {"hang_ms": "1s"}}"#, r#"fault.hang_ms: invalid type: string "1s""#),
        ("POST", "faults", r#"{"fault": "hang_ms"}"#, "fault.hang_ms: invalid type: null"),
        ("POST", "faults", r#"{"fault": {"reset": 1}}"#, "fault: `reset` takes no value, but has 1"),
        (
            "POST",
            "faults",
            r#"{"fault": {"refused": {"status": 400, "code": "A"}}}"#,
            "fault.refused: missing field `message`",
        ),
        (
            "POST",
            "faults",
            r#"{"fault": {"refused": {"status": 90000}}}"#,
            "fault.refused.status: invalid value: integer `90000`",
        ),
        ("POST", "faults", r#"{"fault": "reset", "match": {"actoin": "A"}}"#, "match: unknown field `actoin`"),
        (
            "POST",
            "faults",
            r#"{"fault": "reset", "match": {"action": ""}}"#,
            "match.action: an empty text fits no call",
        ),
        ("POST", "faults", r#"{"fault": "reset", "match": {"times": 0}}"#, "match.times: 0 strikes no call"),
        (
            "POST",
            "faults",
            r#"{"fault": "reset", "match": {"parameters": {"Size": 8}}}"#,
            "match.parameters.Size: invalid type",
        ),
        ("PUT", "snapshots/snap-1", r#"{"locked": true, "state": "done"}"#, "state: unknown variant `done`"),
        ("PUT", "snapshots/vol-1", "{}", r#"The ID "vol-1" does not begin with snap-"#),
        ("PUT", "volumes/vol-1", r#"{"status": "error"}"#, "unknown field `status`, expected `state`"),
        ("POST", "clock", r#"{"advance_seconds": 1}"#, "unknown field `advance_seconds`, expected `advance_ms`"),
    ] {
        let (status, answer) = control.send(method, path, body.to_owned()).await;
        let error = answer["error"].as_str().unwrap_or_default();
        let expected = format!("{method} /_strict-ec2/{path} was refused. {expected}");
        assert_eq!((status, error.lines().count()), (400, 1), "{body}: {answer}");
        assert!(error.starts_with(&expected), "{body}: {error}");
    }
    let rules = control.get("rules").await;
    assert_eq!(
        (&rules["page"], &rules["empty_pages"], control.get("faults").await),
        (&json!(4), &json!(false), json!([]))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_and_faults_are_read_as_they_were_written() {
    let control = StrictEc2::listen(Rules::default());
    let (_running, control) = (&control, Control::new(&control.url));
    let rules = json!({
        "throttle": {"times": 2.5, "burst": 10}, "page": 3, "empty_pages": true, "between_snapshots_ms": 15_000,
        "limit_pending": true, "new_snapshots": {"pending_for_ms": 300}, "new_volumes": "stay_creating",
        "found_after_ms": 400,
    });
    assert_eq!(control.put("rules", rules.clone()).await, (200, rules.clone()));
    assert_eq!(control.get("rules").await, rules);
    assert_eq!(control.put("rules", json!({})).await.1["page"], Value::Null, "a field that is left out is off");

    let faults = [
        json!("lost_answer"),
        json!("error_after_effect"),
        json!({"server_error": 503}),
        json!({"hang_ms": 1}),
        json!("reset"),
        json!("denied"),
        json!("throttled"),
        json!("malformed"),
        json!({"says": "<A/>"}),
        json!({"refused": {"status": 400, "code": "A", "message": "b"}}),
    ];
    for fault in &faults {
        assert_eq!(control.post("faults", json!({"fault": fault})).await.0, 201, "{fault}");
    }
    let listed = control.get("faults").await;
    let listed: Vec<_> = listed.as_array().expect("a list").iter().map(|fault| fault["fault"].clone()).collect();
    assert_eq!(listed, faults);
    assert_eq!((control.delete("faults").await, control.get("faults").await), (204, json!([])));
}

#[tokio::test(flavor = "multi_thread")]
async fn states_amis_and_locks_are_set_and_unset_over_http() {
    let (strict, ec2) = start(Rules::default());
    let control = Control::new(&strict.url);
    let volume = ec2.volume("gp3").await;
    let snapshot = ec2.snapshot(&volume).await;
    let path = format!("snapshots/{snapshot}");
    assert_eq!(control.put(&path, json!({"state": "error", "locked": true})).await.0, 200);
    assert_eq!(ec2.list("").await.0, [(snapshot.clone(), "error".to_owned())]);
    assert_eq!(ec2.delete(&snapshot).await, "OperationNotPermitted");
    control.put(&path, json!({"ami": "ami-1"})).await;
    assert_eq!(ec2.list("").await.0, [(snapshot.clone(), "completed".to_owned())], "the state is unset");
    assert_eq!(ec2.delete(&snapshot).await, "InvalidSnapshot.InUse");
    control.put(&path, json!({})).await;
    assert_eq!(ec2.delete(&snapshot).await, "DeleteSnapshotResponse");

    control.put(&format!("volumes/{volume}"), json!({"state": "error"})).await;
    let status = ["volumeSet", "item", "status"];
    assert_eq!(ec2.text("Action=DescribeVolumes", &status).await, "error");
    control.put(&format!("volumes/{volume}"), json!({})).await;
    assert_eq!(ec2.text("Action=DescribeVolumes", &status).await, "available");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_path_or_method_names_the_known_ones_and_is_not_a_call() {
    let strict = StrictEc2::listen(Rules::default());
    let control = Control::new(&strict.url);
    let (status, answer) = control.post("rule", json!({})).await;
    let known = "The control endpoint has rules, faults, calls, snapshots, volumes, clock.";
    assert_eq!((status, answer["error"].as_str()), (404, Some(&*format!("/_strict-ec2/rule does not exist. {known}"))));
    let (status, answer) = control.post("rules", json!({})).await;
    assert_eq!((status, answer["error"].as_str()), (405, Some("rules has no method POST. Use GET, PUT.")));
    assert!(strict.calls().is_empty());
}
