//! Trust policies.

use serde_json::{Value, json};
use std::collections::BTreeMap;
use tests::iam::{Request, RequestKind, StackPolicies, evaluate};

use crate::{
    calls::{policies, trust_of},
    policies::{list, widened_policies},
};

/// The condition keys that a service sends when it assumes a role, and that the trust policy requires.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum TrustKeys {
    Nothing,
    Account,
    AccountAndSource,
}

/// A role, the service that assumes it, and the condition keys of that service.
pub type Trusted = (&'static str, &'static str, TrustKeys);

// The Lambda developer guide ("Defining Lambda function permissions with an execution role") only requires the service principal. It names
// no condition key that Lambda sends when it assumes a role.
pub const BACKUP: [Trusted; 15] = [
    ("DiscoverVolumesRole", "lambda", TrustKeys::Nothing),
    ("SnapshotOneRole", "lambda", TrustKeys::Nothing),
    ("TagSnapshotRole", "lambda", TrustKeys::Nothing),
    ("FindExpiredRole", "lambda", TrustKeys::Nothing),
    ("DeleteOneRole", "lambda", TrustKeys::Nothing),
    ("ReportNightRole", "lambda", TrustKeys::Nothing),
    ("StateMachineRole", "states", TrustKeys::Account),
    ("ScheduleRole", "scheduler", TrustKeys::Account),
    ("DrillChooseRole", "lambda", TrustKeys::Nothing),
    ("DrillRestoreRole", "lambda", TrustKeys::Nothing),
    ("DrillCheckRole", "lambda", TrustKeys::Nothing),
    ("DrillRemoveRole", "lambda", TrustKeys::Nothing),
    ("DrillReportRole", "lambda", TrustKeys::Nothing),
    ("RestoreDrillRole", "states", TrustKeys::Account),
    ("WeeklyScheduleRole", "scheduler", TrustKeys::Account),
];

// The EC2 user guide names none for the role of an instance either.
pub const ENVIRONMENT: [Trusted; 3] = [
    ("WebServerRole", "ec2", TrustKeys::Nothing),
    ("DatabaseServerRole", "ec2", TrustKeys::Nothing),
    ("FlowLogRole", "vpc-flow-logs", TrustKeys::AccountAndSource),
];

const SERVICES: [&str; 7] = ["ec2", "ecs-tasks", "events", "lambda", "scheduler", "states", "vpc-flow-logs"];

/// Returns the problems: each role may only be assumed by its own service, for this account.
pub fn problems(deployed: &StackPolicies, trusted: &[Trusted]) -> Vec<String> {
    let named: Vec<_> = trusted.iter().map(|(role, ..)| *role).collect();
    let unnamed = deployed.roles.keys().filter(|role| !named.contains(&role.as_str()));
    let mut problems: Vec<_> = unnamed.map(|role| format!("who assumes {role}? Say so in trust.rs")).collect();
    let (mut all, mut expected) = (policies(deployed), Vec::new());
    let mut requests = Vec::new();
    for (role, service, says) in trusted {
        let trust = &deployed.roles[*role].trust;
        let widened: Vec<_> = widened_policies(trust)
            .into_iter()
            .map(|one| (format!("{role}: trust {}", one.what), one.policy))
            .collect();
        for name in [trust_of(role)].into_iter().chain(widened.iter().map(|(what, _)| what.clone())) {
            for (principal, context, identity, may) in attempts(deployed, service, *says) {
                expected.push((name.clone(), format!("{role} by {principal} with {}", json!(context)), may));
                requests.push(Request {
                    kind: RequestKind::Plain,
                    principal,
                    action: "sts:AssumeRole".to_owned(),
                    resource: deployed.roles[*role].arn.clone(),
                    context,
                    identity,
                    resource_policy: Some(name.clone()),
                });
            }
        }
        all.extend(widened);
    }
    let outcomes = evaluate(&deployed.account, &all, &requests);
    let mut noticed = BTreeMap::new();
    for ((name, told, may), outcome) in expected.into_iter().zip(outcomes) {
        let is_as_expected = (outcome == "Allowed") == may;
        match name.ends_with("'s trust") {
            true if !is_as_expected => problems.push(format!("{told}: is {outcome}")),
            true => {}
            false => *noticed.entry(name).or_insert(false) |= !is_as_expected,
        }
    }
    problems.extend(
        noticed.into_iter().filter(|(_, was)| !was).map(|(name, _)| format!("no denial depends on this: {name}")),
    );
    problems
}

type Attempt = (String, BTreeMap<String, Value>, Vec<String>, bool);

fn attempts(deployed: &StackPolicies, own: &str, says: TrustKeys) -> Vec<Attempt> {
    let of = |account: &str, source: &str| {
        let arn = json!(format!("arn:aws:ec2:us-east-1:{source}:vpc-flow-log/fl-1"));
        BTreeMap::from([("aws:SourceAccount".to_owned(), json!(account)), ("aws:SourceArn".to_owned(), arn)])
    };
    let (here, elsewhere) = (deployed.account.as_str(), "999999999999");
    let principal = |service: &str| format!("{service}.amazonaws.com");
    let mut all: Vec<Attempt> =
        SERVICES.iter().map(|one| (principal(one), of(here, here), vec![], *one == own)).collect();
    let mut by_own = |context, may| all.push((principal(own), context, vec![], may));
    by_own(BTreeMap::new(), says == TrustKeys::Nothing);
    by_own(of(elsewhere, here), says == TrustKeys::Nothing);
    by_own(of(here, elsewhere), says != TrustKeys::AccountAndSource);
    let person = format!("arn:aws:iam::{}:user/person", deployed.account);
    all.push((person, of(here, here), vec!["all".to_owned()], false));
    all
}

/// Returns the statements on every resource that break the rule: only actions that take no resource, and a condition unless they are for
/// traces.
pub fn without_resource(deployed: &StackPolicies) -> Vec<String> {
    let of_roles = deployed.roles.values().flat_map(|role| role.policies.iter());
    let statements = of_roles.chain(&deployed.managed).flat_map(|(name, policy)| {
        let statements = policy["Statement"].as_array().expect("statements");
        statements.iter().filter(|one| list(&one["Resource"]).contains(&json!("*"))).map(move |one| (name, one))
    });
    let (bare, conditional): (Vec<_>, Vec<_>) = statements.partition(|(_, one)| one["Condition"].is_null());
    let of_traces =
        |one: &Value| list(&one["Action"]).iter().all(|action| action.as_str().unwrap().starts_with("xray:"));
    let bare = bare.iter().filter(|(_, one)| !of_traces(one));
    let mut problems: Vec<_> = bare.map(|(name, one)| format!("{name} has no condition: {one}")).collect();
    let actions = conditional.iter().flat_map(|(_, one)| list(&one["Action"]));
    let requests: Vec<_> = actions
        .map(|action| Request {
            kind: RequestKind::TakesNoResource,
            principal: String::new(),
            action: action.as_str().expect("an action").to_owned(),
            resource: "*".to_owned(),
            context: BTreeMap::new(),
            identity: vec![],
            resource_policy: None,
        })
        .collect();
    let outcomes = evaluate(&deployed.account, &BTreeMap::new(), &requests);
    let wrong = requests.iter().zip(outcomes).filter(|(_, takes_none)| *takes_none != true);
    // The resource of PutMetricData is a dataset, which only exists for OTLP. Other metrics are restricted by their namespace.
    let wrong = wrong.filter(|(request, _)| request.action != "cloudwatch:PutMetricData");
    problems.extend(wrong.map(|(request, _)| format!("{} takes a resource; it is given every one", request.action)));
    problems
}
