//! The reference model: the changes that a run has to make to an account, written from the contract alone. It shares no code with
//! the domain crate, uses another calendar (chrono, with its own copy of the time zone database), and counts with plain loops.

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, Utc, Weekday};
use chrono_tz::Tz;
use std::collections::{BTreeMap, BTreeSet};

pub type Tags = BTreeMap<String, String>;

/// One Region of an account.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ModelAccount {
    /// Volumes by ID.
    pub volumes: BTreeMap<String, ModelVolume>,
    /// Snapshots by ID.
    pub snapshots: BTreeMap<String, ModelSnapshot>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct ModelVolume {
    /// Whether the volume is attached to an instance.
    pub in_use: bool,
    pub tags: Tags,
    /// Tags that each snapshot of the volume needs for a restore.
    pub restore: Tags,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ModelSnapshot {
    /// ID of the source volume, which may be gone.
    pub volume: String,
    /// `pending`, `completed`, `error`, `recoverable`, `recovering`.
    pub state: String,
    pub tags: Tags,
}

/// Parameters of the stack.
#[derive(Clone, Debug, Default)]
pub struct ModelParameters {
    /// Value of the `BackupStack` tag, which marks the snapshots of this stack.
    pub backup_stack: String,
    /// IANA name.
    pub time_zone: String,
    /// Empty, or `Key=Value`.
    pub volume_tag: String,
    /// Value of the `Client` tag, or empty.
    pub client: String,
    /// Value of the `Project` tag, or empty.
    pub project: String,
    /// Rules by the name of the plan. `default` is always there.
    pub plans: BTreeMap<String, ModelPlan>,
    pub weekly_on: Option<Weekday>,
}

/// What a plan keeps of each Interval: this many, or `None` for all. An Interval that is absent is never made.
pub type ModelPlan = BTreeMap<&'static str, Option<u32>>;

impl ModelParameters {
    /// Returns the values of `Keep` and `Plans`.
    pub fn keep_and_plans(&self) -> (String, String) {
        let named = self.plans.iter().filter(|(name, _)| *name != DEFAULT);
        let named: Vec<_> = named.map(|(name, plan)| format!("{name}:{}", written(plan))).collect();
        (written(&self.plans[DEFAULT]), named.join(";"))
    }

    /// Returns the plan that a volume gets: the one that its tag names, if there is one of that name.
    fn plan_of(&self, volume: &Tags) -> (&str, &ModelPlan) {
        let chosen = volume.get("BackupPlan").and_then(|name| self.plans.get_key_value(name));
        let (name, plan) = chosen.unwrap_or_else(|| self.plans.get_key_value(DEFAULT).expect("a default plan"));
        (name, plan)
    }
}

const DEFAULT: &str = "default";

fn written(plan: &ModelPlan) -> String {
    let kept = plan.iter().map(|(interval, kept)| match kept {
        Some(count) => format!("{interval}={count}"),
        None => format!("{interval}=forever"),
    });
    let dailies = Some("Daily=0".to_owned()).filter(|_| !plan.contains_key("Daily"));
    dailies.into_iter().chain(kept).collect::<Vec<_>>().join(",")
}

/// The plan of a stack that is deployed without parameters.
pub fn usual_plan() -> ModelPlan {
    [("Daily", Some(7)), ("Quarterly", Some(5)), ("Annual", None)].into()
}

/// Returns the Night of a scheduled time, which is its local date.
pub fn night(time: DateTime<Utc>, zone: &str) -> NaiveDate {
    time.with_timezone(&zone.parse::<Tz>().expect("an IANA zone")).date_naive()
}

impl ModelAccount {
    /// Returns the tags of each snapshot that the run has to create, by volume.
    pub fn creates(&self, parameters: &ModelParameters, night: NaiveDate) -> BTreeMap<String, Tags> {
        let selected = self.volumes.iter().filter(|(_, volume)| volume.in_use && is_selected(&volume.tags, parameters));
        let lacking = selected.filter(|(id, _)| !self.is_protected(id, parameters, night));
        let made = lacking.filter_map(|(id, volume)| {
            let due = self.due(id, parameters, night);
            (!due.is_empty()).then(|| (id.clone(), snapshot_tags(id, volume, parameters, night, &due)))
        });
        made.collect()
    }

    /// Returns the Intervals of a volume's plan that are due on a Night, from the shortest to the longest: those of the date, those whose
    /// last date passed without a snapshot, and for a new volume the shortest.
    pub fn due(&self, volume: &str, parameters: &ModelParameters, night: NaiveDate) -> Vec<&'static str> {
        let (_, plan) = parameters.plan_of(&self.volumes[volume].tags);
        let copies = self.managed(parameters).filter_map(|(id, one)| Copy::read(id, one).ok());
        let past: Vec<_> =
            copies.filter(|one| one.volume == volume && one.state != "error" && one.night != night).collect();
        let weekly_on = parameters.weekly_on.unwrap_or(Weekday::Sun);
        let is_due = |interval: &str| {
            let date = night.iter_days().rev().find(|date| falls_on(interval, *date, weekly_on)).expect("a date");
            let was_there = past.iter().any(|one| one.night < date);
            let has_one = past.iter().any(|one| one.night >= date && one.due.contains(&interval));
            date == night || (was_there && !has_one)
        };
        let mut due: Vec<_> = INTERVALS.into_iter().filter(|name| plan.contains_key(name) && is_due(name)).collect();
        if due.is_empty() && past.is_empty() {
            due.extend(INTERVALS.into_iter().find(|name| plan.contains_key(name)));
        }
        due
    }

    /// Returns whether a volume has a completed or pending snapshot of this stack for the Night.
    pub fn is_protected(&self, volume: &str, parameters: &ModelParameters, night: NaiveDate) -> bool {
        self.managed(parameters).any(|(_, snapshot)| {
            let good = snapshot.state == "completed" || snapshot.state == "pending";
            snapshot.volume == volume && good && snapshot.tags.get("Night") == Some(&night.to_string())
        })
    }

    /// Returns the snapshots that expire once tonight's snapshots exist.
    pub fn expires(&self, parameters: &ModelParameters, tonight: NaiveDate) -> BTreeSet<String> {
        let copies: Vec<Copy> =
            self.managed(parameters).filter_map(|(id, snapshot)| Copy::read(id, snapshot).ok()).collect();
        let exists = |copy: &Copy| self.volumes.contains_key(copy.volume);
        let expires = |copy: &&Copy| copy.expires(&copies, parameters, tonight, exists(copy));
        copies.iter().filter(expires).map(|copy| copy.id.to_owned()).collect()
    }

    /// Returns the snapshots that no rule covers, because their plan is gone, or has no longer their Interval. They are reported and stay.
    pub fn without_rule(&self, parameters: &ModelParameters) -> BTreeSet<String> {
        let copies = self.managed(parameters).filter_map(|(id, one)| Copy::read(id, one).ok());
        let ruled = |copy: &Copy| parameters.plans.get(copy.plan).is_some_and(|plan| plan.contains_key(copy.interval));
        copies.filter(|copy| copy.state != "error" && !ruled(copy)).map(|copy| copy.id.to_owned()).collect()
    }

    /// Returns the managed snapshots that failed in EBS.
    pub fn failed(&self, parameters: &ModelParameters) -> BTreeSet<String> {
        let failed = self
            .managed(parameters)
            .filter(|(id, snapshot)| Copy::read(id, snapshot).is_ok() && snapshot.state == "error");
        failed.map(|(id, _)| id.clone()).collect()
    }

    /// Returns the snapshots of this stack with unreadable tags. They are reported and never deleted.
    pub fn unreadable(&self, parameters: &ModelParameters) -> BTreeSet<String> {
        let tagged = self.tagged(parameters);
        let broken = tagged.filter(|(id, snapshot)| !self.is_own(snapshot) || Copy::read(id, snapshot).is_err());
        broken.map(|(id, _)| id.clone()).collect()
    }

    /// Returns the Nights of a volume's restore points that are due an Interval.
    pub fn restore_points(
        &self,
        volume: &str,
        due: &str,
        parameters: &ModelParameters,
        tonight: NaiveDate,
    ) -> BTreeSet<NaiveDate> {
        let managed = self.managed(parameters).filter_map(|(id, snapshot)| Copy::read(id, snapshot).ok());
        let good = managed.filter(|copy| copy.volume == volume && copy.is_good(tonight) && copy.due.contains(&due));
        good.map(|copy| copy.night).collect()
    }

    fn managed(&self, parameters: &ModelParameters) -> impl Iterator<Item = (&String, &ModelSnapshot)> {
        self.tagged(parameters).filter(|(_, one)| self.is_own(one))
    }

    fn tagged(&self, parameters: &ModelParameters) -> impl Iterator<Item = (&String, &ModelSnapshot)> {
        self.snapshots.iter().filter(|(_, one)| one.tags.get("BackupStack") == Some(&parameters.backup_stack))
    }

    /// Returns false for a copy that another tool made with all tags.
    fn is_own(&self, snapshot: &ModelSnapshot) -> bool {
        self.volumes.contains_key(&snapshot.volume) || snapshot.tags.get("SnapshotOf") == Some(&snapshot.volume)
    }
}

fn is_selected(tags: &Tags, parameters: &ModelParameters) -> bool {
    let opted_out = tags.get("Backup").is_some_and(|value| value.to_lowercase() == "false");
    let wanted = match parameters.volume_tag.find('=') {
        None => true,
        Some(at) => {
            tags.get(&parameters.volume_tag[..at]).map(String::as_str) == Some(&parameters.volume_tag[at + 1..])
        }
    };
    wanted && !opted_out
}

/// Returns the Intervals of a volume's plan that are due on the date itself, whatever the volume has.
pub fn due_on(
    parameters: &ModelParameters,
    volume: &str,
    account: &ModelAccount,
    night: NaiveDate,
) -> Vec<&'static str> {
    let (_, plan) = parameters.plan_of(&account.volumes[volume].tags);
    let weekly_on = parameters.weekly_on.unwrap_or(Weekday::Sun);
    INTERVALS.into_iter().filter(|name| plan.contains_key(name) && falls_on(name, night, weekly_on)).collect()
}

/// Returns whether an Interval is due on a date.
pub fn falls_on(interval: &str, date: NaiveDate, weekly_on: Weekday) -> bool {
    match interval {
        "Daily" => true,
        "Weekly" => date.weekday() == weekly_on,
        "Monthly" => date.day() == 1,
        "Quarterly" => date.day() == 1 && [1, 4, 7, 10].contains(&date.month()),
        _ => date.month() == 12 && date.day() == 31,
    }
}

fn snapshot_tags(
    id: &str,
    volume: &ModelVolume,
    parameters: &ModelParameters,
    night: NaiveDate,
    due: &[&'static str],
) -> Tags {
    let (restore, volume) = (&volume.restore, &volume.tags);
    let says = |key: &str| volume.get(key).filter(|value| !value.is_empty()).cloned();
    let parameter = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let ours = [
        ("BackupStack", Some(parameters.backup_stack.clone())),
        ("Night", Some(night.to_string())),
        ("Interval", due.last().map(|longest| longest.to_string())),
        ("Intervals", Some(due.join("+"))),
        ("Plan", Some(parameters.plan_of(volume).0.to_owned())),
        ("SnapshotOf", Some(id.to_owned())),
        ("Name", Some(says("Name").unwrap_or(id.to_owned()))),
        ("Description", Some(says("Description").unwrap_or("Created by snapshot-one".to_owned()))),
        ("Client", parameter(&parameters.client).or(says("Client"))),
        ("Project", parameter(&parameters.project).or(says("Project"))),
        ("RestoreAs", restore.get("RestoreAs").cloned()),
        ("RestoreServer", restore.get("RestoreServer").cloned()),
    ];
    let other = ["RestoredFrom", "RestoreDrill", "DrillExecution"];
    let is_ours =
        |key: &str| ours.iter().map(|(ours, _)| *ours).chain(other).any(|ours| ours.eq_ignore_ascii_case(key));
    let mut tags: Tags = ours.iter().filter_map(|(key, value)| Some((key.to_string(), value.clone()?))).collect();
    for (key, value) in volume {
        if tags.len() < 50 && !key.starts_with("aws:") && !is_ours(key) {
            tags.insert(key.clone(), value.clone());
        }
    }
    tags
}

/// A snapshot of this stack with its parsed tags.
struct Copy<'a> {
    id: &'a str,
    volume: &'a str,
    state: &'a str,
    night: NaiveDate,
    interval: &'a str,
    due: Vec<&'a str>,
    plan: &'a str,
}

/// From the shortest to the longest.
pub const INTERVALS: [&str; 5] = ["Daily", "Weekly", "Monthly", "Quarterly", "Annual"];

impl<'a> Copy<'a> {
    fn read(id: &'a str, snapshot: &'a ModelSnapshot) -> Result<Self, ()> {
        let tag = |key: &str| snapshot.tags.get(key).ok_or(());
        let night: NaiveDate = tag("Night")?.parse().map_err(|_| ())?;
        let (interval, due) = (tag("Interval")?.as_str(), tag("Intervals")?.split('+').collect::<Vec<_>>());
        let rank = |name: &str| INTERVALS.iter().position(|known| *known == name).ok_or(());
        let longest = due.iter().map(|name| rank(name)).collect::<Result<Vec<_>, ()>>()?.into_iter().max();
        let contradicts = Some(rank(interval)?) < longest;
        if night.to_string() != snapshot.tags["Night"] || contradicts {
            return Err(());
        }
        let plan = snapshot.tags.get("Plan").map_or(DEFAULT, String::as_str);
        Ok(Self { id, volume: &snapshot.volume, state: &snapshot.state, night, interval, due, plan })
    }

    fn is_good(&self, tonight: NaiveDate) -> bool {
        self.state == "completed" || (self.state == "pending" && self.night == tonight)
    }

    fn expires(&self, copies: &[Copy], parameters: &ModelParameters, tonight: NaiveDate, exists: bool) -> bool {
        if self.state == "error" {
            let some_annual_ends = parameters.plans.values().any(|plan| matches!(plan.get("Annual"), Some(Some(_))));
            return self.night < tonight && (self.interval != "Annual" || some_annual_ends);
        }
        // A plan that is gone, an Interval that the plan has no more, and forever: each keeps the snapshot.
        let kept = parameters.plans.get(self.plan).and_then(|plan| plan.get(self.interval));
        let Some(Some(kept)) = kept.copied() else { return false };
        let newer = || copies.iter().filter(|other| other.volume == self.volume && other.night > self.night);
        let newest = !newer().any(|other| other.state == "completed" && other.interval == self.interval);
        if self.state != "completed" || newest {
            return false;
        }
        let points: BTreeSet<NaiveDate> = newer()
            .filter(|other| other.is_good(tonight) && other.due.contains(&self.interval))
            .map(|other| other.night)
            .collect();
        let expiry = match self.interval {
            "Daily" => self.night.checked_add_days(Days::new(kept.into())),
            "Weekly" => self.night.checked_add_days(Days::new(7 * u64::from(kept))),
            "Monthly" => self.night.checked_add_months(Months::new(kept)),
            "Quarterly" => self.night.checked_add_months(Months::new(3 * kept)),
            _ => self.night.checked_add_months(Months::new(12 * kept)),
        };
        let old = expiry.is_some_and(|expiry| expiry <= tonight);
        old && (!exists || points.len() >= kept as usize)
    }
}
