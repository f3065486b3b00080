//! Removes each restriction of each policy statement, one at a time.

use serde_json::{Value, json};

/// A policy without one of its restrictions.
pub struct WidenedPolicy {
    pub what: String,
    pub policy: Value,
}

pub fn widened_policies(policy: &Value) -> Vec<WidenedPolicy> {
    let statements = policy["Statement"].as_array().expect("statements");
    let mut all = Vec::new();
    for (at, statement) in statements.iter().enumerate() {
        let name = format!("statement {at} ({})", statement["Action"]);
        let mut put = |what: String, changed: Option<Value>| {
            let mut policy = policy.clone();
            let statements = policy["Statement"].as_array_mut().expect("statements");
            match changed {
                Some(changed) if changed == statements[at] => return,
                Some(changed) => statements[at] = changed,
                None => drop(statements.remove(at)),
            }
            all.push(WidenedPolicy { what: format!("{name} {what}"), policy });
        };
        if statement["Effect"] == "Deny" {
            put("is taken out".to_owned(), None);
            for (what, changed) in without_each_resource(statement) {
                put(what, Some(changed));
            }
        } else {
            for (what, changed) in
                conditions(statement).into_iter().chain(resources(statement)).chain(principals(statement))
            {
                put(what, Some(changed));
            }
        }
    }
    all
}

/// Returns the statement without each condition key. If a condition is negated, also without each of its values.
fn conditions(statement: &Value) -> Vec<(String, Value)> {
    let mut all = Vec::new();
    let empty = serde_json::Map::new();
    for (operator, keys) in statement["Condition"].as_object().unwrap_or(&empty) {
        for (key, values) in keys.as_object().expect("condition keys") {
            let mut changed = statement.clone();
            changed["Condition"][operator].as_object_mut().expect("keys").remove(key);
            all.push((format!("without {operator} {key}"), changed));
            let Some(values) = values.as_array().filter(|_| operator.contains("Not")) else { continue };
            for value in values {
                let mut changed = statement.clone();
                changed["Condition"][operator][key] = values.iter().filter(|one| *one != value).cloned().collect();
                all.push((format!("without {value} in {operator} {key}"), changed));
            }
        }
    }
    all
}

/// Returns the statement with each resource, and each part of its ARN, replaced by a wildcard.
fn resources(statement: &Value) -> Vec<(String, Value)> {
    let mut all = Vec::new();
    let listed = list(&statement["Resource"]);
    for (at, arn) in listed.iter().enumerate() {
        for wide in widened_arns(arn.as_str().expect("an ARN")) {
            let mut resources = listed.clone();
            resources[at] = json!(wide);
            let mut changed = statement.clone();
            changed["Resource"] = json!(resources);
            if listed != resources {
                all.push((format!("with {wide} for {arn}"), changed));
            }
        }
    }
    all
}

fn widened_arns(arn: &str) -> Vec<String> {
    let parts: Vec<_> = arn.splitn(6, ':').collect();
    let mut all = vec!["*".to_owned()];
    if parts.len() < 6 {
        return all;
    }
    // The ARN of a bucket has no Region and no account, and these wildcards have no name that could be widened.
    let is_named =
        !["snapshot/*", "volume/*", "instance/*", "key/*", "log-group:*", "alarm:*", "ebs/*"].contains(&parts[5]);
    let wide = |at: usize, text: &str| {
        let mut parts = parts.clone();
        parts[at] = text;
        parts.join(":")
    };
    all.extend([3, 4].into_iter().filter(|at| !parts[*at].is_empty()).map(|at| wide(at, "*")));
    if is_named {
        all.push(wide(5, "*"));
    }
    if let Some((bucket, key)) = parts[5].split_once('/').filter(|_| parts[2] == "s3") {
        all.extend([format!("arn:aws:s3:::*/{key}"), format!("arn:aws:s3:::{bucket}/*")]);
    }
    all
}

fn principals(statement: &Value) -> Vec<(String, Value)> {
    let mut changed = statement.clone();
    match statement.get("Principal") {
        Some(principal) if *principal != json!("*") => {
            changed["Principal"] = json!("*");
            vec![(format!("with everybody for {principal}"), changed)]
        }
        _ => vec![],
    }
}

fn without_each_resource(statement: &Value) -> Vec<(String, Value)> {
    let listed = list(&statement["Resource"]);
    let others = |one: &Value| listed.iter().filter(|other| *other != one).cloned().collect::<Vec<_>>();
    let several = listed.iter().filter(|_| listed.len() > 1);
    let without = several.map(|one| {
        let mut changed = statement.clone();
        changed["Resource"] = json!(others(one));
        (format!("without {one}"), changed)
    });
    without.collect()
}

pub fn list(value: &Value) -> Vec<Value> {
    match value {
        Value::Array(values) => values.clone(),
        Value::Null => vec![],
        one => vec![one.clone()],
    }
}
