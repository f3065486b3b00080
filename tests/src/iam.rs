//! The IAM policies of a deployed stack, as the local cloud gives them back, and an evaluator of them that knows conditions.

use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    io::Write,
    process::{Command, Stdio},
};

use crate::root;

/// A role's policies.
#[derive(Clone, Debug)]
pub struct Role {
    /// Its ARN.
    pub arn: String,
    /// Who may assume it.
    pub trust: Value,
    /// What it may do, by policy name.
    pub policies: BTreeMap<String, Value>,
}

/// A stack's policies, with every intrinsic function resolved. Keys are logical ids.
#[derive(Clone, Debug)]
pub struct Deployed {
    /// The account.
    pub account: String,
    /// The physical names.
    pub ids: BTreeMap<String, String>,
    /// The roles.
    pub roles: BTreeMap<String, Role>,
    /// The managed policies.
    pub managed: BTreeMap<String, Value>,
    /// The policies of the bucket, the topic, the queue and the key.
    pub resources: BTreeMap<String, Value>,
}

impl Deployed {
    /// Reads a stack at the endpoint of a local cloud.
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

    /// The physical name of a resource.
    pub fn id(&self, logical: &str) -> &str {
        self.ids.get(logical).unwrap_or_else(|| panic!("the stack has no {logical}"))
    }

    /// An ARN of this account and Region.
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

/// What an evaluation is to find out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Whether the request is allowed, and whether AWS could be asked it: its resource and each context key are held against the
    /// service authorization reference.
    Checked,
    /// Whether the request is allowed, without that check, which takes a hundred times as long.
    Plain,
    /// Every action of the same service that is allowed on the same resource, or that takes none.
    Neighbours,
    /// Whether the action takes no resource at all.
    TakesNoResource,
}

/// A request, and the names of the policies that decide on it.
#[derive(Clone, Debug)]
pub struct Request {
    /// What to find out.
    pub kind: Kind,
    /// An ARN, or a service's name.
    pub principal: String,
    /// Such as `ec2:DeleteSnapshot`.
    pub action: String,
    /// An ARN or `*`.
    pub resource: String,
    /// What AWS knows about the request.
    pub context: BTreeMap<String, Value>,
    /// The policies of the principal; `all` allows everything.
    pub identity: Vec<String>,
    /// The policy of the resource.
    pub resource_policy: Option<String>,
}

/// Evaluates requests, all in one process of iam-simulate. The resource counts as this account's, whatever its ARN says, so that the
/// policies of this account alone decide, and not another account's silence.
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
        Kind::Checked => "checked",
        Kind::Plain => "plain",
        Kind::Neighbours => "neighbours",
        Kind::TakesNoResource => "takes-no-resource",
    };
    json!({
        "kind": kind, "account": account, "principal": request.principal, "action": request.action,
        "resource": request.resource, "context": request.context, "identity": request.identity,
        "resourcePolicy": request.resource_policy,
    })
}
