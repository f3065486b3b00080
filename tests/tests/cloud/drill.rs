//! Restore drills: proven and unproven restore points. A drill leaves no volume behind.

use aws_sdk_ec2::types::{ResourceType, Tag, TagSpecification};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::atomic::{AtomicBool, Ordering},
};
use strict_ec2::{Fault, NewVolumes, Rules, SnapshotState, StrictEc2, VolumeState};
use tests::{
    cloud::{Cloud, Night},
    wait,
};

/// Three Nights, one of which is the newest for each Interval.
const NIGHTS: [&str; 3] = ["2026-12-31", "2027-01-01", "2027-01-02"];

/// A local cloud with a drill in its stack, and the strict EC2 in front of it.
pub struct DrillCloud {
    pub cloud: Cloud,
    pub strict: StrictEc2,
    pub mailbox: String,
    /// Volume IDs of the two servers.
    pub volumes: BTreeSet<String>,
}

impl DrillCloud {
    /// Starts a cloud without restore points.
    pub async fn lay(name: &str, parameters: &[&str]) -> Self {
        let strict = StrictEc2::listen(Rules::default());
        let parameters = [&["RestoreDrill=true"], parameters].concat();
        let cloud = Cloud::up_with(name, &parameters, &[("AWS_ENDPOINT_URL_EC2", &strict.url)]);
        strict.forward_to(&cloud.moto());
        Self::on(cloud, strict).await
    }

    /// Uses a cloud that is already up.
    pub async fn on(cloud: Cloud, strict: StrictEc2) -> Self {
        let mailbox = cloud.mailbox().await;
        let volumes = cloud.ec2("us-east-1").await.describe_volumes().send().await.expect("the volumes");
        let volumes = volumes.volumes().iter().map(|one| one.volume_id().expect("an id").to_owned()).collect();
        Self { cloud, strict, mailbox, volumes }
    }

    /// Backs up one Night.
    pub async fn night(&self, night: &str) {
        let ended = self.cloud.night(json!({"time": format!("{night}T04:30:00Z")})).await;
        assert_eq!(ended.status, "SUCCEEDED", "{}", ended.cause);
    }

    /// Drills every volume.
    pub async fn drill(&self) -> Night {
        self.cloud.drill(json!({"all": true, "time": "2027-01-03T12:00:00Z"})).await
    }

    /// Returns the volumes that do not belong to the servers, with their tags.
    pub async fn made(&self) -> BTreeMap<String, BTreeMap<String, String>> {
        let volumes = self.cloud.ec2("us-east-1").await.describe_volumes().send().await.expect("the volumes");
        let others = volumes
            .volumes
            .unwrap_or_default()
            .into_iter()
            .filter(|one| !self.volumes.contains(one.volume_id().unwrap()));
        let tags = |tags: &[Tag]| {
            tags.iter().map(|tag| (tag.key().unwrap().to_owned(), tag.value().unwrap().to_owned())).collect()
        };
        others.map(|one| (one.volume_id.clone().expect("an id"), tags(one.tags()))).collect()
    }

    /// Creates a volume with these tags, like a person.
    pub async fn make(&self, tags: &[(&str, &str)]) -> String {
        let tags = tags.iter().map(|(key, value)| Tag::builder().key(*key).value(*value).build()).collect();
        let tags = TagSpecification::builder().resource_type(ResourceType::Volume).set_tags(Some(tags)).build();
        let make = self.cloud.ec2("us-east-1").await.create_volume().availability_zone("us-east-1a").size(1);
        make.tag_specifications(tags).send().await.expect("a volume").volume_id.expect("an id")
    }

    /// Returns the snapshots of a volume by Night.
    pub async fn snapshots_of(&self, volume: &str) -> BTreeMap<String, String> {
        let snapshots = self.cloud.ec2("us-east-1").await.describe_snapshots().owner_ids("self").send().await;
        let snapshots = snapshots.expect("snapshots").snapshots.unwrap_or_default();
        let of_volume = snapshots.into_iter().filter(|one| one.volume_id() == Some(volume));
        let night =
            |tags: &[Tag]| tags.iter().find(|tag| tag.key() == Some("Night")).unwrap().value().unwrap().to_owned();
        of_volume.map(|one| (night(one.tags()), one.snapshot_id.expect("an id"))).collect()
    }

    /// Returns the proofs in the ledger by volume.
    pub async fn proofs(&self) -> BTreeMap<String, Value> {
        let s3 = aws_sdk_s3::Client::new(&self.cloud.aws().await);
        let got =
            s3.get_object().bucket(self.cloud.exported("LEDGER_BUCKET")).key("proofs/us-east-1.jsonl").send().await;
        let body = got.expect("the proofs").body.collect().await.expect("its body").into_bytes();
        let lines = String::from_utf8(body.to_vec()).expect("text");
        let proofs = lines.lines().map(|line| serde_json::from_str::<Value>(line).expect("a proof"));
        proofs.map(|proof| (proof["volumeId"].as_str().expect("an id").to_owned(), proof)).collect()
    }
}

/// Returns `(volume, Night)` of each entry in a list of the only Region of the report.
fn listed(drill: &Night, list: &str) -> BTreeSet<(String, String)> {
    let entries = drill.report["regions"][0][list].as_array().unwrap_or_else(|| panic!("{list}: {}", drill.report));
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    entries.iter().map(|entry| (text(&entry["volumeId"]), text(&entry["night"]))).collect()
}

fn pairs<'a>(volumes: &BTreeSet<String>, nights: impl Iterator<Item = &'a str> + Clone) -> BTreeSet<(String, String)> {
    volumes.iter().flat_map(|volume| nights.clone().map(|night| (volume.clone(), night.to_owned()))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drill_proves_the_newest_of_each_interval_and_leaves_nothing_behind() {
    let ground = DrillCloud::lay("drill", &["DrillVolumes=2"]).await;
    for night in ["2026-12-30"].into_iter().chain(NIGHTS) {
        ground.night(night).await;
    }
    // Volumes of another stack, of no drill, and of a drill of this stack that was stopped.
    let others = [
        ground.make(&[("RestoreDrill", "another-stack")]).await,
        ground.make(&[("BackupStack", "nightly-backup")]).await,
    ];
    ground.make(&[("RestoreDrill", "nightly-backup"), ("DrillExecution", "a-dead-one")]).await;
    let snapshots = ground.cloud.snapshots().await;

    ground.strict.forget_calls();
    let drill = ground.drill().await;
    assert_eq!(drill.status, "SUCCEEDED", "{} {}", drill.error, drill.cause);
    assert!(ground.cloud.mail(&ground.mailbox).await.is_empty(), "nothing to tell");
    assert_eq!(listed(&drill, "proven"), pairs(&ground.volumes, NIGHTS.into_iter()));
    assert!(listed(&drill, "unproven").is_empty());
    assert_eq!(ground.made().await.into_keys().collect::<BTreeSet<_>>(), BTreeSet::from(others.clone()));
    assert_eq!(ground.cloud.snapshots().await, snapshots);
    let calls = ground.strict.calls();
    let about = |action: &str| {
        let calls = calls.iter().filter(|call| call.action == action);
        calls.filter_map(|call| call.subject.clone()).collect::<Vec<_>>()
    };
    let deleted = about("DeleteVolume");
    assert!(deleted.iter().all(|volume| !ground.volumes.contains(volume) && !others.contains(volume)), "{deleted:?}");
    assert_eq!((about("CreateVolume").len(), deleted.len()), (6, 7));
    holds_at_most(2, &calls);

    let proofs = ground.proofs().await;
    assert_eq!(proofs.keys().cloned().collect::<BTreeSet<_>>(), ground.volumes);
    for proof in proofs.values() {
        assert_eq!((&proof["proven"]["night"], &proof["proven"]["depth"]), (&json!("2027-01-02"), &json!("volume")));
        assert!(proof["proven"]["seconds"].is_u64() && proof["unproven"].is_null(), "{proof}");
    }
    let said = |arguments: &[&str]| {
        let output = ground.cloud.nightly(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let (drilled, coverage) = (said(&["drill", "--all"]), said(&["coverage"]));
    assert!(drilled.contains("everything proven") && coverage.contains("Restored"), "{drilled}{coverage}");
    for volume in &ground.volumes {
        assert_eq!(drilled.matches(volume.as_str()).count(), 3, "one of each Interval: {drilled}");
        let row = coverage.lines().find(|line| line.starts_with(volume.as_str())).expect("its row");
        assert!(row.ends_with("covered") && !row.contains("never"), "{row}");
    }
    // With two volumes in four weeks the sample is one volume, the one drilled longest ago.
    for expected in &ground.volumes {
        let week = ground.cloud.drill(json!({})).await;
        assert_eq!(week.status, "SUCCEEDED", "{}", week.cause);
        assert_eq!(listed(&week, "proven"), pairs(&BTreeSet::from([expected.clone()]), NIGHTS.into_iter()));
    }
}

/// Asserts that no more than `most` volumes exist at once. The next volume is created once one is deleted.
fn holds_at_most(most: usize, calls: &[strict_ec2::Record]) {
    let mut held = 0;
    for call in calls.iter().filter(|call| call.answer == "Ok") {
        match call.action.as_str() {
            "CreateVolume" => held += 1,
            "DeleteVolume" => held = usize::saturating_sub(held, 1),
            _ => {}
        }
        assert!(held <= most, "{held} volumes at once");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_proven_is_mailed_and_the_rest_is_proven_all_the_same() {
    let ground = DrillCloud::lay("drill-unproven", &[]).await;
    for night in NIGHTS {
        ground.night(night).await;
    }
    let volumes: Vec<_> = ground.volumes.iter().cloned().collect();
    let (first, second) = (ground.snapshots_of(&volumes[0]).await, ground.snapshots_of(&volumes[1]).await);
    // Neither is a restore point, so the previous Night is the newest daily.
    ground.strict.set_state(&first["2027-01-02"], SnapshotState::Pending);
    ground.strict.set_state(&second["2027-01-02"], SnapshotState::Error);
    // One snapshot is deleted while the first volume is created. From another one EBS fails to create a volume.
    let (vanishing, failing) = (first["2027-01-01"].clone(), second["2026-12-31"].clone());
    let (ec2, gone) = (ground.cloud.ec2("us-east-1").await, AtomicBool::new(false));
    let vanished = vanishing.clone();
    let is_first = std::sync::Arc::new(gone);
    ground.strict.before(move |call| {
        let (ec2, vanishing, is_first) = (ec2.clone(), vanishing.clone(), is_first.clone());
        Box::pin(async move {
            if call.action == "CreateVolume" && !is_first.swap(true, Ordering::SeqCst) {
                ec2.delete_snapshot().snapshot_id(vanishing).send().await.expect("it vanishes");
            }
        })
    });
    ground.strict.set_rules(Rules::default().new_volumes(NewVolumes::StayCreating));
    let drill = ground.cloud.start("DRILL_STATE_MACHINE_ARN", json!({"all": true})).await;
    let mut told = BTreeSet::new();
    wait::until_some("three volumes are made", async || {
        for (volume, of) in ground.made_from().await {
            if told.insert(volume.clone()) {
                let state = if of == failing { VolumeState::Error } else { VolumeState::Available };
                ground.strict.set_volume_state(&volume, state);
            }
        }
        (told.len() == 3).then_some(())
    })
    .await;
    let drill = ground.cloud.ended(drill).await;
    ground.strict.before(|_| Box::pin(async {}));
    assert_eq!((drill.status.as_str(), drill.error.as_str()), ("FAILED", "DrillIncomplete"), "{}", drill.cause);
    let unproven = [(volumes[0].clone(), "2027-01-01".to_owned()), (volumes[1].clone(), "2026-12-31".to_owned())];
    assert_eq!(listed(&drill, "unproven"), BTreeSet::from(unproven));
    let proven = [(volumes[0].clone(), "2026-12-31".to_owned()), (volumes[1].clone(), "2027-01-01".to_owned())];
    assert_eq!(listed(&drill, "proven"), BTreeSet::from(proven));
    assert!(ground.made().await.is_empty(), "{:?}", ground.made().await);

    let mail = ground.cloud.mail(&ground.mailbox).await;
    assert_eq!(mail.len(), 1, "{mail:?}");
    for word in [&volumes[0], &volumes[1], &vanished, &failing, "2027-01-01", "2026-12-31", "nightly drill"] {
        assert!(mail[0].1.contains(word), "{word}: {}", mail[0].1);
    }
    assert!(mail[0].0.contains("2 of 4 restore points not proven"), "{}", mail[0].0);
    let proofs = ground.proofs().await;
    assert_eq!(proofs[&volumes[0]]["proven"]["night"], "2026-12-31");
    assert_eq!(proofs[&volumes[0]]["unproven"][0]["snapshotId"], vanished.as_str());
}

impl DrillCloud {
    /// Returns the volumes that a drill created, with their snapshots.
    async fn made_from(&self) -> BTreeMap<String, String> {
        let volumes = self.cloud.ec2("us-east-1").await.describe_volumes().send().await.expect("the volumes");
        let made = volumes
            .volumes
            .unwrap_or_default()
            .into_iter()
            .filter(|one| one.tags().iter().any(|tag| tag.key() == Some("RestoreDrill")));
        made.map(|one| (one.volume_id.expect("an id"), one.snapshot_id.expect("a snapshot"))).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_input_in_a_later_region_is_refused_before_anything_is_made_in_any() {
    let ground = DrillCloud::lay("drill-regions", &["Regions=us-east-1,eu-west-1", "DrillZones=eu-west-1x"]).await;
    ground.night(NIGHTS[2]).await;
    ground.strict.forget_calls();
    let refused = ground.drill().await;
    assert_eq!((refused.status.as_str(), refused.error.as_str()), ("FAILED", "DrillIncomplete"), "{}", refused.cause);
    assert!(refused.cause.starts_with("BadInput: ") && refused.cause.contains("eu-west-1x"), "{}", refused.cause);
    assert_eq!(ground.cloud.mail(&ground.mailbox).await.len(), 1, "reported once");
    assert_eq!(ground.strict.count("CreateVolume"), 0);

    // A failure in one Region does not stop the others.
    ground.cloud.run("up", &["RestoreDrill=true", "Regions=us-east-1,eu-west-1", "DrillZones="]);
    ground
        .strict
        .inject(Fault::Denied, |call| call.action == "DescribeAvailabilityZones" && call.region == "eu-west-1");
    let drill = ground.drill().await;
    assert_eq!(drill.error, "DrillIncomplete", "{}", drill.cause);
    assert_eq!(listed(&drill, "proven"), pairs(&ground.volumes, [NIGHTS[2]].into_iter()));
    assert!(drill.report["regions"][1]["failures"][0].to_string().contains("DrillChoose"), "{}", drill.report);
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_input_and_a_second_drill_are_refused_before_anything_is_made() {
    let ground = DrillCloud::lay("drill-refused", &["DrillGiB=10"]).await;
    ground.night(NIGHTS[2]).await;
    ground.strict.forget_calls();
    for (input, named) in
        [(json!({"tiem": "x"}), "tiem"), (json!({"time": "sunday"}), "sunday"), (json!({"all": 1}), "all")]
    {
        let refused = ground.cloud.drill(input).await;
        assert_eq!(
            (refused.status.as_str(), refused.error.as_str()),
            ("FAILED", "DrillIncomplete"),
            "{}",
            refused.cause
        );
        assert!(refused.cause.starts_with("BadInput: ") && refused.cause.contains(named), "{}", refused.cause);
        assert_eq!(ground.cloud.mail(&ground.mailbox).await.len(), 1, "told once");
    }
    // Each restore point has 20 GiB, which is more than DrillGiB.
    let drill = ground.drill().await;
    assert_eq!(drill.error, "DrillIncomplete", "{}", drill.cause);
    assert_eq!(listed(&drill, "unproven"), pairs(&ground.volumes, [NIGHTS[2]].into_iter()));
    let mail = ground.cloud.mail(&ground.mailbox).await;
    assert!(mail.len() == 1 && mail[0].1.contains("DrillGiB"), "{mail:?}");
    assert_eq!(ground.strict.count("CreateVolume"), 0);

    ground.cloud.run("up", &["RestoreDrill=true", "DrillGiB=100"]);
    ground.strict.set_rules(Rules::default().new_volumes(NewVolumes::StayCreating));
    let first = ground.cloud.start("DRILL_STATE_MACHINE_ARN", json!({"all": true})).await;
    wait::until_some("two volumes are made", async || (ground.made().await.len() == 2).then_some(())).await;
    let second = ground.cloud.drill(json!({"all": true})).await;
    assert!(
        second.cause.starts_with("BadInput: ") && second.cause.contains("another drill is running"),
        "{}",
        second.cause
    );
    assert_eq!(ground.made().await.len(), 2, "the second leaves the first's volumes alone");
    for volume in ground.made().await.into_keys() {
        ground.strict.set_volume_state(&volume, VolumeState::Available);
    }
    assert_eq!(ground.cloud.ended(first).await.status, "SUCCEEDED");
    assert!(ground.made().await.is_empty());
}
