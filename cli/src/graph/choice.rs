//! Which way a Choice takes, as far as its rules are plain: a comparison with a constant, a test for presence or type.

use serde_json::Value;

/// The state that the Choice leads to with this input; none where that cannot be told.
pub fn target<'a>(choice: &'a Value, input: &Value) -> Option<&'a str> {
    for rule in choice["Choices"].as_array()? {
        if holds(rule, input)? {
            return rule["Next"].as_str();
        }
    }
    choice["Default"].as_str()
}

fn holds(rule: &Value, input: &Value) -> Option<bool> {
    if let Some(all) = rule["And"].as_array() {
        return all.iter().try_fold(true, |so_far, one| if so_far { holds(one, input) } else { Some(false) });
    }
    if let Some(any) = rule["Or"].as_array() {
        return any.iter().try_fold(false, |so_far, one| if so_far { Some(true) } else { holds(one, input) });
    }
    if let Some(not) = rule.get("Not") {
        return holds(not, input).map(|held| !held);
    }
    let found = pointer(rule["Variable"].as_str()?).map(|pointer| input.pointer(&pointer))?;
    let (test, against) =
        rule.as_object()?.iter().find(|(key, _)| !["Variable", "Next", "Comment"].contains(&key.as_str()))?;
    if test == "IsPresent" {
        return Some(found.is_some() == against.as_bool()?);
    }
    compare(test, found?, against)
}

fn compare(test: &str, found: &Value, against: &Value) -> Option<bool> {
    let is = |really| against.as_bool().map(|asked| asked == really);
    let numbers = || found.as_f64().zip(against.as_f64());
    match test {
        "IsNull" => is(found.is_null()),
        "IsString" => is(found.is_string()),
        "IsBoolean" => is(found.is_boolean()),
        "IsNumeric" => is(found.is_number()),
        "BooleanEquals" | "StringEquals" => Some(found == against),
        "NumericEquals" => numbers().map(|(one, other)| one == other),
        "NumericGreaterThan" => numbers().map(|(one, other)| one > other),
        "NumericGreaterThanEquals" => numbers().map(|(one, other)| one >= other),
        "NumericLessThan" => numbers().map(|(one, other)| one < other),
        "NumericLessThanEquals" => numbers().map(|(one, other)| one <= other),
        _ => None,
    }
}

/// A JSON Pointer of a reference path such as `$.failure.FindExpired`; none for the context object and for what selects several.
pub fn pointer(path: &str) -> Option<String> {
    let rest = path.strip_prefix('$')?;
    let plain =
        rest.is_empty() || rest.starts_with('.') && !rest.contains(['[', '*', '?', '~', '/']) && !rest.contains("..");
    plain.then(|| rest.replace('.', "/"))
}

/// Takes what is at the pointer away, and what is empty without it.
pub fn remove(value: &mut Value, pointer: &str) {
    let Some((parent, key)) = pointer.rsplit_once('/') else { return };
    let Some(Value::Object(object)) = value.pointer_mut(parent) else { return };
    if object.remove(key).is_some() && object.is_empty() {
        remove(value, parent);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_choice_leads_where_its_first_rule_that_holds_does() {
        let choice = json!({"Choices": [
            {"Variable": "$.failure", "IsPresent": true, "Next": "Done"},
            {"And": [{"Variable": "$.dryRun", "BooleanEquals": false}, {"Variable": "$.list.count", "NumericGreaterThan": 0}],
             "Next": "Work"}
        ], "Default": "Rest"});
        for (input, expected) in [
            (json!({"failure": {}}), Some("Done")),
            (json!({"dryRun": false, "list": {"count": 1}}), Some("Work")),
            (json!({"dryRun": true, "list": {"count": 1}}), Some("Rest")),
            (json!({"dryRun": false, "list": {"count": 0}}), Some("Rest")),
            (json!({"dryRun": false}), None),
        ] {
            assert_eq!(target(&choice, &input), expected, "{input}");
        }
    }

    #[test]
    fn a_choice_by_the_context_object_is_not_told() {
        let choice =
            json!({"Choices": [{"Variable": "$$.Execution.Input.a", "IsPresent": true, "Next": "A"}], "Default": "B"});
        assert_eq!(target(&choice, &json!({"Execution": {"Input": {"a": 1}}})), None);
    }

    #[test]
    fn what_is_taken_away_leaves_no_empty_shell() {
        let mut value = json!({"failure": {"A": 1}, "region": "r"});
        remove(&mut value, "/failure/A");
        assert_eq!(value, json!({"region": "r"}));
    }
}
