//! Who may assume a role.

use serde_json::{Value, json};
use std::collections::BTreeMap;
use tests::iam::{Deployed, Kind, Request, evaluate};

use crate::{
    calls::{policies, trust_of},
    policies::{list, wider},
};

/// A role, the service that assumes it, and whether that says for which account.
pub type Trusted = (&'static str, &'static str, bool);

// Lambda sends neither aws:SourceAccount nor aws:SourceArn as it assumes a role: with either asked for, CreateFunction says that
// the role cannot be assumed by Lambda.
pub const BACKUP: [Trusted; 12] = [
    ("DiscoverVolumesRole", "lambda", false),
    ("SnapshotOneRole", "lambda", false),
    ("TagSnapshotRole", "lambda", false),
    ("FindExpiredRole", "lambda", false),
    ("DeleteOneRole", "lambda", false),
    ("ReportNightRole", "lambda", false),
    ("StateMachineRole", "states", true),
    ("UnreportedNightRole", "states", true),
    ("LateFailureRole", "states", true),
    ("ScheduleRole", "scheduler", true),
    ("NightEndedBadlyRole", "events", true),
    ("SnapshotFailedRole", "events", true),
];

// Nor does EC2, for an instance's role.
pub const ENVIRONMENT: [Trusted; 2] = [("InstanceRole", "ec2", false), ("FlowLogRole", "vpc-flow-logs", true)];

const SERVICES: [&str; 7] = ["ec2", "ecs-tasks", "events", "lambda", "scheduler", "states", "vpc-flow-logs"];

/// Each role by its own service, for this account, and by nobody else.
pub fn problems(deployed: &Deployed, trusted: &[Trusted]) -> Vec<String> {
    let named: Vec<_> = trusted.iter().map(|(role, ..)| *role).collect();
    let unnamed = deployed.roles.keys().filter(|role| !named.contains(&role.as_str()));
    let mut problems: Vec<_> = unnamed.map(|role| format!("who assumes {role}? Say so in trust.rs")).collect();
    let (mut all, mut expected) = (policies(deployed), Vec::new());
    let mut requests = Vec::new();
    for (role, service, is_scoped) in trusted {
        let trust = &deployed.roles[*role].trust;
        let wider: Vec<_> =
            wider(trust).into_iter().map(|one| (format!("{role}: trust {}", one.what), one.policy)).collect();
        for name in [trust_of(role)].into_iter().chain(wider.iter().map(|(what, _)| what.clone())) {
            for (principal, context, identity, may) in attempts(deployed, service, *is_scoped) {
                expected.push((name.clone(), format!("{role} by {principal} with {}", json!(context)), may));
                requests.push(Request {
                    kind: Kind::Plain,
                    principal,
                    action: "sts:AssumeRole".to_owned(),
                    resource: deployed.roles[*role].arn.clone(),
                    context,
                    identity,
                    resource_policy: Some(name.clone()),
                });
            }
        }
        all.extend(wider);
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

fn attempts(deployed: &Deployed, own: &str, is_scoped: bool) -> Vec<Attempt> {
    let of = |account: &str| {
        let arn = json!(format!("arn:aws:ec2:us-east-1:{account}:vpc-flow-log/fl-1"));
        BTreeMap::from([("aws:SourceAccount".to_owned(), json!(account)), ("aws:SourceArn".to_owned(), arn)])
    };
    let principal = |service: &str| format!("{service}.amazonaws.com");
    let mut all: Vec<Attempt> =
        SERVICES.iter().map(|one| (principal(one), of(&deployed.account), vec![], *one == own)).collect();
    if is_scoped {
        all.push((principal(own), of("999999999999"), vec![], false));
        all.push((principal(own), BTreeMap::new(), vec![], false));
    } else {
        all.push((principal(own), BTreeMap::new(), vec![], true));
    }
    let person = format!("arn:aws:iam::{}:user/person", deployed.account);
    all.push((person, of(&deployed.account), vec!["all".to_owned()], false));
    all
}

/// A statement on every resource is for actions that take none, and it has a condition.
pub fn without_resource(deployed: &Deployed) -> Vec<String> {
    let of_roles = deployed.roles.values().flat_map(|role| role.policies.iter());
    let statements = of_roles.chain(&deployed.managed).flat_map(|(name, policy)| {
        let statements = policy["Statement"].as_array().expect("statements");
        statements.iter().filter(|one| list(&one["Resource"]).contains(&json!("*"))).map(move |one| (name, one))
    });
    let (bare, conditional): (Vec<_>, Vec<_>) = statements.partition(|(_, one)| one["Condition"].is_null());
    let mut problems: Vec<_> = bare.iter().map(|(name, one)| format!("{name} has no condition: {one}")).collect();
    let actions = conditional.iter().flat_map(|(_, one)| list(&one["Action"]));
    let requests: Vec<_> = actions
        .map(|action| Request {
            kind: Kind::TakesNoResource,
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
    problems.extend(wrong.map(|(request, _)| format!("{} takes a resource; it is given every one", request.action)));
    problems
}
