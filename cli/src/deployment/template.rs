//! Reads templates and state machines.

use anyhow::{Context, Result, anyhow};
use serde_json::{Map, Value as Json, json};
use serde_yaml_ng::Value as Yaml;

use crate::deployment::{files::Files, releases, schedule};

/// Reads a template or a state machine as JSON. The short forms of CloudFormation's functions, such as `!Sub`, become their full forms.
///
/// # Errors
/// The file is missing, or it is not YAML.
pub fn read(files: &Files, path: &str) -> Result<Json> {
    let slip = |error| anyhow!("{path}: {error}; fix it, then run this again");
    let mut yaml: Yaml = serde_yaml_ng::from_str(&files.text(path)?).map_err(slip)?;
    yaml.apply_merge().map_err(slip)?;
    full(yaml).with_context(|| path.to_owned())
}

fn full(value: Yaml) -> Result<Json> {
    Ok(match value {
        Yaml::Null => Json::Null,
        Yaml::Bool(value) => value.into(),
        Yaml::Number(value) => serde_json::to_value(value)?,
        Yaml::String(value) => value.into(),
        Yaml::Sequence(values) => Json::Array(values.into_iter().map(full).collect::<Result<_>>()?),
        Yaml::Mapping(entries) => Json::Object(entries.into_iter().map(entry).collect::<Result<_>>()?),
        Yaml::Tagged(tagged) => {
            let tag = tagged.tag.to_string();
            function(tag.trim_start_matches('!'), full(tagged.value)?)
        }
    })
}

fn entry((key, value): (Yaml, Yaml)) -> Result<(String, Json)> {
    let key = key.as_str().map(str::to_owned).with_context(|| format!("the key {key:?} is not text"))?;
    Ok((key, full(value)?))
}

fn function(name: &str, value: Json) -> Json {
    let value = match value {
        Json::String(text) if name == "GetAtt" => match text.split_once('.') {
            Some((resource, attribute)) => json!([resource, attribute]),
            None => text.into(),
        },
        value => value,
    };
    let name = if matches!(name, "Ref" | "Condition") { name.to_owned() } else { format!("Fn::{name}") };
    Json::Object(Map::from_iter([(name, value)]))
}

/// The parameters that the deployment computes.
const COMPUTED: [&str; 2] = [releases::PARAMETER, schedule::PARAMETER];

/// Returns the names of the parameters that a person may set. The deployment computes the others.
pub fn parameters(template: &Json) -> Vec<&str> {
    let declared = template["Parameters"].as_object().into_iter().flat_map(Map::keys);
    declared.map(String::as_str).filter(|name| !COMPUTED.contains(name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_forms_become_full_forms() {
        let text = "A: !Ref B\nC: !GetAtt D.E.F\nG: !If [H, !Sub '${I}', !Ref AWS::NoValue]\nJ: {Condition: K}\nL: !Condition M";
        let yaml = serde_yaml_ng::from_str(text).unwrap();
        let expected = json!({
            "A": {"Ref": "B"},
            "C": {"Fn::GetAtt": ["D", "E.F"]},
            "G": {"Fn::If": ["H", {"Fn::Sub": "${I}"}, {"Ref": "AWS::NoValue"}]},
            "J": {"Condition": "K"},
            "L": {"Condition": "M"},
        });
        assert_eq!(full(yaml).unwrap(), expected);
    }
}
