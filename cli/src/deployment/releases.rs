//! Computes the parameter `Releases`: for each function, one digest of its code and of the settings in its environment.
//!
//! CloudFormation publishes a version of a function if a property of the version changes. It sees neither the content of a zip nor the
//! value of a parameter there, so the description of each version is the digest of its function.

use anyhow::{Context, Result};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

use crate::deployment::{
    files::{Files, resolve},
    package::digest,
    template,
};

/// Name of the parameter with the digests.
pub const PARAMETER: &str = "Releases";
/// Templates that have functions, in the order of `Releases`.
const TEMPLATES: [&str; 2] = ["infra/backup.yaml", "infra/restore-drill.yaml"];
/// Length of a digest, in characters. A collision only matters between two releases of one function.
const CHARACTERS: usize = 16;

/// Returns the digest of every function, in the order of the parameter. `values` are the parameter values after the deployment.
///
/// # Errors
/// A template or a zip is missing.
pub fn digests(files: &Files, values: &BTreeMap<String, String>) -> Result<Vec<String>> {
    let declared = template::read(files, TEMPLATES[0])?["Parameters"].clone();
    let settings = settings(&declared, values);
    let mut digests = Vec::new();
    for path in TEMPLATES {
        let template = template::read(files, path)?;
        let (names, body) = functions(&template).with_context(|| format!("{path} has no loop of functions"))?;
        let used = names_in(body, &template["Conditions"]);
        let used: BTreeMap<_, _> = settings.iter().filter(|(name, _)| used.contains(name.as_str())).collect();
        for name in names {
            let function = &template["Mappings"]["Functions"][name.as_str().unwrap_or_default()];
            let zip = function["Code"].as_str().with_context(|| format!("{path}: {name} has no Code"))?;
            let code = digest(&files.read(&resolve(path, zip))?);
            let own = format!("{code}\n{function}\n{body}\n{}", serde_json::to_string(&used)?);
            digests.push(digest(own.as_bytes())[..CHARACTERS].to_owned());
        }
    }
    Ok(digests)
}

/// Returns the new value of `Releases`, given the deployed value. A function that did not change keeps its release.
///
/// `rolled_back` is the time of an update that was rolled back. That update may have left versions with the same digests, and Lambda
/// publishes nothing if neither code nor configuration changed (Lambda API reference, PublishVersion).
pub fn next_releases(deployed: &str, digests: &[String], rolled_back: Option<&str>) -> String {
    let before: Vec<_> = deployed.split(',').collect();
    let release = |(index, digest): (usize, &String)| match (rolled_back, before.get(index)) {
        (Some(time), _) => format!("{digest}-{time}"),
        (None, Some(old)) if old.split('-').next() == Some(digest) => (*old).to_owned(),
        (None, _) => digest.clone(),
    };
    digests.iter().enumerate().map(release).collect::<Vec<_>>().join(",")
}

/// Returns each parameter's value, or its default.
fn settings(declared: &Value, values: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let declared = declared.as_object().into_iter().flatten().filter(|(name, _)| *name != PARAMETER);
    let value = |name: &String, parameter: &Value| match (values.get(name), &parameter["Default"]) {
        (Some(value), _) => value.clone(),
        (None, Value::String(default)) => default.clone(),
        (None, default) => default.to_string(),
    };
    declared.map(|(name, parameter)| (name.clone(), value(name, parameter))).collect()
}

/// Returns the function names of the loop (`Fn::ForEach`), and the body of a function.
fn functions(template: &Value) -> Option<(&Vec<Value>, &Value)> {
    let loops = template["Resources"].as_object()?.iter().filter(|(name, _)| name.starts_with("Fn::ForEach::"));
    let mut bodies = loops.filter_map(|(_, body)| {
        let function = body[2].as_object()?.values().find(|one| one["Type"] == "AWS::Lambda::Function")?;
        Some((body[1].as_array()?, function))
    });
    bodies.next()
}

/// Returns the names that a part of a template refers to, directly or through conditions.
fn names_in(part: &Value, conditions: &Value) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    match part {
        Value::Object(entries) => {
            for (key, value) in entries {
                match (key.as_str(), value) {
                    ("Ref" | "Condition", Value::String(name)) => {
                        names.extend(names_in(&conditions[name], conditions));
                        names.insert(name.clone());
                    }
                    ("Fn::Sub", Value::String(text)) => {
                        let inner = text.split("${").skip(1).filter_map(|rest| rest.split('}').next());
                        names.extend(inner.map(str::to_owned));
                    }
                    ("Fn::If", Value::Array(branches)) => {
                        if let Some(condition) = branches[0].as_str() {
                            names.extend(names_in(&conditions[condition], conditions));
                        }
                        names.extend(branches.iter().flat_map(|one| names_in(one, conditions)));
                    }
                    (_, value) => names.extend(names_in(value, conditions)),
                }
            }
        }
        Value::Array(values) => names.extend(values.iter().flat_map(|one| names_in(one, conditions))),
        _ => {}
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn files(folder: &Path) -> Files {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        for name in ["infra", "target/package"] {
            std::fs::create_dir_all(folder.join(name)).unwrap();
        }
        for template in TEMPLATES {
            std::fs::copy(root.join(template), folder.join(template)).unwrap();
            let text = std::fs::read_to_string(root.join(template)).unwrap();
            for zip in text
                .split("../")
                .skip(1)
                .filter_map(|rest| rest.split(',').next())
                .filter(|path| path.ends_with(".zip"))
            {
                std::fs::write(folder.join(zip), zip).unwrap();
            }
        }
        Files::Folder(folder.to_owned())
    }

    fn with(values: &[(&str, &str)], files: &Files) -> Vec<String> {
        let values = values.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        digests(files, &values).unwrap()
    }

    fn changed(before: &[String], after: &[String]) -> Vec<usize> {
        (0..before.len()).filter(|index| before[*index] != after[*index]).collect()
    }

    #[test]
    fn a_release_changes_with_its_own_code_and_settings_alone() {
        let folder = std::env::temp_dir().join(format!("nightly-releases-{}", std::process::id()));
        let files = files(&folder);
        let before = with(&[], &files);
        assert_eq!(before.len(), 11);
        assert_eq!(changed(&before, &with(&[("Keep", "Daily=14")], &files)), [0, 1, 2, 3, 4, 5]);
        assert_eq!(changed(&before, &with(&[("Email", "you@example.com")], &files)), [0_usize; 0]);
        let template = folder.join(TEMPLATES[0]);
        let text = std::fs::read_to_string(&template).unwrap();
        std::fs::write(&template, format!("# A comment\n{text}")).unwrap();
        assert_eq!(before, with(&[], &files), "a comment publishes nothing");
        std::fs::write(folder.join("target/package/tag-snapshot.zip"), "other code").unwrap();
        assert_eq!(changed(&before, &with(&[], &files)), [2]);
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_function_that_did_not_change_keeps_its_release() {
        let digests = ["a".to_owned(), "b".to_owned()];
        assert_eq!(next_releases("", &digests, None), "a,b");
        assert_eq!(next_releases("a-20261126,c", &digests, None), "a-20261126,b");
        assert_eq!(next_releases("a,b", &digests, Some("20261126")), "a-20261126,b-20261126");
    }
}
