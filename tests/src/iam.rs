//! The IAM policies of a deployed stack, as the local cloud returns them, and their evaluation with conditions.

use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    io::Write,
    process::{Command, Stdio},
};

use crate::root;

/// A role with its policies.
#[derive(Clone, Debug)]
pub struct Role {
    pub arn: String,
    /// Trust policy.
    pub trust: Value,
    /// Identity policies by name.
    pub policies: BTreeMap<String, Value>,
}

/// The policies of a stack, with every intrinsic function resolved. Keys are logical IDs.
#[derive(Clone, Debug)]
pub struct StackPolicies {
    /// Account ID.
    pub account: String,
    /// Physical names.
    pub ids: BTreeMap<String, String>,
    pub roles: BTreeMap<String, Role>,
    /// Managed policies.
    pub managed: BTreeMap<String, Value>,
    /// Resource policies of the bucket, the topic, the queue and the key.
    pub resources: BTreeMap<String, Value>,
}

impl StackPolicies {
    /// Reads a stack from a local cloud.
    pub fn read(endpoint: &str, stack: &str) -> Self {
        let mut command = Command::new(root().join("target/venv/bin/python"));
        command.arg(root().join("tests/iam/read.py")).args([endpoint, stack]).env("PYTHONDONTWRITEBYTECODE", "1");
        let output = command.output().expect("python of target/venv");
        assert!(output.status.success(), "read.py: {}", String::from_utf8_lossy(&output.stderr));
        let mut read: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        Self {
            account: text(&read["account"]),
            ids: entries(&mut read["ids"]).map(|(key, id)| (key, text(&id))).collect(),
            roles: entries(&mut read["roles"]).map(|(key, one)| (key, Role::new(one))).collect(),
            managed: entries(&mut read["managed"]).collect(),
            resources: entries(&mut read["resources"]).collect(),
        }
    }

    /// Returns the physical name of a resource.
    pub fn id(&self, logical: &str) -> &str {
        self.ids.get(logical).unwrap_or_else(|| panic!("the stack has no {logical}"))
    }

    /// Returns an ARN of this account in us-east-1.
    pub fn arn(&self, service: &str, resource: &str) -> String {
        format!("arn:aws:{service}:us-east-1:{}:{resource}", self.account)
    }
}

impl Role {
    fn new(mut read: Value) -> Self {
        Self {
            arn: text(&read["arn"]),
            trust: read["trust"].take(),
            policies: entries(&mut read["policies"]).collect(),
        }
    }
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

fn entries(value: &mut Value) -> impl Iterator<Item = (String, Value)> + use<> {
    let Value::Object(object) = value.take() else { panic!("an object") };
    object.into_iter()
}

/// The question that an evaluation answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestKind {
    /// Is the request allowed, and is it valid? Validation compares its resource and each context key with the Service Authorization
    /// Reference.
    Checked,
    /// Is the request allowed? Without the validation, which takes a hundred times as long.
    Plain,
    /// Which actions of the same service are allowed on the same resource, or take no resource?
    Neighbours,
    /// Does the action take no resource?
    TakesNoResource,
}

/// A request with the names of the policies that apply to it.
#[derive(Clone, Debug)]
pub struct Request {
    pub kind: RequestKind,
    /// ARN, or name of a service.
    pub principal: String,
    /// For example `ec2:DeleteSnapshot`.
    pub action: String,
    /// ARN, or `*`.
    pub resource: String,
    /// Condition keys of the request with their values.
    pub context: BTreeMap<String, Value>,
    /// Policies of the principal. `all` allows everything.
    pub identity: Vec<String>,
    pub resource_policy: Option<String>,
}

/// Evaluates all requests in one process of iam-simulate. Every resource counts as a resource of this account, even if its ARN names
/// another one. Otherwise the missing policies of the other account would deny the request, not the policies under test.
pub fn evaluate(account: &str, policies: &BTreeMap<String, Value>, requests: &[Request]) -> Vec<Value> {
    let requests: Vec<_> = requests.iter().map(|request| written(account, request)).collect();
    let folder = root().join("target/iam");
    let mut command = Command::new(root().join("target/node/bin/node"));
    command.arg(root().join("tests/iam/evaluate.cjs")).current_dir(folder);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut node = command.spawn().expect("node in target/node: make test puts it there");
    let mut stdin = node.stdin.take().expect("a pipe");
    stdin.write_all(json!({ "policies": policies, "requests": requests }).to_string().as_bytes()).expect("node reads");
    drop(stdin);
    let output = node.wait_with_output().expect("node ends");
    assert!(output.status.success(), "evaluate.cjs failed; what it says stands above");
    serde_json::from_slice(&output.stdout).expect("outcomes")
}

fn written(account: &str, request: &Request) -> Value {
    let kind = match request.kind {
        RequestKind::Checked => "checked",
        RequestKind::Plain => "plain",
        RequestKind::Neighbours => "neighbours",
        RequestKind::TakesNoResource => "takes-no-resource",
    };
    json!({
        "kind": kind, "account": account, "principal": request.principal, "action": request.action,
        "resource": request.resource, "context": request.context, "identity": request.identity,
        "resourcePolicy": request.resource_policy,
    })
}
