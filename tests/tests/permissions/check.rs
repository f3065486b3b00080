//! Evaluates calls against the policies: the allowed ones, the denied ones, and whether each restriction of a policy denies a call.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use tests::iam::{Request, RequestKind, StackPolicies, evaluate};

use crate::{
    calls::{By, Call, policies},
    policies::widened_policies,
    requests::{Denied, Free, denied_for_others, mutations},
};

/// Actions that are allowed although nobody calls them: the principal, the start of the action, and the reason.
const ALSO: [(By, &str, &str); 2] = [
    (
        By::Service("cloudwatch.amazonaws.com"),
        "kms:GenerateDataKey",
        "CloudWatch user guide, \"Notifying users on alarm changes\": an encrypted topic's key needs GenerateDataKey*",
    ),
    (
        By::Service("events.amazonaws.com"),
        "kms:GenerateDataKey",
        "SNS developer guide, \"Key management\": an encrypted topic's key needs GenerateDataKey*",
    ),
];

/// Returns the problems. The list is empty if the policies allow these calls and no others.
pub fn problems(deployed: &StackPolicies, calls: &[Call], free: &[Free]) -> Vec<String> {
    let mut denied: Vec<_> = calls.iter().flat_map(|call| mutations(deployed, call, free)).collect();
    denied.extend(denied_for_others(calls));
    // A mutation may equal another call of the same role.
    denied.retain(|one| !calls.contains(&one.call));
    let policies = policies(deployed);
    let mut problems = held(deployed, &policies, calls, &denied, free);
    let idle =
        deployed.roles.keys().filter(|role| !calls.iter().any(|call| matches!(call.by, By::Role(by) if by == *role)));
    problems.extend(idle.map(|role| format!("what does {role} do? Say so in the table of calls")));
    problems.extend(neighbours(deployed, &policies, calls));
    denied.retain(|one| one.free.is_none());
    problems.extend(survivors(deployed, &policies, calls, &denied));
    problems
}

fn told(call: &Call) -> String {
    format!("{:?}: {} on {} with {}", call.by, call.action, call.on, serde_json::json!(call.context))
}

/// Returns the wrong outcomes of allowed and denied calls. Validates as many requests as time allows.
fn held(
    deployed: &StackPolicies,
    policies: &BTreeMap<String, Value>,
    calls: &[Call],
    denied: &[Denied],
    free: &[Free],
) -> Vec<String> {
    // DescribeLogGroups takes no resource in the Service Authorization Reference, but takes one in the CloudWatch Logs documentation.
    let kind =
        |call: &Call| if call.action == "logs:DescribeLogGroups" { RequestKind::Plain } else { RequestKind::Checked };
    let mut requests: Vec<_> = calls.iter().map(|call| call.request(deployed, kind(call))).collect();
    requests.extend(denied.iter().map(|one| one.call.request(deployed, RequestKind::Plain)));
    let outcomes = evaluate(&deployed.account, policies, &requests);
    let (allowed, refused) = outcomes.split_at(calls.len());
    let unwell = calls.iter().zip(allowed).filter(|(_, outcome)| *outcome != "Allowed");
    let mut problems: Vec<_> =
        unwell.map(|(call, outcome)| format!("must be allowed, is {outcome}: {}", told(call))).collect();
    let mut used = BTreeSet::new();
    for (one, _) in denied.iter().zip(refused).filter(|(_, outcome)| *outcome == "Allowed") {
        match one.free {
            Some(reason) => drop(used.insert(reason)),
            None => problems.push(format!("must be denied ({}), is allowed: {}", one.why, told(&one.call))),
        }
    }
    let unused = free.iter().enumerate().filter(|(at, _)| !used.contains(at));
    problems.extend(unused.map(|(_, one)| {
        format!("{} is denied where {}, so that is no longer excused: {}", one.action, one.why, one.reason)
    }));
    problems
}

/// Returns the allowed actions that no call has, for every service that a principal uses.
fn neighbours(deployed: &StackPolicies, policies: &BTreeMap<String, Value>, calls: &[Call]) -> Vec<String> {
    let asked: Vec<_> = calls.iter().filter(|call| call.by != By::Admin).collect();
    let requests: Vec<_> = asked.iter().map(|call| call.request(deployed, RequestKind::Neighbours)).collect();
    let outcomes = evaluate(&deployed.account, policies, &requests);
    let mut problems = BTreeSet::new();
    for (call, outcome) in asked.iter().zip(outcomes) {
        let own: BTreeSet<_> = calls.iter().filter(|one| one.by == call.by).map(|one| one.action.as_str()).collect();
        for action in outcome.as_array().expect("actions").iter().map(|action| action.as_str().expect("an action")) {
            let is_excused = ALSO.iter().any(|(by, start, _)| call.by == *by && action.starts_with(start));
            if !own.contains(action) && !is_excused {
                problems.insert(format!("{:?} may {action} on {} as well", call.by, call.on));
            }
        }
    }
    problems.into_iter().collect()
}

/// Returns the restrictions without effect: without them the outcome of every call is the same.
fn survivors(
    deployed: &StackPolicies,
    policies: &BTreeMap<String, Value>,
    calls: &[Call],
    denied: &[Denied],
) -> Vec<String> {
    let all = calls.iter().map(|call| (call, true)).chain(denied.iter().map(|one| (&one.call, false)));
    let all: Vec<(Request, bool)> = all.map(|(call, may)| (call.request(deployed, RequestKind::Plain), may)).collect();
    let (mut widened, mut requests, mut expected, mut owners) = (policies.clone(), Vec::new(), Vec::new(), Vec::new());
    let is_asked = |name: &String| {
        all.iter().any(|(request, _)| request.identity.contains(name) || request.resource_policy.as_ref() == Some(name))
    };
    for (name, policy) in policies.iter().filter(|(name, _)| is_asked(name)) {
        for one in widened_policies(policy) {
            let what = format!("{name}, {}", one.what);
            widened.insert(what.clone(), one.policy);
            let put = |used: &String| if used == name { what.clone() } else { used.clone() };
            for (request, may) in &all {
                if !request.identity.contains(name) && request.resource_policy.as_ref() != Some(name) {
                    continue;
                }
                let identity = request.identity.iter().map(put).collect();
                let resource_policy = request.resource_policy.as_ref().map(put);
                requests.push(Request { identity, resource_policy, ..request.clone() });
                expected.push(*may);
                owners.push(what.clone());
            }
        }
    }
    let names: BTreeSet<_> = widened.keys().filter(|name| !policies.contains_key(*name)).cloned().collect();
    let outcomes = evaluate(&deployed.account, &widened, &requests);
    let noticed =
        outcomes.iter().zip(expected).zip(owners).filter(|((outcome, may), _)| (*outcome == "Allowed") != *may);
    let noticed: BTreeSet<_> = noticed.map(|(_, owner)| owner).collect();
    names.difference(&noticed).map(|name| format!("no denial depends on this: {name}")).collect()
}
