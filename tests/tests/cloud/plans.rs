//! Plans through the real state machine: Intervals that were missed, volumes that choose a plan, and a rule that becomes shorter.

use aws_sdk_ec2::types::Tag;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use strict_ec2::{Fault, Rules, StrictEc2};
use tests::{
    cloud::{Cloud, Night, WITHOUT_SERVERS},
    ids,
};

const KEEP: &str = "Keep=Daily=30,Annual=forever";
const PLANS: &str = "Plans=weekly:Daily=0,Weekly=2;gold:Daily=40,Monthly=12";

struct Story {
    cloud: Cloud,
    strict: StrictEc2,
    mailbox: String,
    /// A volume with the default plan, and others that chose `weekly`, `gold` and a name that no plan has.
    volumes: Vec<String>,
}

impl Story {
    async fn begin() -> Self {
        let strict = StrictEc2::listen(Rules::default());
        let variables = [("AWS_ENDPOINT_URL_EC2", strict.url.as_str()), WITHOUT_SERVERS];
        let cloud = Cloud::up_with("plans", &[KEEP, PLANS], &variables);
        strict.forward_to(&cloud.ministack());
        let mut volumes = cloud.attach_volumes(4).await;
        volumes.sort();
        let ec2 = cloud.ec2_at(cloud.ministack(), "us-east-1").await;
        for (volume, plan) in volumes.iter().skip(1).zip(["weekly", "gold", "Gold"]) {
            let tag = Tag::builder().key("BackupPlan").value(plan).build();
            ec2.create_tags().resources(volume).tags(tag).send().await.expect("tagged");
        }
        let mailbox = cloud.mailbox().await;
        Self { cloud, strict, mailbox, volumes }
    }

    async fn night(&self, night: &str) -> Night {
        self.cloud.night(json!({"time": format!("{night}T04:30:00Z")})).await
    }

    /// Runs a Night that is complete. Returns its part of the report.
    async fn complete(&self, night: &str) -> Value {
        let night = self.night(night).await;
        assert_eq!(night.status, "SUCCEEDED", "{}", night.cause);
        night.report["regions"][0].clone()
    }

    /// Returns the Intervals of the Night's snapshots, by volume.
    async fn made(&self, night: &str) -> BTreeMap<String, String> {
        let snapshots = self.cloud.snapshots().await.into_values();
        let tonight = snapshots.filter(|tags| tags["Night"] == night);
        tonight.map(|tags| (tags["SnapshotOf"].clone(), format!("{} {}", tags["Plan"], tags["Intervals"]))).collect()
    }

    fn of(&self, plans: [Option<&str>; 4]) -> BTreeMap<String, String> {
        let made = self.volumes.iter().zip(plans).filter_map(|(volume, made)| Some((volume.clone(), made?.to_owned())));
        made.collect()
    }

    fn nightly(&self, arguments: &[&str]) -> String {
        let output = self.cloud.nightly(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    async fn only_mail(&self) -> (String, String) {
        let mut mail = self.cloud.mail(&self.mailbox).await;
        assert_eq!(mail.len(), 1, "{mail:?}");
        mail.remove(0)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_volume_has_its_plan_makes_up_what_it_missed_and_loses_nothing_by_a_slip() {
    let story = Story::begin().await;
    a_volume_chooses_its_plan(&story).await;
    a_missed_annual_is_made_up(&story).await;
    a_shorter_rule_warns_before_it_deletes(&story).await;
}

async fn a_volume_chooses_its_plan(story: &Story) {
    let region = story.complete("2026-12-29").await;
    let made = [Some("default Daily"), Some("weekly Weekly"), Some("gold Daily"), Some("default Daily")];
    assert_eq!(story.made("2026-12-29").await, story.of(made), "a new volume gets a snapshot at once");
    assert_eq!(region["unknownPlans"][0]["unknownPlan"], "Gold");
    let (subject, message) = story.only_mail().await;
    assert_eq!(subject, "[nightly-backup] 1 volume with an unknown plan");
    assert!(
        message.contains(&format!("{} on ", story.volumes[3])) && message.contains(": Gold, us-east-1"),
        "{message}"
    );

    let region = story.complete("2026-12-30").await;
    assert_eq!(ids(&region["notDue"], "volumeId"), [story.volumes[1].clone()].into());
    assert_eq!((&region["unknownPlans"], region["mail"].is_null()), (&json!([]), true));
    let plan = story.nightly(&["plan"]);
    assert!(plan.contains("The tag BackupPlan of 1 volume names no plan"), "{plan}");
}

async fn a_missed_annual_is_made_up(story: &Story) {
    let denied = story.volumes[0].clone();
    let volume = denied.clone();
    story
        .strict
        .inject(Fault::Denied, move |call| call.action == "CreateSnapshot" && call.volume_id() == Some(&volume));
    assert_eq!(story.night("2026-12-31").await.status, "FAILED");
    story.strict.clear_faults();
    let (_, message) = story.only_mail().await;
    assert!(
        message.contains("Still lacking: Annual of 2026-12-31 of 1 volume. The next run makes them up."),
        "{message}"
    );
    let coverage = story.nightly(&["coverage", "--max-age", "9999h"]);
    assert!(coverage.contains(&format!("{denied} lacks its Annual of 2026-12-31.")), "{coverage}");
    let preview = story.nightly(&["plan"]);
    assert!(preview.contains("The run for 2027-01-01 makes 3 snapshots"), "{preview}");
    assert!(preview.contains("1 Daily+Annual of default") && preview.contains("1 Daily+Monthly of gold"), "{preview}");

    let region = story.complete("2027-01-01").await;
    let made = [Some("default Daily+Annual"), None, Some("gold Daily+Monthly"), Some("default Daily")];
    assert_eq!(story.made("2027-01-01").await, story.of(made));
    let protected = region["protected"].as_array().expect("a list");
    let made_up = protected.iter().find(|one| one["volumeId"] == json!(denied)).expect("the volume");
    assert_eq!(made_up["makesUp"], json!([{"interval": "Annual", "night": "2026-12-31"}]));
    let why = story.nightly(&["why", made_up["snapshotId"].as_str().expect("an id")]);
    assert!(why.contains("It stands for the Annual of 2026-12-31, for which the volume had no snapshot."), "{why}");
    let coverage = story.nightly(&["coverage", "--max-age", "9999h"]);
    assert!(!coverage.contains("lacks"), "{coverage}");

    // The weekly of 27 December precedes the volume. That of 3 January is due.
    story.complete("2027-01-03").await;
    let made = [Some("default Daily"), Some("weekly Weekly"), Some("gold Daily"), Some("default Daily")];
    assert_eq!(story.made("2027-01-03").await, story.of(made));
}

async fn a_shorter_rule_warns_before_it_deletes(story: &Story) {
    let preview = story.nightly(&["plan", "--keep", "Daily=1,Annual=forever"]);
    assert!(preview.starts_with("A preview: nothing is changed.\n"), "{preview}");
    let tree = story.cloud.directory.join("tree").display().to_string();
    let deploy = ["deploy", "--from", &tree, "--template", "backup", "--stack", "nightly-backup", "--allow-endpoint"];
    let output = story.cloud.nightly(&[&deploy[..], &["--parameters", "Keep=Daily=1,Annual=forever"]].concat());
    let shown = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && shown.contains("Make these changes?"), "it asks: {shown}");
    assert!(shown.contains("The run for 2027-01-04 would make 3 snapshots"), "{shown}");
    assert!(shown.contains("the Night after it deletes 5 snapshots: 5 Daily of default."), "{shown}");
    let output = story.cloud.run("up", &["Keep=Daily=1,Annual=forever"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let before: Vec<_> = story.cloud.snapshots().await.into_keys().collect();
    let mut warned = None;
    for _again in 0..2 {
        let region = story.complete("2027-01-04").await;
        let spared = ids(&region["spared"], "snapshotId");
        // The preview said 5. ministack completes tonight's snapshots at once, so that those of the Night before are not the newest.
        assert_eq!(spared.len(), 5 + 2);
        assert!(warned.replace(spared.clone()).is_none_or(|first| first == spared), "{region}");
        let (subject, message) = story.only_mail().await;
        let snapshots = format!("Retention became shorter: the next Night deletes {} snapshots", spared.len());
        assert_eq!(subject, format!("[nightly-backup] {snapshots}"));
        assert!(spared.iter().all(|id| message.contains(id)), "{message}");
        let left = story.cloud.snapshots().await;
        assert!(before.iter().all(|id| left.contains_key(id)), "it deleted something");
    }
    let region = story.complete("2027-01-05").await;
    let (expired, warned) = (ids(&region["expired"], "snapshotId"), warned.expect("a warning"));
    assert!(warned.is_subset(&expired), "{warned:?} {expired:?}");
    let left = story.cloud.snapshots().await;
    assert!(left.values().any(|tags| tags["Interval"] == "Annual") && warned.iter().all(|id| !left.contains_key(id)));
    // A plan that is gone keeps what it made.
    let output = story.cloud.run("up", &["Plans=gold:Daily=40,Monthly=12"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let region = story.complete("2027-01-06").await;
    let weekly = region["withoutRule"].as_array().expect("a list").iter().map(|one| one["plan"].clone());
    assert_eq!(weekly.collect::<Vec<_>>(), ["weekly", "weekly"]);
    assert_eq!(ids(&region["unknownPlans"], "volumeId"), [story.volumes[1].clone()].into());
}
