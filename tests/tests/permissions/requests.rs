//! Requests that must be denied, derived from the allowed ones.

use serde_json::{Value, json};
use tests::iam::StackPolicies;

use crate::calls::{By, Call};

/// A difference that may be allowed, with the reason.
pub struct Free {
    pub action: &'static str,
    /// Reason, for the message of a failing test.
    pub why: &'static str,
    pub reason: &'static str,
}

#[derive(Clone, Debug)]
pub struct Denied {
    pub why: String,
    pub call: Call,
    /// Index of the exception that permits the request.
    pub free: Option<usize>,
}

/// Returns every call that differs from an allowed one in a single respect.
pub fn mutations(deployed: &StackPolicies, call: &Call, free: &[Free]) -> Vec<Denied> {
    // The admin calls test resource policies that deny everybody. The policy of a key only applies to that key.
    let by_resource = call.by == By::Admin || matches!((&call.by, call.through), (By::Service(_), Some("TopicKey")));
    let mut all = if by_resource { vec![] } else { elsewhere(call) };
    all.extend(names(deployed, call).into_iter().filter(|_| !by_resource));
    for (key, value) in &call.context {
        for other in others(call, key, value) {
            let mut changed = call.clone();
            let why = match &other {
                Some(Value::Array(values)) => format!("{key} has {}", values.last().unwrap_or(&Value::Null)),
                Some(value) => format!("{key} is {value}"),
                None => format!("{key} is not there"),
            };
            match other {
                Some(value) => changed.context.insert(key.clone(), value),
                None => changed.context.remove(key),
            };
            all.push((why, changed));
        }
    }
    let excused = |why: &str| free.iter().position(|one| one.action == call.action && one.why == why);
    all.into_iter().map(|(why, call)| Denied { free: excused(&why), why, call }).collect()
}

/// Returns the call with another Region, another account and another resource type.
fn elsewhere(call: &Call) -> Vec<(String, Call)> {
    let parts: Vec<_> = call.on.splitn(6, ':').collect();
    // A bucket name is unique over all Regions and accounts.
    let is_bucket = call.on.starts_with("arn:aws:s3:");
    let mut all = Vec::new();
    if !is_bucket {
        all.push(("another Region".to_owned(), call.in_region("ap-south-1")));
    }
    // The resource is here, and another Region requests it through a service. An EC2 ARN always has the Region of the request.
    if parts.len() == 6 && parts[3] == "us-east-1" && parts[2] != "ec2" {
        let on = call.on.replace(":us-east-1:", ":ap-south-1:");
        all.push(("a resource of another Region".to_owned(), Call { on, ..call.clone() }));
    }
    if parts.len() == 6 && !parts[4].is_empty() {
        let on = call.on.replace(&format!(":{}:", parts[4]), ":999999999999:");
        all.push(("another account".to_owned(), Call { on, ..call.clone() }));
    }
    if call.on.contains(":snapshot/") || call.on.contains(":volume/") {
        all.push(("an image".to_owned(), Call { on: "arn:aws:ec2:us-east-1::image/ami-1".to_owned(), ..call.clone() }));
    }
    all
}

/// Returns the call with another resource of the same type, and with another prefix of the bucket.
fn names(deployed: &StackPolicies, call: &Call) -> Vec<(String, Call)> {
    let mut all = Vec::new();
    for (logical, name) in deployed.ids.iter().filter(|(_, name)| call.on.contains(name.as_str())) {
        let on = call.on.replace(name.as_str(), "another");
        all.push((format!("another {logical}"), Call { on, ..call.clone() }));
        // The administrators may use the whole bucket.
        let is_whole = call.by == By::Person("AdministratorsPolicy");
        if let Some((prefix, _)) =
            call.on.rsplit_once(&format!("{name}/")).and_then(|(_, key)| key.split_once('/')).filter(|_| !is_whole)
        {
            let on = call.on.replace(&format!("{name}/{prefix}/"), &format!("{name}/another/"));
            all.push(("another prefix".to_owned(), Call { on, ..call.clone() }));
        }
    }
    all
}

/// Returns other values for a condition key. `None` removes the key.
fn others(call: &Call, key: &str, value: &Value) -> Vec<Option<Value>> {
    let is_creation = call.context.contains_key("ec2:CreateAction");
    let whose = ["aws:RequestTag/BackupStack", "aws:RequestTag/RestoreDrill", "aws:RequestTag/RestoredFrom"];
    match (key, value) {
        ("aws:RequestedRegion", _) => vec![],
        // Resource policies require TLS. KMS has no endpoint without TLS.
        ("aws:SecureTransport", _) => {
            let asks = call.through.filter(|through| !through.ends_with("Key"));
            asks.map(|_| Some(json!("false"))).into_iter().collect()
        }
        // The tags of a new resource are checked by the creating call of the same request.
        _ if key.starts_with("aws:RequestTag/") && !whose.contains(&key) && is_creation => vec![],
        ("kms:GrantIsForAWSResource", _) => vec![Some(json!("false")), None],
        ("aws:ResourceTag/Interval", _) => vec![Some(json!("Annual")), None],
        // The policy requires the tag. Its value is the responsibility of snapshot-one.
        (
            "aws:RequestTag/Night"
            | "aws:RequestTag/Interval"
            | "aws:RequestTag/Intervals"
            | "aws:RequestTag/Plan"
            | "aws:RequestTag/SnapshotOf"
            | "aws:RequestTag/DrillExecution"
            | "aws:RequestTag/RestoredFrom"
            | "aws:ResourceTag/RestoredFrom",
            _,
        ) => vec![None],
        ("aws:TagKeys", Value::Array(keys)) => {
            // Tag names in condition keys are not case-sensitive (IAM user guide, "aws:ResourceTag").
            let identity =
                ["BackupStack", "Night", "Interval", "Intervals", "Plan", "SnapshotOf", "backupstack", "INTERVAL"];
            let with = |key: &str| Some(json!(keys.iter().cloned().chain([json!(key)]).collect::<Vec<_>>()));
            let with_each = identity.into_iter().filter(|key| !keys.contains(&json!(key))).map(with);
            if call.action == "ec2:CreateTags" && !is_creation { with_each.collect() } else { vec![] }
        }
        _ => vec![Some(json!("another")), None],
    }
}

/// Returns the calls of each role for every other role that does not make them.
pub fn denied_for_others(calls: &[Call]) -> Vec<Denied> {
    let mut principals: Vec<_> = calls.iter().map(|call| call.by.clone()).collect();
    principals.sort();
    principals.dedup();
    let mut all = Vec::new();
    for by in principals.into_iter().filter(|by| *by != By::Admin) {
        let own: Vec<_> = calls.iter().filter(|call| call.by == by).collect();
        let foreign = calls.iter().filter(|call| call.by != by && !own.iter().any(|one| one.asks_as(call)));
        all.extend(foreign.map(|call| Denied {
            why: format!("what {:?} may do", call.by),
            call: call.by(by.clone()),
            free: None,
        }));
    }
    all
}
