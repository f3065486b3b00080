//! The CloudFormation templates.

use serde_yaml_ng::{Mapping, Value};
use std::{collections::BTreeSet, process::Command, sync::OnceLock};

use crate::{root, text};

/// Reads a template of `infra/` by file name. A short form such as `!Ref X` stays a tagged value.
pub fn read(name: &str) -> Mapping {
    serde_yaml_ng::from_str(&text(&format!("infra/{name}"))).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Returns a template as JSON text with its loops expanded. `!Ref X` is `{"Ref": "X"}`.
pub fn expanded(name: &str) -> String {
    let mut command = Command::new(root().join("target/venv/bin/python"));
    command.arg(root().join("infra/local/template.py")).arg(root().join("infra").join(name));
    let output = command.env("PYTHONDONTWRITEBYTECODE", "1").output().expect("python of target/venv");
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// The template of the backup, and that of the drill, which is nested in it. No logical ID is in both.
pub const OF_BACKUP: [&str; 2] = ["backup.yaml", "restore-drill.yaml"];

/// Returns every resource of the backup by logical ID, with loops expanded and in full forms.
pub fn resources() -> Mapping {
    static ALL: OnceLock<Mapping> = OnceLock::new();
    let all = ALL.get_or_init(|| {
        let read = |name| serde_yaml_ng::from_str::<Value>(&expanded(name)).expect("JSON");
        let all = OF_BACKUP.map(|name| read(name)["Resources"].as_mapping().expect("Resources").clone());
        let count: usize = all.iter().map(Mapping::len).sum();
        let all: Mapping = all.into_iter().flatten().collect();
        assert_eq!(all.len(), count, "two resources of the backup have one name");
        all
    });
    all.clone()
}

/// Returns the properties of a resource of the backup.
pub fn properties(resource: &str) -> Value {
    let found = &resources()[resource]["Properties"];
    assert!(!found.is_null(), "the backup has no {resource}");
    found.clone()
}

/// Returns the actions that the role of a function and its attached policies allow, without those for its log, its traces and a
/// customer managed key.
pub fn allowed(function: &str) -> BTreeSet<String> {
    let role = format!("{function}Role");
    let own = properties(&role)["Policies"].as_sequence().expect("Policies").clone();
    let resources = resources();
    let attached = resources.values().filter(|resource| {
        let roles = resource["Properties"]["Roles"].as_sequence();
        roles.is_some_and(|roles| roles.iter().any(|one| is_ref(one, &role)))
    });
    let documents = own.into_iter().chain(attached.map(|resource| resource["Properties"].clone()));
    let statements = documents.flat_map(|policy| policy["PolicyDocument"]["Statement"].as_sequence().unwrap().clone());
    let actions = statements.flat_map(|statement| match &statement["Action"] {
        Value::Sequence(actions) => actions.iter().map(name).collect(),
        action => vec![name(action)],
    });
    actions.filter(|action| !["logs:", "xray:", "kms:"].iter().any(|service| action.starts_with(service))).collect()
}

/// Returns the actions that the managed policies of operators allow, without those of KMS.
pub fn allowed_to_operators() -> BTreeSet<String> {
    let resources = resources();
    let managed = resources.values().filter(|resource| resource["Type"].as_str() == Some("AWS::IAM::ManagedPolicy"));
    let documents: Vec<_> = managed.map(|resource| resource["Properties"]["PolicyDocument"].clone()).collect();
    let statements = documents.iter().flat_map(|document| document["Statement"].as_sequence().expect("statements"));
    let actions = statements.flat_map(|statement| match &statement["Action"] {
        Value::Sequence(actions) => actions.iter().map(name).collect(),
        Value::Null => vec![],
        action => vec![name(action)],
    });
    actions.filter(|action| !action.starts_with("kms:")).collect()
}

/// Returns whether a value is `!Ref name`, in the short or the full form.
pub fn is_ref(value: &Value, name: &str) -> bool {
    let of = |value: &Value| value.as_str() == Some(name);
    match value {
        Value::Tagged(tagged) => tagged.tag == "Ref" && of(&tagged.value),
        Value::Mapping(mapping) => mapping.len() == 1 && mapping.get("Ref").is_some_and(of),
        _ => false,
    }
}

fn name(value: &Value) -> String {
    value.as_str().expect("an action").to_owned()
}

/// Returns the names of a function's environment variables.
pub fn environment(function: &str) -> BTreeSet<String> {
    let properties = properties(&format!("{function}Function"));
    let variables = properties["Environment"]["Variables"].as_mapping().cloned().unwrap_or_default();
    variables.keys().map(name).collect()
}
