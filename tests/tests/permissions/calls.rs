//! A call to AWS: who makes it, on what, and what AWS knows of it.

use serde_json::{Value, json};
use std::collections::BTreeMap;
use tests::iam::{Deployed, Kind, Request};

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum By {
    /// A role of the stack, by its logical id.
    Role(&'static str),
    /// A managed policy of the stack, by its logical id, in the hands of a person.
    Person(&'static str),
    /// A service, by its principal's name.
    Service(&'static str),
    /// Somebody of this account whose own policies allow everything.
    Admin,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    pub by: By,
    pub action: String,
    pub on: String,
    pub context: BTreeMap<String, Value>,
    /// The resource whose policy is asked as well, by its logical id.
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

    /// Asks the same elsewhere.
    pub fn in_region(&self, region: &str) -> Self {
        let moved = |value: &Value| match value {
            Value::String(text) => json!(text.replace("us-east-1", region)),
            other => other.clone(),
        };
        let context = self.context.iter().map(|(key, value)| (key.clone(), moved(value))).collect();
        Self { on: self.on.replace("us-east-1", region), context, ..self.clone() }
    }

    /// The request, with the policies under the names that [`policies`] gives them.
    pub fn request(&self, deployed: &Deployed, kind: Kind) -> Request {
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

    /// Whether what allows this call allows `other` too: the same action on the same resource, with nothing less known of it.
    pub fn asks_as(&self, other: &Self) -> bool {
        let context = |call: &Self| {
            let mut context = call.context.clone();
            // What a service adds to a call of its own.
            context.retain(|key, _| !key.starts_with("aws:Source"));
            context
        };
        let (own, others) = (context(self), context(other));
        (&self.action, &self.on) == (&other.action, &other.on)
            && own.iter().all(|(key, value)| others.get(key) == Some(value))
    }
}

/// Every policy by the name under which requests know it.
pub fn policies(deployed: &Deployed) -> BTreeMap<String, Value> {
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
