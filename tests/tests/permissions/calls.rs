//! A call to AWS: its caller, its resource and its condition keys.

use serde_json::{Value, json};
use std::collections::BTreeMap;
use tests::iam::{Request, RequestKind, StackPolicies};

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum By {
    /// A role of the stack, by logical ID.
    Role(&'static str),
    /// A person with a managed policy of the stack, by logical ID of the policy.
    Person(&'static str),
    /// A service, by name of its principal.
    Service(&'static str),
    /// A principal of this account with policies that allow everything.
    Admin,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    pub by: By,
    pub action: String,
    pub on: String,
    pub context: BTreeMap<String, Value>,
    /// Logical ID of the resource whose policy also applies.
    pub through: Option<&'static str>,
}

impl Call {
    pub fn new(by: By, action: &str, on: impl Into<String>) -> Self {
        let context = [("aws:RequestedRegion", "us-east-1"), ("aws:SecureTransport", "true")];
        let context = context.map(|(key, value)| (key.to_owned(), json!(value))).into();
        Self { by, action: action.to_owned(), on: on.into(), context, through: None }
    }

    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.context.insert(key.to_owned(), value.into());
        self
    }

    pub fn through(self, resource: &'static str) -> Self {
        Self { through: Some(resource), ..self }
    }

    pub fn by(&self, by: By) -> Self {
        Self { by, ..self.clone() }
    }

    /// Returns the same call in another Region.
    pub fn in_region(&self, region: &str) -> Self {
        let moved = |value: &Value| match value {
            Value::String(text) => json!(text.replace("us-east-1", region)),
            other => other.clone(),
        };
        let context = self.context.iter().map(|(key, value)| (key.clone(), moved(value))).collect();
        Self { on: self.on.replace("us-east-1", region), context, ..self.clone() }
    }

    /// Returns the request, with the policy names of [`policies`].
    pub fn request(&self, deployed: &StackPolicies, kind: RequestKind) -> Request {
        let person = || format!("arn:aws:iam::{}:user/person", deployed.account);
        let (principal, identity) = match &self.by {
            By::Role(role) => {
                let found = deployed.roles.get(*role).unwrap_or_else(|| panic!("the stack has no {role}"));
                (found.arn.clone(), found.policies.keys().map(|policy| format!("{role}/{policy}")).collect())
            }
            By::Person(policy) => {
                assert!(deployed.managed.contains_key(*policy), "the stack has no {policy}");
                (person(), vec![(*policy).to_owned()])
            }
            By::Service(service) => ((*service).to_owned(), Vec::new()),
            By::Admin => (person(), vec!["all".to_owned()]),
        };
        Request {
            kind,
            principal,
            action: self.action.clone(),
            resource: self.on.clone(),
            context: self.context.clone(),
            identity,
            resource_policy: self.through.filter(|one| deployed.resources.contains_key(*one)).map(str::to_owned),
        }
    }

    /// Returns whether each policy that allows this call also allows `other`, because it has the same action and resource, and at least the
    /// same condition keys.
    pub fn asks_as(&self, other: &Self) -> bool {
        let context = |call: &Self| {
            let mut context = call.context.clone();
            // A service adds these keys to its own calls.
            context.retain(|key, _| !key.starts_with("aws:Source"));
            context
        };
        let (own, others) = (context(self), context(other));
        (&self.action, &self.on) == (&other.action, &other.on)
            && own.iter().all(|(key, value)| others.get(key) == Some(value))
    }
}

/// Returns every policy by the name that requests use.
pub fn policies(deployed: &StackPolicies) -> BTreeMap<String, Value> {
    let mut all = deployed.managed.clone();
    all.extend(deployed.resources.clone());
    for (role, found) in &deployed.roles {
        all.extend(found.policies.iter().map(|(policy, document)| (format!("{role}/{policy}"), document.clone())));
        all.insert(trust_of(role), found.trust.clone());
    }
    all
}

pub fn trust_of(role: &str) -> String {
    format!("{role}'s trust")
}
