//! Runs consecutive Nights through the real state machine and compares the account with the reference model after each. There are 40
//! around the end of a year, or as many as `NIGHTS` says. The chart of the result is `target/tests/simulation/retention.svg`.

mod fleet;

use chrono::{Days, NaiveDate, NaiveTime, SecondsFormat, TimeDelta};
use fleet::{REGIONS, SimulatedFleet};
use nightly::chart::{self, Life};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};
use strict_ec2::{Fault, NewSnapshots, Rules, StrictEc2};
use tests::{
    cloud::{Cloud, Night, WITHOUT_SERVERS},
    ids,
    model::{self, ModelAccount, ModelParameters, ModelPlan},
};

const FIRST: NaiveDate = NaiveDate::from_ymd_opt(2026, 12, 10).expect("a date");
/// The first days of the seven previous quarters. Their oldest restore points have expired.
const QUARTERS: [&str; 7] =
    ["2025-04-01", "2025-07-01", "2025-10-01", "2026-01-01", "2026-04-01", "2026-07-01", "2026-10-01"];

/// Runs the six of the forty Nights around the end of the year.
#[tokio::test(flavor = "multi_thread")]
async fn after_a_few_nights_there_is_what_the_model_says() {
    simulate("simulation-short", 18..24).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_every_night_there_is_what_the_model_says_in_full() {
    let nights = std::env::var("NIGHTS").map_or(40, |nights| nights.parse().expect("NIGHTS is a number"));
    simulate("simulation", 0..nights).await;
}

/// Simulates these Nights and draws the result.
async fn simulate(name: &str, nights: Range<u64>) {
    let mut simulation = Simulation::begin(name).await;
    for quarter in QUARTERS {
        simulation.night(quarter.parse().expect("a date")).await;
    }
    for number in nights.clone() {
        let tonight = FIRST + Days::new(number);
        simulation.live_a_day(number, tonight).await;
        if number % 8 == 4 {
            simulation.dry_run(tonight).await;
        }
        simulation.night(tonight).await;
        if number % 100 == 99 {
            println!("{tonight}: {} nights as the model says", number + 1);
            simulation.draw(tonight);
        }
    }
    simulation.draw(FIRST + Days::new(nights.end - 1));
}

/// The cloud, its fleet, and the results so far.
struct Simulation {
    cloud: Cloud,
    strict: StrictEc2,
    fleet: SimulatedFleet,
    parameters: ModelParameters,
    /// Parameters of the last Night.
    last: Option<ModelParameters>,
    mailbox: String,
    /// Number of remaining Nights of an outage. During an outage no snapshot is created.
    outage: u32,
    /// Failed snapshots that were already reported.
    reported: BTreeSet<String>,
    /// Result of the dry run for this Night: the planned volumes and expired snapshots of each Region.
    dry: Vec<(BTreeSet<String>, BTreeSet<String>)>,
    /// Volume of the chart.
    pictured: String,
    lives: BTreeMap<String, Life>,
}

/// A Region before a run, and the changes that the model expects.
struct Expected {
    region: &'static str,
    before: ModelAccount,
    creates: BTreeMap<String, model::Tags>,
    denied: BTreeSet<String>,
}

impl Simulation {
    async fn begin(name: &str) -> Self {
        let rules = Rules::default().page(3).empty_pages().new_snapshots(NewSnapshots::StayPending);
        let strict = StrictEc2::listen(rules);
        let regions = format!("Regions={}", REGIONS.join(","));
        let (_, plans) = ModelParameters { plans: usual_plans(), ..ModelParameters::default() }.keep_and_plans();
        let cloud = Cloud::up_with(
            name,
            &[&regions, &format!("Plans={plans}")],
            &[("AWS_ENDPOINT_URL_EC2", &strict.url), WITHOUT_SERVERS],
        );
        strict.forward_to(&cloud.ministack());
        let fleet = SimulatedFleet::new(&cloud, &strict).await;
        let pictured = fleet.account(REGIONS[0]).await.volumes.into_keys().next().expect("a volume");
        let parameters = ModelParameters {
            backup_stack: cloud.exported("BACKUP_STACK"),
            time_zone: "UTC".into(),
            volume_tag: String::new(),
            client: String::new(),
            project: String::new(),
            plans: usual_plans(),
            weekly_on: None,
        };
        let (mailbox, lives) = (cloud.mailbox().await, BTreeMap::new());
        Self {
            cloud,
            strict,
            fleet,
            parameters,
            last: None,
            mailbox,
            outage: 0,
            reported: BTreeSet::new(),
            dry: Vec::new(),
            pictured,
            lives,
        }
    }

    async fn live_a_day(&mut self, number: u64, tonight: NaiveDate) {
        for region in REGIONS {
            self.fleet.live_a_day(&self.strict, region, &tonight.to_string()).await;
        }
        match self.fleet.chance.u32(0..60) {
            0 if self.outage == 0 => self.outage = self.fleet.chance.u32(1..10),
            _ => self.outage = self.outage.saturating_sub(1),
        }
        if number % 120 == 20 {
            self.deploy(number);
        }
    }

    /// Deploys the stack with other parameters, and every second time with the original ones.
    fn deploy(&mut self, number: u64) {
        let other = number % 240 == 20;
        let p = &mut self.parameters;
        p.plans = if other { other_plans() } else { usual_plans() };
        (p.client, p.time_zone) =
            if other { ("acme".into(), "Pacific/Kiritimati".into()) } else { (String::new(), "UTC".into()) };
        let (keep, plans) = p.keep_and_plans();
        let changed = [
            format!("Keep={keep}"),
            format!("Plans={plans}"),
            format!("Client={}", p.client),
            format!("TimeZone={}", p.time_zone),
        ];
        let output = self.cloud.run("up", &changed.each_ref().map(String::as_str));
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// Returns the scheduled time of a Night, which is 04:30 in its time zone plus a few seconds.
    fn time(&mut self, night: NaiveDate) -> String {
        let zone: chrono_tz::Tz = self.parameters.time_zone.parse().expect("a zone");
        let local = night.and_time(NaiveTime::from_hms_opt(4, 30, 0).expect("a time"));
        let local = local.and_local_timezone(zone).earliest().expect("04:30 exists");
        let time = local + TimeDelta::seconds(self.fleet.chance.i64(-3..4));
        time.to_utc().to_rfc3339_opts(SecondsFormat::Secs, true)
    }

    /// Returns the snapshots that expire, and those that the rules of the last Night kept. The run spares the latter.
    fn expires(&self, account: &ModelAccount, tonight: NaiveDate) -> (BTreeSet<String>, BTreeSet<String>) {
        let expires = account.expires(&self.parameters, tonight);
        let before = self.last.as_ref().map(|last| {
            let plans = last.plans.clone();
            account.expires(&ModelParameters { plans, ..self.parameters.clone() }, tonight)
        });
        expires.into_iter().partition(|id| before.as_ref().is_none_or(|before| before.contains(id)))
    }

    async fn expected(&mut self, tonight: NaiveDate) -> Vec<Expected> {
        let mut expected = Vec::new();
        for region in REGIONS {
            let before = self.fleet.account(region).await;
            let creates = before.creates(&self.parameters, tonight);
            let outage = self.outage > 0;
            let denied = creates.keys().filter(|_| outage || self.fleet.chance.u32(0..40) == 0).cloned().collect();
            expected.push(Expected { region, before, creates, denied });
        }
        expected
    }

    async fn dry_run(&mut self, tonight: NaiveDate) {
        let time = self.time(tonight);
        let night = self.cloud.night(json!({"time": time, "dryRun": true})).await;
        assert_eq!(night.status, "SUCCEEDED", "{tonight}: {}", night.cause);
        let said = |report: &Value| (ids(&report["planned"], "volumeId"), ids(&report["expired"], "snapshotId"));
        self.dry = reports(&night).iter().map(said).collect();
        for (region, (planned, expired)) in REGIONS.into_iter().zip(&self.dry) {
            let account = self.fleet.account(region).await;
            let creates = account.creates(&self.parameters, tonight);
            assert_eq!(planned, &creates.keys().cloned().collect(), "{tonight} {region}: dry");
            let after = with(&account, &creates, &BTreeSet::new());
            assert_eq!(expired, &self.expires(&after, tonight).0, "{tonight} {region}: dry");
        }
    }

    /// Runs a Night and compares every Region, the report and the email with the model.
    async fn night(&mut self, tonight: NaiveDate) {
        let expected = self.expected(tonight).await;
        let denied: BTreeSet<String> = expected.iter().flat_map(|region| region.denied.clone()).collect();
        let refused = denied.clone();
        self.strict.clear_faults();
        self.strict.inject(Fault::Denied, move |call| {
            call.action == "CreateSnapshot" && call.volume_id().is_some_and(|volume| refused.contains(volume))
        });
        let time = self.time(tonight);
        let night = self.cloud.night(json!({"time": time})).await;
        self.strict.clear_faults();

        let ended = if denied.is_empty() { "SUCCEEDED" } else { "FAILED" };
        assert_eq!(night.status, ended, "{tonight}: {} {}", night.error, night.cause);
        assert_eq!(night.report["night"], json!(tonight.to_string()));
        let failed = expected.iter().flat_map(|region| region.before.failed(&self.parameters));
        let failed: BTreeSet<_> = failed.collect();
        let news = !denied.is_empty() || !failed.is_subset(&self.reported);
        self.reported.extend(failed);
        let remarks = ["deselected", "unknownPlans", "spared"];
        let is_remarked = |report: &Value| remarks.iter().any(|list| report[list] != json!([]));
        let news = news || reports(&night).iter().any(is_remarked);
        assert_eq!(!night.report["mail"].is_null(), news, "{tonight}: {}", night.report["mail"]);
        let mail = if news { self.cloud.mail(&self.mailbox).await } else { vec![] };
        assert_eq!(mail.len(), usize::from(news), "{tonight}: {mail:?}");
        let dry = std::mem::take(&mut self.dry);
        for (report, (planned, expired)) in reports(&night).iter().zip(dry).filter(|_| denied.is_empty()) {
            assert!(planned.is_subset(&ids(&report["protected"], "volumeId")), "{tonight}: the dry run said otherwise");
            assert_eq!(expired, ids(&report["expired"], "snapshotId"), "{tonight}: the dry run said otherwise");
        }
        for (expected, report) in expected.iter().zip(reports(&night)) {
            let after = self.fleet.account(expected.region).await;
            self.compare(tonight, expected, &after, report);
        }
        self.last = Some(self.parameters.clone());
    }

    fn compare(&mut self, tonight: NaiveDate, expected: &Expected, after: &ModelAccount, report: &Value) {
        let at = format!("{tonight} {}", expected.region);
        let known = |id: &String| expected.before.snapshots.contains_key(id);
        let made: BTreeMap<_, _> = after.snapshots.iter().filter(|(id, _)| !known(id)).collect();
        let tags: BTreeMap<_, _> = made.values().map(|one| (one.volume.clone(), one.tags.clone())).collect();
        let creates = expected.creates.iter().filter(|(volume, _)| !expected.denied.contains(*volume));
        let creates: BTreeMap<_, _> = creates.map(|(volume, tags)| (volume.clone(), tags.clone())).collect();
        assert_eq!((made.len(), &tags), (creates.len(), &creates), "{at}: what was made");

        let full = with(&expected.before, &expected.creates, &expected.denied);
        let (expires, spared) = self.expires(&full, tonight);
        assert_eq!(ids(&report["spared"], "snapshotId"), spared, "{at}: what is spared");
        assert_eq!(ids(&report["withoutRule"], "snapshotId"), full.without_rule(&self.parameters), "{at}");
        let gone = expected.before.snapshots.keys().filter(|id| !after.snapshots.contains_key(*id));
        assert_eq!(gone.cloned().collect::<BTreeSet<_>>(), expires, "{at}: what expired");
        let kept = expected.before.snapshots.iter().filter(|(id, _)| !expires.contains(*id));
        assert!(
            kept.clone().all(|(id, one)| after.snapshots.get(id) == Some(one)),
            "{at}: what was there is as it was"
        );

        assert_eq!(ids(&report["expired"], "snapshotId"), expires, "{at}");
        assert_eq!(ids(&report["unprotected"], "volumeId"), expected.denied, "{at}");
        let is_protected = |volume: &&String| after.is_protected(volume, &self.parameters, tonight);
        let created = ids(&report["protected"], "volumeId");
        assert!(
            created.iter().all(|volume| is_protected(&volume)) && creates.keys().all(|one| created.contains(one)),
            "{at}"
        );
        assert_eq!(ids(&report["unreadable"], "snapshotId"), after.unreadable(&self.parameters), "{at}");
        self.picture(tonight, after);
    }

    /// Records the restore points of the volume in the chart.
    fn picture(&mut self, tonight: NaiveDate, after: &ModelAccount) {
        let ours = |one: &model::ModelSnapshot| one.volume == self.pictured && one.state != "error";
        for (id, one) in after.snapshots.iter().filter(|(_, one)| ours(one) && one.tags.contains_key("Intervals")) {
            let (Ok(made), Ok(interval)) = (one.tags["Night"].parse(), one.tags["Interval"].parse()) else { continue };
            let life = self.lives.entry(id.clone()).or_insert(Life { interval, made, expired: None });
            life.interval = interval;
        }
        let here = after.volumes.contains_key(&self.pictured);
        let lives = self
            .lives
            .iter_mut()
            .filter(|(id, life)| here && life.expired.is_none() && !after.snapshots.contains_key(*id));
        lives.for_each(|(_, life)| life.expired = Some(drawn(tonight)));
    }

    fn draw(&self, last: NaiveDate) {
        let lives: Vec<_> = self.lives.values().filter(|life| life.made >= drawn(FIRST)).cloned().collect();
        let picture = chart::survival("a server's volume", &lives, drawn(FIRST), drawn(last));
        std::fs::write(self.cloud.directory.join("retention.svg"), picture).expect("the picture is written");
    }
}

/// Returns an account with the snapshots of this Night, except for the denied ones.
fn with(account: &ModelAccount, creates: &BTreeMap<String, model::Tags>, denied: &BTreeSet<String>) -> ModelAccount {
    let mut account = account.clone();
    for (volume, tags) in creates.iter().filter(|(volume, _)| !denied.contains(*volume)) {
        let snapshot = model::ModelSnapshot { volume: volume.clone(), state: "pending".into(), tags: tags.clone() };
        account.snapshots.insert(format!("tonight's of {volume}"), snapshot);
    }
    account
}

fn usual_plans() -> BTreeMap<String, ModelPlan> {
    let gold = [("Daily", Some(10)), ("Weekly", Some(4)), ("Monthly", Some(6)), ("Annual", Some(2))];
    let weekly = [("Weekly", Some(3))];
    [("default", model::usual_plan()), ("gold", gold.into()), ("weekly", weekly.into())]
        .map(|(name, plan)| (name.to_owned(), plan))
        .into()
}

/// Returns shorter plans, without the plan `weekly`.
fn other_plans() -> BTreeMap<String, ModelPlan> {
    let default = [("Daily", Some(4)), ("Quarterly", Some(3)), ("Annual", None)];
    let gold = [("Daily", Some(4)), ("Weekly", Some(2)), ("Annual", Some(1))];
    [("default", default.into()), ("gold", gold.into())]
        .map(|(name, plan): (&str, ModelPlan)| (name.to_owned(), plan))
        .into()
}

/// Converts a date to a Night of the domain crate.
fn drawn(night: NaiveDate) -> domain::Night {
    night.to_string().parse().expect("a Night")
}

fn reports(night: &Night) -> &[Value] {
    night.report["regions"].as_array().expect("a report")
}
