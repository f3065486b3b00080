//! Drills that check the restored volumes on a server. `tests/tests/drill_check` tests the script that runs on the server. Here a
//! stand-in for SSM returns its output.

use aws_sdk_ec2::types::Filter;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use strict_ec2::{Rules, StrictEc2};
use tests::{cloud::Cloud, ssm::Ssm};

use crate::drill::DrillCloud;

/// Returns the instance ID of the server with this name.
async fn server(cloud: &Cloud, name: &str) -> String {
    let named = Filter::builder().name("tag:Name").values(name).build();
    let listed = cloud.ec2("us-east-1").await.describe_instances().filters(named).send().await.expect("the servers");
    listed.reservations()[0].instances()[0].instance_id().expect("an id").to_owned()
}

fn volume_of(command: &Value) -> String {
    command["Parameters"]["VolumeId"][0].as_str().expect("a volume").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drill_mounts_what_it_restored_on_a_server_and_says_what_it_found_there() {
    let (strict, ssm) = (StrictEc2::listen(Rules::default()), Ssm::listen());
    let variables = [("AWS_ENDPOINT_URL_EC2", strict.url.as_str()), ("AWS_ENDPOINT_URL_SSM", ssm.url.as_str())];
    let cloud = Cloud::up_with("drill-instance", &["RestoreDrill=true"], &variables);
    strict.forward_to(&cloud.moto());
    let instance = server(&cloud, "web-server").await;
    let given = [&format!("DrillInstance={instance}"), "DrillDocument=Check"];
    let up = cloud.run("up", &given);
    assert!(up.status.success(), "{}", String::from_utf8_lossy(&up.stderr));
    let ground = DrillCloud::on(cloud, strict).await;
    ground.night("2027-01-02").await;

    // The first poll finds no result. Then one volume has a dump, and the other has none.
    let first: std::sync::Mutex<BTreeSet<String>> = std::sync::Mutex::default();
    let dump = std::sync::Mutex::new(None::<String>);
    ssm.respond_with(move |command| {
        let volume = volume_of(command);
        if first.lock().unwrap().insert(volume.clone()) {
            return ("InProgress", String::new(), String::new());
        }
        let is_dump = *dump.lock().unwrap().get_or_insert(volume.clone()) == volume;
        let (dump, databases) = if is_dump { (json!("d.sql.gz"), json!(2)) } else { (Value::Null, Value::Null) };
        let found = json!({"fileSystem": "xfs", "files": 12, "dump": dump, "databases": databases});
        ("Success", format!("mounted\n{found}\n"), String::new())
    });
    let drill = ground.drill().await;
    assert_eq!(drill.status, "SUCCEEDED", "{} {}", drill.cause, drill.report);
    let sent = ssm.take_sent();
    assert_eq!(sent.len(), 2, "one command a volume: {sent:?}");
    assert!(
        sent.iter().all(|one| one["DocumentName"] == "Check" && one["InstanceIds"] == json!([instance])),
        "{sent:?}"
    );
    let depths: BTreeSet<_> = ground.proofs().await.values().map(|one| one["proven"]["depth"].to_string()).collect();
    assert_eq!(depths, BTreeSet::from([r#""database""#.to_owned(), r#""files""#.to_owned()]));
    assert!(ground.made().await.is_empty(), "detached and deleted");
    // Two checks chose the same device name, so the second one chose again.
    let done = |action: &str| {
        let calls = ground.strict.calls().into_iter();
        calls.filter(|call| call.action == action && call.answer == "Ok").count()
    };
    assert_eq!((done("AttachVolume"), done("DetachVolume")), (2, 2));

    ssm.respond_with(|_| ("Failed", String::new(), "xfs_repair found errors\n".to_owned()));
    let drill = ground.drill().await;
    assert_eq!(drill.error, "DrillIncomplete", "{}", drill.cause);
    let mail = ground.cloud.mail(&ground.mailbox).await;
    assert!(mail.len() == 1 && mail[0].1.contains("xfs_repair found errors"), "{mail:?}");
    assert!(ground.made().await.is_empty(), "detached and deleted all the same");
}
