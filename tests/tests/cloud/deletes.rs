//! Expired snapshots that cannot be deleted. None of them prevents another deletion.

use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use strict_ec2::{Fault, Rules, StrictEc2};
use tests::{
    cloud::{Cloud, WITHOUT_SERVERS},
    ids,
};

fn set(of: &[&str]) -> BTreeSet<String> {
    of.iter().map(|id| id.to_string()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_in_use_is_kept_one_gone_is_done_a_locked_or_denied_one_is_mailed_and_the_others_go() {
    let strict = StrictEc2::listen(Rules::default());
    let cloud = Cloud::up_with(
        "deletes",
        &["Keep=Daily=1,Quarterly=5,Annual=forever"],
        &[("AWS_ENDPOINT_URL_EC2", &strict.url), WITHOUT_SERVERS],
    );
    strict.forward_to(&cloud.ministack());
    cloud.attach_volumes(6).await;
    let mailbox = cloud.mailbox().await;
    let first = cloud.night(json!({"time": "2027-02-01T04:30:00Z"})).await;
    assert_eq!(first.status, "SUCCEEDED", "{}", first.cause);
    let made = ids(&first.report["regions"][0]["protected"], "snapshotId");
    let [in_use, gone, locked, denied, busy, free] = made.iter().map(String::as_str).collect::<Vec<_>>()[..] else {
        panic!("six snapshots: {made:?}")
    };

    strict.use_in_ami(in_use, "ami-1");
    strict.lock(locked);
    let of = |id: &str| {
        let id = id.to_owned();
        move |call: &strict_ec2::Call| call.action == "DeleteSnapshot" && call.snapshot_id() == Some(&id)
    };
    strict.inject(Fault::Denied, of(denied));
    let code = |code: &str| Fault::Refused { status: 400, code: code.to_owned(), message: "it is gone".to_owned() };
    strict.inject(code("InvalidSnapshot.NotFound"), of(gone));
    let (is_busy, mut times) = (of(busy), 0);
    strict.inject(Fault::Throttled, move |call| {
        times += usize::from(is_busy(call));
        is_busy(call) && times <= 14
    });
    let night = cloud.night(json!({"time": "2027-02-02T04:30:00Z"})).await;
    assert_eq!((night.status.as_str(), night.error.as_str()), ("FAILED", "NightIncomplete"));
    let region = &night.report["regions"][0];
    // The fault says that the snapshot is gone, but moto still lists it. So it is reported as still listed.
    assert_eq!(ids(&region["expired"], "snapshotId"), set(&[busy, free]));
    assert_eq!(ids(&region["stillListed"], "snapshotId"), set(&[in_use, gone]));
    assert_eq!(ids(&region["failures"], "subject"), set(&[locked, denied]));
    assert!(region["unprotected"].as_array().is_some_and(Vec::is_empty));
    let ec2 = cloud.ec2_at(cloud.ministack(), "us-east-1").await;
    let listed = ec2.describe_snapshots().owner_ids("self").send().await.expect("snapshots");
    let left: BTreeSet<_> = listed.snapshots().iter().map(|one| one.snapshot_id().expect("an id").to_owned()).collect();
    assert_eq!(left.intersection(&made).cloned().collect::<BTreeSet<_>>(), set(&[in_use, gone, locked, denied]));

    let mail = cloud.mail(&mailbox).await;
    assert_eq!(mail.len(), 1, "{mail:?}");
    assert!(mail[0].0.ends_with("2 deletions failed"), "{mail:?}");
    let told = BTreeMap::from([(locked, "OperationNotPermitted"), (denied, "UnauthorizedOperation")]);
    for (snapshot, code) in told {
        for line in [format!("  - DeleteExpired of {snapshot}"), format!("  error  DeleteSnapshot: {code}")] {
            assert!(mail[0].1.contains(&line), "{line}: {mail:?}");
        }
    }

    // A snapshot that is really gone is not reported. An earlier attempt or a person deleted it.
    strict.clear_faults();
    ec2.delete_snapshot().snapshot_id(gone).send().await.expect("deleted");
    let third = cloud.night(json!({"time": "2027-02-03T04:30:00Z"})).await;
    let region = &third.report["regions"][0];
    assert!(ids(&region["expired"], "snapshotId").contains(denied), "{region}");
    assert_eq!(ids(&region["failures"], "subject"), set(&[locked]));
}
