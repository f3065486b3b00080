//! Random histories of an account: runs that are missed, repeated or late, volumes that are created and deleted, snapshots that fail,
//! tags from a person or another tool, and changed parameters.

use chrono::Weekday;
use chrono::{DateTime, TimeDelta, Utc};
use proptest::{collection::vec, option::weighted, prelude::*, sample::select};
use std::{collections::BTreeMap, fmt};
use tests::model::{INTERVALS, ModelAccount, ModelParameters, ModelPlan, ModelSnapshot, ModelVolume, Tags};

const VOLUMES: usize = 3;
const DAY: i64 = 86_400;
/// Midnight in one of the time zones, and an hour before midnight in another.
const FIRST: DateTime<Utc> = DateTime::from_timestamp(1_795_168_800, 0).expect("a time");
const STATES: [&str; 5] = ["pending", "completed", "error", "recoverable", "recovering"];
const ZONES: [&str; 6] =
    ["UTC", "Europe/Berlin", "America/New_York", "Pacific/Kiritimati", "Pacific/Pago_Pago", "Australia/Lord_Howe"];

/// The changes before a run, and the final states of its snapshots.
#[derive(Clone)]
pub struct SimulatedNight {
    /// Seconds since the previous run, usually 86,400.
    pub seconds: i64,
    happenings: Vec<Happening>,
    /// Final state of the run's snapshot of each volume. `None` if it is not created.
    fates: [Option<&'static str>; VOLUMES],
}

impl fmt::Debug for SimulatedNight {
    /// Writes an ordinary run as one word, because a failed history has hundreds of them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seconds, happenings, fates } = self;
        if *seconds == DAY && happenings.is_empty() && fates.iter().all(|fate| *fate == Some("completed")) {
            return write!(f, "ordinary");
        }
        write!(f, "({seconds} {happenings:?} {fates:?})")
    }
}

/// A change by a person, another tool or EBS between two runs.
#[derive(Clone, Debug)]
enum Happening {
    /// The volume in this place is deleted, or a new one is created.
    ComeOrGo(usize),
    AttachOrDetach(usize),
    Tag(usize, &'static str, &'static str),
    Untag(usize, &'static str),
    /// The volume in this place gets the maximum number of tags, 50.
    FiftyTags(usize),
    /// A snapshot from another creator, with its tags. The values `tonight` and `ours` are placeholders.
    Snapshot(usize, Vec<(&'static str, &'static str)>),
    /// EBS changes the state of the n-th newest snapshot, counting from 0, after a delay.
    Settle(usize, &'static str),
    /// A person makes the n-th newest snapshot, counting from 0, permanent.
    Promote(usize),
    /// The stack is deployed with the n-th parameters of the history.
    Deploy(usize),
}

/// A random history.
#[derive(Clone, Debug)]
pub struct History {
    /// Runs in order.
    pub turns: Vec<SimulatedNight>,
    parameters: Vec<ModelParameters>,
}

/// Generates histories of this many runs.
pub fn history(nights: usize) -> impl Strategy<Value = History> {
    (vec(turn(), nights), vec(parameters(), 4)).prop_map(|(turns, parameters)| History { turns, parameters })
}

fn turn() -> impl Strategy<Value = SimulatedNight> {
    let seconds = prop_oneof![
        60 => Just(DAY),
        20 => (DAY - 5)..(DAY + 6),
        2 => 0..DAY,
        3 => (1i64..10).prop_map(|days| (days + 1) * DAY),
        1 => (10i64..200).prop_map(|days| days * DAY),
        2 => (1i64..40).prop_map(|days| -days * DAY),
    ];
    let fate = || prop_oneof![12 => Just(Some("completed")), 1 => Just(None), 3 => select(&STATES[..]).prop_map(Some)];
    (seconds, vec(happening(), 0..3), [fate(), fate(), fate()])
        .prop_map(|(seconds, happenings, fates)| SimulatedNight { seconds, happenings, fates })
}

fn happening() -> impl Strategy<Value = Happening> {
    let tags = [
        ("Backup", "false"),
        ("Backup", "FALSE"),
        ("Backup", "no"),
        ("Role", "db"),
        ("Role", "db=2"),
        ("Name", "🦀 web"),
        ("Name", ""),
        ("Description", "the \"disk\""),
        ("Client", "own"),
        ("Project", ""),
        ("aws:cloudformation:stack-name", "x"),
        ("Night", "1999-01-01"),
        ("BackupStack", "ours"),
        ("BackupPlan", "gold"),
        ("BackupPlan", "gold"),
        ("BackupPlan", "scratch"),
        ("BackupPlan", "default"),
        ("BackupPlan", "Gold"),
        ("BackupPlan", ""),
        ("Plan", "scratch"),
    ];
    let foreign: Vec<Vec<(&str, &str)>> = vec![
        vec![],
        vec![("Night", "tonight"), ("Interval", "Daily"), ("Intervals", "Daily")],
        vec![("BackupStack", "another"), ("Night", "tonight"), ("Interval", "Daily"), ("Intervals", "Daily")],
        vec![("BackupStack", "ours"), ("Interval", "Daily"), ("Intervals", "Daily")],
        vec![("BackupStack", "ours"), ("Night", "2026-1-05"), ("Interval", "Daily"), ("Intervals", "Daily")],
        vec![("BackupStack", "ours"), ("Night", "2026-02-30"), ("Interval", "Daily"), ("Intervals", "Daily")],
        vec![("BackupStack", "ours"), ("Night", "tonight"), ("Interval", "daily"), ("Intervals", "Daily")],
        vec![("BackupStack", "ours"), ("Night", "tonight"), ("Interval", "Daily"), ("Intervals", "")],
        vec![("BackupStack", "ours"), ("Night", "tonight"), ("Interval", "Daily"), ("Intervals", "Daily+Annual")],
        vec![("BackupStack", "ours"), ("Night", "tonight"), ("Interval", "Quarterly"), ("Intervals", "Quarterly")],
        vec![("BackupStack", "ours"), ("Night", "2026-01-31"), ("Interval", "Quarterly"), ("Intervals", "Daily")],
        vec![("BackupStack", "ours"), ("Night", "2026-11-30"), ("Interval", "Daily"), ("Intervals", "Daily")],
        vec![
            ("BackupStack", "ours"),
            ("Night", "2026-11-29"),
            ("Interval", "Weekly"),
            ("Intervals", "Weekly"),
            ("Plan", "gold"),
        ],
        vec![
            ("BackupStack", "ours"),
            ("Night", "tonight"),
            ("Interval", "Monthly"),
            ("Intervals", "Daily"),
            ("Plan", "gone"),
        ],
        vec![("BackupStack", "ours"), ("Night", "2025-12-31"), ("Interval", "Annual"), ("Intervals", "Daily+Annual")],
    ];
    let volume = || 0..VOLUMES;
    prop_oneof![
        1 => volume().prop_map(Happening::ComeOrGo),
        1 => volume().prop_map(Happening::AttachOrDetach),
        4 => (volume(), select(tags.to_vec())).prop_map(|(volume, (key, value))| Happening::Tag(volume, key, value)),
        4 => (volume(), select(tags.to_vec())).prop_map(|(volume, (key, _))| Happening::Untag(volume, key)),
        1 => volume().prop_map(Happening::FiftyTags),
        2 => (volume(), select(foreign)).prop_map(|(volume, tags)| Happening::Snapshot(volume, tags)),
        4 => (0usize..20, select(&STATES[..])).prop_map(|(back, state)| Happening::Settle(back, state)),
        1 => (0usize..20).prop_map(Happening::Promote),
        1 => (0usize..4).prop_map(Happening::Deploy),
    ]
}

fn parameters() -> impl Strategy<Value = ModelParameters> {
    let text = |value: &'static str| weighted(0.3, Just(value)).prop_map(|value| value.unwrap_or_default().to_owned());
    let stack = prop_oneof![9 => Just("ours"), 1 => Just("another")];
    let tag = prop_oneof![6 => Just(""), 1 => Just("Role=db"), 1 => Just("Role=db=2")];
    let weekly_on = select(vec![Weekday::Sun, Weekday::Mon, Weekday::Wed, Weekday::Sat]);
    (stack, select(&ZONES[..]), tag, text("acme"), text("shop"), plans(), weekly_on).prop_map(
        |(backup_stack, time_zone, volume_tag, client, project, plans, weekly_on)| ModelParameters {
            backup_stack: backup_stack.into(),
            time_zone: time_zone.into(),
            volume_tag: volume_tag.into(),
            client,
            project,
            plans,
            weekly_on: Some(weekly_on),
        },
    )
}

/// Generates a default plan, and some of the named ones.
fn plans() -> impl Strategy<Value = BTreeMap<String, ModelPlan>> {
    let named =
        |name: &'static str| weighted(0.6, plan()).prop_map(move |plan| plan.map(|plan| (name.to_owned(), plan)));
    (plan(), named("gold"), named("scratch")).prop_map(|(default, gold, scratch)| {
        gold.into_iter().chain(scratch).chain([("default".to_owned(), default)]).collect()
    })
}

/// Generates a plan that keeps at least one Interval.
fn plan() -> impl Strategy<Value = ModelPlan> {
    let kept = || prop_oneof![5 => (1u32..8).prop_map(Some), 1 => Just(None)];
    let others = [0.4, 0.4, 0.5, 0.7].map(|chance| weighted(chance, kept()));
    (weighted(0.85, kept()), others, 1u32..8).prop_map(|(daily, [weekly, monthly, quarterly, annual], only)| {
        let kept = [daily, weekly, monthly, quarterly, annual];
        let plan: ModelPlan =
            INTERVALS.into_iter().zip(kept).filter_map(|(interval, kept)| Some((interval, kept?))).collect();
        if plan.is_empty() { [("Weekly", Some(only))].into() } else { plan }
    })
}

/// The state of a history that is being replayed.
#[derive(Default)]
pub struct Past {
    elapsed: i64,
    deployed: usize,
    /// Number of volumes and snapshots created so far. Each gets a unique number.
    made: usize,
    /// Volume in each place.
    places: [Option<String>; VOLUMES],
}

impl Past {
    /// Returns the scheduled time of the run.
    pub fn scheduled(&self, turn: &SimulatedNight) -> DateTime<Utc> {
        FIRST + TimeDelta::seconds(self.elapsed + turn.seconds.min(0))
    }

    /// Returns the parameters that the stack is deployed with.
    pub fn parameters(&self, history: &History) -> ModelParameters {
        history.parameters[self.deployed].clone()
    }

    /// Applies the changes before a run. A run with an earlier scheduled time stands for one that a person starts by hand.
    pub fn happen(&mut self, account: &mut ModelAccount, turn: &SimulatedNight) {
        if self.made == 0 {
            (0..VOLUMES).for_each(|place| self.come_or_go(account, place));
        }
        self.elapsed += turn.seconds.max(0);
        for happening in &turn.happenings {
            self.one(account, happening, turn);
        }
    }

    fn one(&mut self, account: &mut ModelAccount, happening: &Happening, turn: &SimulatedNight) {
        match happening {
            Happening::ComeOrGo(place) => self.come_or_go(account, *place),
            Happening::AttachOrDetach(place) => self.volume(account, *place, |volume| volume.in_use = !volume.in_use),
            Happening::Tag(place, key, value) => {
                self.volume(account, *place, |volume| drop(volume.tags.insert(key.to_string(), value.to_string())));
            }
            Happening::Untag(place, key) => self.volume(account, *place, |volume| drop(volume.tags.remove(*key))),
            Happening::FiftyTags(place) => self.volume(account, *place, |volume| {
                let more = (0..).map(|number| (format!("Tag{number}"), String::new()));
                let room = 50 - volume.tags.len().min(50);
                volume.tags.extend(more.take(room));
            }),
            Happening::Snapshot(place, tags) => self.foreign(account, *place, tags, turn),
            Happening::Settle(back, state) => newest_but(account, *back, |one| one.state = state.to_string()),
            Happening::Promote(back) => {
                newest_but(account, *back, |one| drop(one.tags.insert("Interval".into(), "Annual".into())));
            }
            Happening::Deploy(number) => self.deployed = *number,
        }
    }

    fn come_or_go(&mut self, account: &mut ModelAccount, place: usize) {
        self.made += 1;
        match self.places[place].take() {
            Some(gone) => drop(account.volumes.remove(&gone)),
            None => {
                let id = format!("vol-{:05}", self.made);
                account.volumes.insert(id.clone(), ModelVolume { in_use: true, ..ModelVolume::default() });
                self.places[place] = Some(id);
            }
        }
    }

    fn volume(&self, account: &mut ModelAccount, place: usize, change: impl Fn(&mut ModelVolume)) {
        if let Some(volume) = self.places[place].as_ref().and_then(|id| account.volumes.get_mut(id)) {
            change(volume);
        }
    }

    fn foreign(&mut self, account: &mut ModelAccount, place: usize, tags: &[(&str, &str)], turn: &SimulatedNight) {
        let Some(volume) = self.places[place].clone() else { return };
        let tonight = self.scheduled(turn).to_string()[..10].to_owned();
        let value = |value: &str| if value == "tonight" { tonight.clone() } else { value.to_owned() };
        let tags = tags.iter().map(|(key, text)| (key.to_string(), value(text))).collect();
        self.made += 1;
        let snapshot = ModelSnapshot { volume, state: "completed".into(), tags };
        account.snapshots.insert(format!("snap-{:05}", self.made), snapshot);
    }

    /// Creates the snapshots of the run in their final states.
    pub fn create(&mut self, account: &mut ModelAccount, creates: &BTreeMap<String, Tags>, turn: &SimulatedNight) {
        for (volume, tags) in creates {
            if let Some(state) = self.fate(volume, turn) {
                self.made += 1;
                let snapshot = ModelSnapshot { volume: volume.clone(), state: state.into(), tags: tags.clone() };
                account.snapshots.insert(format!("snap-{:05}", self.made), snapshot);
            }
        }
    }

    /// Returns whether a volume has no protecting snapshot from the run.
    pub fn failed(&self, volume: &str, turn: &SimulatedNight) -> bool {
        !matches!(self.fate(volume, turn), Some("completed" | "pending"))
    }

    fn fate(&self, volume: &str, turn: &SimulatedNight) -> Option<&'static str> {
        turn.fates[self.places.iter().position(|place| place.as_deref() == Some(volume)).expect("a place")]
    }
}

fn newest_but(account: &mut ModelAccount, back: usize, change: impl Fn(&mut ModelSnapshot)) {
    let at = account.snapshots.len().saturating_sub(back + 1);
    if let Some(snapshot) = account.snapshots.values_mut().nth(at) {
        change(snapshot);
    }
}
