//! `nightly restore` restores a lost volume once, with the same properties. It refuses an impossible restore before it creates a resource.

use aws_sdk_ec2::{
    Client,
    types::{Filter, Placement, ResourceType, Tag, TagSpecification, Volume, VolumeType},
};
use nightly::commands::restore::make::SECONDS_OF_A_NEW_VOLUME;
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use strict_ec2::{Fault, NewVolumes, Rules, SnapshotState, StrictEc2, VolumeState};
use tests::{cloud::Cloud, wait};

/// The environment with a data volume on its database server, and snapshots of two Nights.
struct Lost {
    cloud: Cloud,
    strict: StrictEc2,
    ec2: Client,
    /// Instance ID of the database server.
    server: String,
    /// Data volume of the database server before its loss.
    disk: Volume,
}

const OTHER_ZONE: &str = "us-east-1b";

impl Lost {
    /// Waits for this many CreateVolume calls.
    async fn creates(&self, count: usize) {
        wait::until("CreateVolume", || self.strict.count("CreateVolume") >= count).await;
    }

    async fn after_two_nights() -> Self {
        let strict = StrictEc2::listen(Rules::default());
        let cloud = Cloud::up_with("restore", &[], &[("AWS_ENDPOINT_URL_EC2", &strict.url)]);
        strict.forward_to(&cloud.moto());
        let ec2 = cloud.ec2("us-east-1").await;
        let named = Filter::builder().name("tag:Name").values("database-server").build();
        let found = ec2.describe_instances().filters(named).send().await.expect("the servers");
        let server = &found.reservations()[0].instances()[0];
        let id = server.instance_id().expect("an id").to_owned();
        let zone = server.placement().and_then(|placement| placement.availability_zone()).expect("a zone");
        let tags = [("Name", "ledger-disk"), ("Team", "core"), ("Description", "ledger")];
        let tags = tags.map(|(key, value)| Tag::builder().key(key).value(value).build()).to_vec();
        let tags = TagSpecification::builder().resource_type(ResourceType::Volume).set_tags(Some(tags)).build();
        let made = ec2.create_volume().availability_zone(zone).size(12).volume_type(VolumeType::Io2).iops(4_000);
        let made = made.encrypted(true).multi_attach_enabled(true).tag_specifications(tags).send().await;
        let disk = made.expect("a volume").volume_id.expect("an id");
        ec2.attach_volume().volume_id(&disk).instance_id(&id).device("/dev/sdg").send().await.expect("attached");
        let mut lost = Self { cloud, strict, ec2, server: id, disk: Volume::builder().volume_id(&disk).build() };
        lost.disk = lost.volume(&disk).await;
        for night in ["2027-02-01", "2027-02-02"] {
            let night = lost.cloud.night(json!({"time": format!("{night}T04:30:00Z")})).await;
            assert_eq!(night.status, "SUCCEEDED", "{}", night.cause);
        }
        lost
    }

    fn id(&self) -> &str {
        self.disk.volume_id().expect("an id")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.cloud.nightly_command(&[&["restore"], arguments].concat());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn start(&self, arguments: &[&str]) -> Child {
        self.command(arguments).spawn().expect("nightly is built")
    }

    /// Runs the command. Returns its JSON output.
    #[track_caller]
    fn restore(&self, arguments: &[&str]) -> Value {
        let output = self.command(&[arguments, &["--json"]].concat()).output().expect("nightly is built");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {stderr}");
        serde_json::from_slice(&output.stdout).expect("JSON")
    }

    /// Runs the command. Returns the ID of the only volume that it created.
    #[track_caller]
    fn restored(&self, arguments: &[&str]) -> String {
        self.restore(arguments)["volumes"][0]["restored"].as_str().expect("an id").to_owned()
    }

    /// Runs a command that fails with a one-line error. Returns its stdout.
    #[track_caller]
    fn refused(&self, arguments: &[&str], told: &str) -> String {
        let output = self.command(arguments).output().expect("nightly is built");
        let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.status.code(), Some(3), "{arguments:?}: {stdout}{stderr}");
        let line = stderr.lines().last().unwrap_or_default();
        assert!(line.starts_with("nightly: ") && line.contains(told), "{arguments:?}: {stderr}");
        stdout.into_owned()
    }

    async fn volume(&self, id: &str) -> Volume {
        let found = self.ec2.describe_volumes().volume_ids(id).send().await.expect("the volume");
        found.volumes()[0].clone()
    }

    /// Returns the volumes with the tag `RestoredFrom`.
    async fn made(&self) -> Vec<String> {
        let tagged = Filter::builder().name("tag-key").values("RestoredFrom").build();
        let found = self.ec2.describe_volumes().filters(tagged).send().await.expect("volumes");
        found.volumes().iter().map(|volume| volume.volume_id().expect("an id").to_owned()).collect()
    }

    /// Detaches a volume if needed, and deletes it.
    async fn lose(&self, id: &str) {
        for attachment in self.volume(id).await.attachments() {
            let (on, device) = (attachment.instance_id().expect("an id"), attachment.device().expect("a device"));
            self.ec2.detach_volume().volume_id(id).instance_id(on).device(device).send().await.expect("detached");
        }
        self.ec2.delete_volume().volume_id(id).send().await.expect("deleted");
    }

    async fn lose_all(&self) {
        for id in self.made().await {
            self.lose(&id).await;
        }
    }

    /// Returns the snapshot of a volume for a Night.
    async fn snapshot(&self, volume: &str, night: &str) -> String {
        let listed = self.ec2.describe_snapshots().owner_ids("self").send().await.expect("snapshots");
        let is_it = |one: &&aws_sdk_ec2::types::Snapshot| {
            let of_night = one.tags().iter().any(|tag| tag.key() == Some("Night") && tag.value() == Some(night));
            one.volume_id() == Some(volume) && of_night
        };
        listed.snapshots().iter().find(is_it).and_then(|one| one.snapshot_id()).expect("a snapshot").to_owned()
    }
}

fn tags(volume: &Volume) -> BTreeMap<String, String> {
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    volume.tags().iter().map(|tag| (text(tag.key()), text(tag.value()))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_lost_comes_back_as_it_was_and_once() {
    let lost = Lost::after_two_nights().await;
    lost.lose(lost.id()).await;
    comes_back(&lost).await;
    is_made_once(&lost).await;
    is_refused(&lost).await;
    fails_in_ebs(&lost).await;
    a_server_comes_back(&lost).await;
}

async fn comes_back(lost: &Lost) {
    let plan = lost.restore(&[lost.id(), "--plan"]);
    assert_eq!((plan["outcome"].as_str(), lost.strict.count("CreateVolume")), (Some("planned"), 0), "{plan}");

    lost.strict.inject(Fault::LostAnswer, |call| call.action == "CreateVolume" && call.number == 1);
    let id = lost.restored(&["ledger-disk"]);
    lost.strict.clear_faults();
    assert_eq!((lost.strict.count("CreateVolume"), lost.made().await), (2, vec![id.clone()]));
    let (was, is) = (&lost.disk, lost.volume(&id).await);
    assert_eq!(is.snapshot_id(), Some(lost.snapshot(lost.id(), "2027-02-02").await.as_str()), "the newest");
    assert_eq!((is.volume_type(), is.iops(), is.size()), (was.volume_type(), was.iops(), was.size()));
    assert_eq!(
        (is.encrypted(), is.kms_key_id(), is.multi_attach_enabled()),
        (was.encrypted(), was.kms_key_id(), was.multi_attach_enabled())
    );
    assert_eq!(is.availability_zone(), was.availability_zone());
    let mut expected = tags(was);
    expected.insert("RestoredFrom".to_owned(), is.snapshot_id().expect("a snapshot").to_owned());
    assert_eq!(tags(&is), expected);

    assert_eq!(lost.restore(&[lost.id()])["outcome"], "found");
    let attached = lost.restore(&[lost.id(), "--attach", "database-server"]);
    assert_eq!(
        (attached["outcome"].as_str(), attached["volumes"][0]["restored"].as_str()),
        (Some("done"), Some(id.as_str()))
    );
    let attachment = lost.volume(&id).await.attachments()[0].clone();
    assert_eq!((attachment.instance_id(), attachment.device()), (Some(lost.server.as_str()), Some("/dev/sdg")));
    let again = lost.restore(&[lost.id(), "--attach", &lost.server]);
    assert_eq!((again["outcome"].as_str(), lost.strict.count("AttachVolume")), (Some("found"), 1));

    // After the restored volume is deleted, or loses its tag, the command creates another one.
    lost.lose(&id).await;
    // EC2 returns an older volume for the same client token. The command detects this by the age of the volume.
    tokio::time::sleep(Duration::from_secs(1 + SECONDS_OF_A_NEW_VOLUME.unsigned_abs())).await;
    let second = lost.restored(&[lost.id()]);
    assert_ne!(second, id);
    let tag = Tag::builder().key("RestoredFrom").build();
    lost.ec2.delete_tags().resources(&second).tags(tag).send().await.expect("untagged");
    let third = lost.restored(&[lost.id(), "--night", "2027-02-02"]);
    assert!(![&id, &second].contains(&&third), "{third}");
    lost.lose(&second).await;
    let older = lost.restored(&[lost.id(), "--night", "2027-02-01"]);
    assert_eq!(lost.volume(&older).await.snapshot_id(), Some(lost.snapshot(lost.id(), "2027-02-01").await.as_str()));
    lost.lose_all().await;
}

async fn is_made_once(lost: &Lost) {
    // The command is killed once the volume exists. The next command cannot find the volume by its tag yet.
    lost.strict.set_rules(Rules::default().new_volumes(NewVolumes::StayCreating));
    lost.strict.forget_calls();
    let mut first = lost.start(&[lost.id(), "--zone", OTHER_ZONE]);
    lost.creates(1).await;
    first.kill().expect("killed");
    first.wait().expect("its end");
    let made = lost.made().await;
    assert_eq!(made.len(), 1);
    let nothing = "<DescribeVolumesResponse><volumeSet/></DescribeVolumesResponse>".to_owned();
    lost.strict.inject(Fault::Says(nothing), |call| call.is_filtered("DescribeVolumes", "tag-key"));
    let second = lost.start(&[lost.id(), "--zone", OTHER_ZONE, "--json"]);
    lost.creates(2).await;
    for id in lost.made().await {
        lost.strict.set_volume_state(&id, VolumeState::Available);
    }
    let output = second.wait_with_output().expect("its end");
    let told: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!((told["volumes"][0]["restored"].as_str(), lost.made().await), (Some(made[0].as_str()), made.clone()));
    lost.strict.clear_faults();
    lost.lose_all().await;

    // Two commands at once. Neither calls CreateVolume before both have searched for the volume.
    lost.strict.set_rules(Rules::default());
    let creating = Arc::new(AtomicUsize::new(0));
    let rivals = creating.clone();
    lost.strict.before(move |call| {
        let rivals = rivals.clone();
        Box::pin(async move {
            if call.action == "CreateVolume" && rivals.fetch_add(1, Ordering::SeqCst) < 2 {
                wait::until("the rival's CreateVolume", || rivals.load(Ordering::SeqCst) >= 2).await;
            }
        })
    });
    let in_use = Filter::builder().name("status").values("in-use").build();
    let in_use = lost.ec2.describe_volumes().filters(in_use).send().await.expect("volumes");
    let other = in_use.volumes().iter().find(|one| one.attachments()[0].instance_id() != Some(&lost.server));
    let other = other.and_then(|one| one.volume_id()).expect("the web server's");
    let both = [(); 2].map(|()| lost.start(&[other, "--attach", "database-server"]));
    for one in both {
        let output = one.wait_with_output().expect("its end");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    lost.strict.before(|_| Box::pin(async {}));
    assert_eq!((creating.load(Ordering::SeqCst), lost.made().await.len()), (2, 1));
    lost.lose_all().await;
}

async fn is_refused(lost: &Lost) {
    lost.strict.forget_calls();
    let (newest, id) = (lost.snapshot(lost.id(), "2027-02-02").await, lost.id());
    let at = &["--night", "2027-02-02"];
    let other = "take --night 2027-02-01";
    for (state, told) in [
        (SnapshotState::Pending, "is still pending (0%): wait for it"),
        (SnapshotState::Error, "of the Night 2027-02-02 failed"),
    ] {
        lost.strict.set_state(&newest, state);
        lost.refused(&[&[id], at.as_slice()].concat(), told);
        lost.refused(&[&[id], at.as_slice()].concat(), other);
    }
    lost.strict.set_state(&newest, SnapshotState::Completed);
    let tier = lost.ec2.modify_snapshot_tier().snapshot_id(&newest);
    tier.storage_tier(aws_sdk_ec2::types::TargetStorageTier::Archive).send().await.expect("archived");
    let command =
        format!("`aws ec2 restore-snapshot-tier --region us-east-1 --snapshot-id {newest} --temporary-restore-days 7`");
    lost.refused(&[&[id], at.as_slice()].concat(), &command);
    let plan = lost.restore(&[id, "--plan"]);
    assert_eq!(plan["night"], "2027-02-01", "{plan}");
    assert!(plan["notes"][0].as_str().is_some_and(|note| note.contains("is archived")), "{plan}");
    lost.ec2.restore_snapshot_tier().snapshot_id(&newest).permanent_restore(true).send().await.expect("brought back");

    let terminated = new_server(lost, "gone").await;
    lost.ec2.terminate_instances().instance_ids(&terminated).send().await.expect("terminated");
    let cases: [(&[&str], &str); 11] = [
        (&["vol-0123456789abcdef0"], "no volume has the id or the Name \"vol-0123456789abcdef0\" in us-east-1"),
        (&["nobody's"], "no volume has the id or the Name \"nobody's\" in us-east-1"),
        (&[id, "--night", "2027-02-09"], "take --night 2027-02-02 or --night 2027-02-01"),
        (&[id, "--zone", "us-east-1z"], "there is no zone us-east-1z in us-east-1: give --zone us-east-1a"),
        (&[id, "--zone", "eu-west-1a"], "`aws ec2 copy-snapshot --region eu-west-1 --source-region us-east-1"),
        (&[id, "--attach", "nobody"], "no instance has the id or the Name \"nobody\""),
        (&[id, "--attach", "gone"], "(gone) is terminated"),
        (&[id, "--attach", "database-server", "--zone", OTHER_ZONE], "cannot be attached there: omit --zone"),
        (
            &[id, "--attach", "database-server", "--device", "/dev/xvda"],
            "It is its root volume: `aws ec2 stop-instances",
        ),
        (&["--server", "nobody"], "no restore point belongs to a server \"nobody\""),
        (&["--server", "database-server", "--night", "2027-02-09"], "take --night 2027-02-02"),
    ];
    for (arguments, told) in cases {
        assert_eq!(lost.refused(arguments, told), "", "{arguments:?}");
    }
    assert_eq!(
        (lost.strict.count("CreateVolume"), lost.strict.count("AttachVolume")),
        (0, 0),
        "before anything is made"
    );
}

/// Tests a volume that fails in EBS because of its KMS key, and a second command that succeeds once the key can be used.
async fn fails_in_ebs(lost: &Lost) {
    lost.strict.set_rules(Rules::default().new_volumes(NewVolumes::StayCreating));
    lost.strict.forget_calls();
    let id = lost.id().to_owned();
    let restore = lost.start(&[&id, "--zone", "us-east-1c"]);
    lost.creates(1).await;
    let failed = lost.made().await.remove(0);
    lost.strict.set_volume_state(&failed, VolumeState::Error);
    let output = restore.wait_with_output().expect("its end");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{stderr}");
    assert!(stderr.contains(&format!("{failed} is in error; usual cause: its KMS key is disabled")), "{stderr}");

    let restore = lost.start(&[&id, "--zone", "us-east-1c"]);
    lost.creates(3).await;
    let vanished = lost.made().await.into_iter().find(|one| *one != failed).expect("the next token's");
    let looks = lost.strict.count("DescribeVolumes");
    wait::until("the restore sees its volume", || lost.strict.count("DescribeVolumes") > looks + 1).await;
    lost.ec2.delete_volume().volume_id(&vanished).send().await.expect("gone");
    let output = restore.wait_with_output().expect("its end");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{stderr}");
    assert!(stderr.contains(&format!("{vanished} is deleted; usual cause: its KMS key")), "{stderr}");

    lost.strict.set_rules(Rules::default());
    tokio::time::sleep(Duration::from_secs(1 + SECONDS_OF_A_NEW_VOLUME.unsigned_abs())).await;
    let made = lost.restored(&[&id, "--zone", "us-east-1c"]);
    assert!(made != failed && made != vanished);
    lost.lose_all().await;
}

/// Starts a server with this name in the zone of the database server.
async fn new_server(lost: &Lost, name: &str) -> String {
    let tags = TagSpecification::builder().resource_type(ResourceType::Instance);
    let tags = tags.tags(Tag::builder().key("Name").value(name).build()).build();
    let zone = Placement::builder().set_availability_zone(lost.disk.availability_zone.clone()).build();
    let run = lost.ec2.run_instances().image_id("ami-12345678").min_count(1).max_count(1).placement(zone);
    let run = run.tag_specifications(tags).send().await.expect("a server");
    run.instances()[0].instance_id().expect("an id").to_owned()
}

async fn a_server_comes_back(lost: &Lost) {
    let attached = Filter::builder().name("attachment.instance-id").values(&lost.server).build();
    let found = lost.ec2.describe_volumes().filters(attached).send().await.expect("volumes");
    let root = found.volumes()[0].volume_id().expect("an id").to_owned();
    lost.lose(&root).await;
    lost.ec2.terminate_instances().instance_ids(&lost.server).send().await.expect("terminated");
    let replacement = new_server(lost, "database-server").await;
    let found = lost.ec2.describe_instances().instance_ids(&replacement).send().await.expect("a server");
    let disk = &found.reservations()[0].instances()[0].block_device_mappings()[0];
    let own = disk.ebs().and_then(|ebs| ebs.volume_id()).expect("its root volume").to_owned();
    let moved = lost.ec2.detach_volume().volume_id(&own).instance_id(&replacement).send().await;
    moved.expect("detached");
    lost.ec2
        .attach_volume()
        .volume_id(&own)
        .instance_id(&replacement)
        .device("/dev/xvda")
        .send()
        .await
        .expect("attached");

    let attach = ["--server", "database-server", "--attach", &replacement];
    let told = format!(
        "/dev/xvda of {replacement} (database-server) is in use by {own}. It is its root volume: `aws ec2 stop-instances"
    );
    lost.refused(&attach, &told);
    lost.ec2.stop_instances().instance_ids(&replacement).send().await.expect("stopped");
    lost.lose(&own).await;

    // One of two volumes cannot be created. The error names the other one, nothing is attached, and a second command finishes the restore.
    let refusal = Fault::Refused { status: 400, code: "VolumeLimitExceeded".into(), message: "no more".into() };
    let refused = lost.disk.volume_id.clone().expect("an id");
    let snapshot = lost.snapshot(&refused, "2027-02-02").await;
    lost.strict.inject(refusal, move |call| call.action == "CreateVolume" && call.snapshot_id() == Some(&snapshot));
    let stdout = lost.refused(
        &attach,
        &format!("1 of 2 volumes not restored: {refused}: CreateVolume: VolumeLimitExceeded: no more"),
    );
    assert!(
        stdout.contains("NOT ALL RESTORED")
            && stdout.contains("not created")
            && stdout.contains("run the same command again"),
        "{stdout}"
    );
    let half = lost.made().await;
    assert_eq!((half.len(), lost.volume(&half[0]).await.attachments().len()), (1, 0));
    lost.strict.clear_faults();
    let whole = lost.restore(&attach);
    assert_eq!((whole["outcome"].as_str(), whole["night"].as_str()), (Some("done"), Some("2027-02-02")), "{whole}");
    let made = lost.made().await;
    assert!(made.len() == 2 && made.contains(&half[0]), "{made:?}");
    let mut devices = BTreeMap::new();
    for id in made {
        let volume = lost.volume(&id).await;
        let attachment = &volume.attachments()[0];
        assert_eq!(attachment.instance_id(), Some(replacement.as_str()));
        devices.insert(attachment.device().expect("a device").to_owned(), volume.size());
    }
    assert_eq!(devices, BTreeMap::from([("/dev/sda1".to_owned(), Some(20)), ("/dev/sdg".to_owned(), Some(12))]));
    let by_instance = ["--server", &lost.server, "--attach", &replacement];
    assert_eq!(lost.restore(&by_instance)["outcome"], "found", "by the instance that is gone");
}
