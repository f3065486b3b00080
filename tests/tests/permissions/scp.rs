//! The service control policy of docs/operating.md. It allows only the roles of the backup to write the tags that decide on deletions.

use serde_json::{Value, json};
use std::collections::BTreeMap;
use tests::{
    iam::{Request, RequestKind, evaluate},
    text,
};

const ACCOUNT: &str = "000000000000";
const SNAPSHOT: &str = "arn:aws:ec2:us-east-1::snapshot/snap-1";
const BACKUP: &str = "arn:aws:iam::000000000000:role/nightly-backup-SnapshotOneRole-ABC";
const PERSON: &str = "arn:aws:iam::000000000000:role/admin";

fn policy() -> Value {
    let page = text("docs/operating.md");
    let (_, after) = page.split_once("## A tag is a licence to delete").expect("the section");
    let (_, block) = after.split_once("```json\n").expect("the policy");
    let (block, _) = block.split_once("```").expect("its end");
    serde_json::from_str(block).expect("JSON")
}

/// The principal, the call, its tag keys, and whether the policy allows it.
type Attempt = (&'static str, &'static str, Option<&'static [&'static str]>, bool);

const ATTEMPTS: [Attempt; 9] = [
    (BACKUP, "ec2:CreateTags", Some(&["BackupStack", "Night", "Interval", "Intervals", "Plan", "SnapshotOf"]), true),
    (PERSON, "ec2:CreateTags", Some(&["BackupStack"]), false),
    (PERSON, "ec2:CreateTags", Some(&["Team", "interval"]), false),
    (PERSON, "ec2:CreateTags", Some(&["Team"]), true),
    (PERSON, "ec2:CreateTags", Some(&["Name", "RestoreAs"]), true),
    (PERSON, "ec2:DeleteTags", Some(&["Night"]), false),
    (PERSON, "ec2:DeleteTags", Some(&["Team"]), true),
    // Without keys the call deletes every tag.
    (PERSON, "ec2:DeleteTags", None, false),
    (PERSON, "ec2:CreateSnapshot", None, true),
];

fn outcomes(policy: Value) -> Vec<bool> {
    let request = |&(principal, action, keys, _): &Attempt| {
        let mut context = BTreeMap::from([("aws:PrincipalArn".to_owned(), json!(principal))]);
        context.extend(keys.map(|keys| ("aws:TagKeys".to_owned(), json!(keys))));
        Request {
            kind: RequestKind::Plain,
            principal: principal.to_owned(),
            action: action.to_owned(),
            resource: SNAPSHOT.to_owned(),
            context,
            // A Deny has the same effect in an identity policy and in a service control policy.
            identity: vec!["all".to_owned(), "scp".to_owned()],
            resource_policy: None,
        }
    };
    let policies = BTreeMap::from([("scp".to_owned(), policy)]);
    let requests: Vec<_> = ATTEMPTS.iter().map(request).collect();
    evaluate(ACCOUNT, &policies, &requests).into_iter().map(|outcome| outcome == "Allowed").collect()
}

#[test]
fn the_policy_of_the_page_lets_only_the_backup_write_its_tags() {
    for (attempt, passes) in ATTEMPTS.iter().zip(outcomes(policy())) {
        assert_eq!(passes, attempt.3, "{attempt:?}");
    }
    // Without either statement the result differs.
    for number in 0..2 {
        let mut less = policy();
        less["Statement"].as_array_mut().expect("statements").remove(number);
        assert!(ATTEMPTS.iter().zip(outcomes(less)).any(|(attempt, passes)| passes != attempt.3), "statement {number}");
    }
}
