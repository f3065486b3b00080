//! `nightly plan`: shows the plans, and what the next run makes and deletes, also if `Keep` or `Plans` were changed.

use anyhow::{Result, anyhow};
use domain::{
    Interval, Night,
    plan::{Keep, Plan, Plans},
    retention::{self, DatedSnapshot, RetentionState},
    rules::{LastRules, Rules},
};
use jiff::Timestamp;
use ledger::keys;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::{BTreeMap, HashMap, HashSet};

use crate::{
    Exit,
    account::{
        Account,
        inventory::{History, Inventory},
        ledger::LedgerRuns,
        stack::Stack,
    },
    cli::Plan as Asked,
    forecast::{self, Standing},
    ui::{
        output,
        table::Rows,
        terminal::Terminal,
        text::{grouped, plural},
    },
    view::expiry::kept,
};

/// The plans and the next run, under the rules of the stack or under other ones.
#[derive(Debug, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PlanReport {
    keep: String,
    plans: Vec<PlanSummary>,
    /// Whether the rules are others than those of the stack.
    is_preview: bool,
    next_night: Night,
    /// Regions that could not be read.
    unread_regions: Vec<String>,
    /// Volumes whose tag `BackupPlan` names no plan.
    unknown_plans: usize,
    /// Snapshots that the next run makes.
    makes: Vec<Group>,
    /// Snapshots that the next run deletes.
    deletes: Vec<Group>,
    /// Snapshots that the next run spares, because the rules of the last run kept them. The Night after it deletes them.
    spares: Vec<Group>,
    /// Snapshots that stay because no rule covers them.
    without_rule: Vec<Group>,
}

#[derive(Debug, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PlanSummary {
    name: String,
    /// Rule, such as `Daily=7,Annual=forever`.
    rule: String,
    /// Volumes that the next run backs up by this plan.
    volumes: usize,
    /// Restore points of a volume in the long run, apart from those that are kept for ever. If runs fail, it may be one more of each Interval.
    restore_points: usize,
    /// Restore points of a volume that are added each year and kept for ever.
    yearly: usize,
    /// The rule in words.
    keeps: String,
}

/// A number of snapshots with the same plan and Intervals.
#[derive(Debug, PartialEq, Eq, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Group {
    plan: String,
    /// Such as `Daily+Monthly` for a new snapshot, and the governing Interval for an existing one.
    intervals: String,
    snapshots: usize,
}

/// Rules of the last run in each Region.
pub type LastRun = HashMap<String, LastRules>;

/// Prints the plans.
pub async fn run(account: &Account, stack: &Stack, asked: &Asked, json: bool, now: Timestamp) -> Result<Exit> {
    let keep = asked.keep.clone().unwrap_or_else(|| stack.rules.keep.clone());
    let rules = Rules { keep, plans: asked.plans.clone().unwrap_or_else(|| stack.rules.plans.clone()) };
    let report = PlanReport::read(account, stack, &rules, now).await?;
    output::answer(json, &report, |terminal| report.text(terminal))?;
    Ok(if report.unread_regions.is_empty() { Exit::Good } else { Exit::Partial })
}

impl PlanReport {
    /// Reads the volumes, the snapshots and the rules of the last run, and applies `rules`.
    ///
    /// # Errors
    /// The rules cannot be read, or AWS does not answer.
    pub async fn read(account: &Account, stack: &Stack, rules: &Rules, now: Timestamp) -> Result<Self> {
        // Checks the rules before any call.
        let mut plans = rules.plans().map_err(|error| anyhow!(error.message))?;
        plans.weekly_on = stack.plans.weekly_on;
        let inventory = Inventory::read(account, stack, None).await?;
        let (ledger, mut last_run) = (LedgerRuns::new(account, stack), LastRun::new());
        for region in &stack.regions {
            match ledger.read(&keys::rules(region)).await {
                Ok(last) => last_run.extend(last.map(|last| (region.clone(), last))),
                Err(error) => {
                    output::note(&format!("nightly: without the rules of the last run in {region}: {error:#}"))
                }
            }
        }
        let next = inventory.next_night(now, &stack.time_zone);
        Self::new(&inventory, stack, rules, &plans, &last_run, next)
    }

    fn new(
        inventory: &Inventory,
        stack: &Stack,
        rules: &Rules,
        plans: &Plans,
        last_run: &LastRun,
        next: Night,
    ) -> Result<Self> {
        let mut sums = Sums::default();
        for ((region, _), history) in inventory.histories() {
            let before = last_run.get(region).and_then(|last| last.before(next)).map(Rules::plans).transpose()?;
            sums.add_volume(&history, stack, plans, before.as_ref(), next);
        }
        let summary = |(name, plan): (&str, &Plan)| PlanSummary {
            name: name.to_owned(),
            rule: plan.to_string(),
            volumes: sums.volumes.get(name).copied().unwrap_or_default(),
            restore_points: restore_points(plan),
            yearly: yearly(plan),
            keeps: kept(plan),
        };
        Ok(Self {
            keep: rules.keep.clone(),
            plans: plans.iter().map(summary).collect(),
            is_preview: *rules != stack.rules,
            next_night: next,
            unread_regions: inventory.unread.clone(),
            unknown_plans: sums.unknown_plans,
            makes: groups(sums.makes),
            deletes: groups(sums.deletes),
            spares: groups(sums.spares),
            without_rule: groups(sums.without_rule),
        })
    }

    pub fn text(&self, terminal: Terminal) -> String {
        let mut rows = Rows::new(&[&["Plan"], &["Volumes"], &["A volume keeps", "Restore points of a volume"]]);
        for plan in &self.plans {
            let yearly = if plan.yearly == 0 { String::new() } else { format!(", and {} more each year", plan.yearly) };
            let points = format!("{}{yearly}", plan.restore_points);
            rows.add(&[&plan.name, &grouped(plan.volumes), &plan.keeps, &points], None);
        }
        let mut text = String::new();
        if self.is_preview {
            text += &terminal.prose(0, "A preview: nothing is changed.");
            text += "\n";
        }
        text += &terminal.draw(&[rows]).concat();
        text += "\n";
        let (is, then) = (if self.is_preview { "would make" } else { "makes" }, self.next_night);
        text += &terminal.prose(0, &format!("The run for {then} {is} {}.", in_words(&self.makes)));
        let deletes = if self.is_preview { "would delete" } else { "deletes" };
        text += &terminal.prose(0, &format!("It {deletes} {}.", in_words(&self.deletes)));
        if !self.spares.is_empty() {
            let spares = in_words(&self.spares);
            let once =
                "It is the first Night under shorter rules. So it sends an email, and the Night after it deletes";
            text += &terminal.prose(0, &format!("{once} {spares}."));
        }
        if !self.without_rule.is_empty() {
            let stay = in_words(&self.without_rule);
            text += &terminal.prose(0, &format!("No rule covers {stay}: no run deletes them."));
        }
        if self.unknown_plans > 0 {
            let unknown = plural(self.unknown_plans, "volume");
            text += &terminal.prose(0, &format!("The tag BackupPlan of {unknown} names no plan: `nightly coverage`."));
        }
        for region in &self.unread_regions {
            text += &terminal.bad(&format!("{region} could not be read."));
            text += "\n";
        }
        text
    }
}

/// Returns the restore points of a volume in the long run, except those that are kept for ever.
fn restore_points(plan: &Plan) -> usize {
    plan.iter().map(|(_, keep)| if let Keep::Count(count) = keep { count as usize } else { 0 }).sum()
}

/// Returns the number of restore points a year that are kept for ever.
fn yearly(plan: &Plan) -> usize {
    let forever = plan.iter().filter(|(_, keep)| *keep == Keep::Forever).map(|(interval, _)| interval);
    let in_a_year = |interval| match interval {
        Interval::Daily => 365,
        Interval::Weekly => 52,
        Interval::Monthly => 12,
        Interval::Quarterly => 4,
        Interval::Annual => 1,
    };
    forever.map(in_a_year).sum()
}

/// Snapshots by plan and Intervals.
type Counts = BTreeMap<(String, String), usize>;

#[derive(Default)]
struct Sums {
    volumes: BTreeMap<String, usize>,
    unknown_plans: usize,
    makes: Counts,
    deletes: Counts,
    spares: Counts,
    without_rule: Counts,
}

impl Sums {
    fn add_volume(&mut self, history: &History, stack: &Stack, plans: &Plans, before: Option<&Plans>, next: Night) {
        let mut snapshots: Vec<_> = history.snapshots.iter().filter_map(|one| forecast::managed(one, next)).collect();
        let exists = history.volume.is_some();
        if let Standing::BackedUp { plan } = Standing::new(history.volume, &stack.selection, plans) {
            *self.volumes.entry(plan.clone()).or_default() += 1;
            let unknown = history.volume.and_then(|volume| plans.unknown(&volume.tags));
            self.unknown_plans += usize::from(unknown.is_some());
            let mut past = forecast::history(&snapshots);
            if let Some(coming) = forecast::coming_snapshot(next, &plan, plans, &mut past) {
                *self.makes.entry((plan, coming.identity.intervals.to_string())).or_default() += 1;
                snapshots.push(DatedSnapshot { state: RetentionState::Pending, ..coming });
            }
        }
        let expired = |plans| retention::expired(&snapshots, next, plans, |_| exists);
        let expired_before: Option<HashSet<_>> =
            before.map(|before| expired(before).into_iter().map(|one| &one.id).collect());
        for one in expired(plans) {
            let is_spared = expired_before.as_ref().is_some_and(|before| !before.contains(&one.id));
            add(if is_spared { &mut self.spares } else { &mut self.deletes }, one);
        }
        let has_no_rule = |one: &&DatedSnapshot| {
            one.state != RetentionState::Error && retention::rule(&one.identity, plans).is_none()
        };
        snapshots.iter().filter(has_no_rule).for_each(|one| add(&mut self.without_rule, one));
    }
}

fn add(counts: &mut Counts, one: &DatedSnapshot) {
    *counts.entry((one.identity.plan.clone(), one.identity.interval.to_string())).or_default() += 1;
}

fn groups(counts: Counts) -> Vec<Group> {
    let group = |((plan, intervals), snapshots)| Group { plan, intervals, snapshots };
    counts.into_iter().map(group).collect()
}

/// Returns a text such as `14 snapshots: 12 Daily of default, 2 Daily+Monthly of gold`.
fn in_words(groups: &[Group]) -> String {
    let parts: Vec<_> = groups
        .iter()
        .map(|Group { plan, intervals, snapshots }| format!("{} {intervals} of {plan}", grouped(*snapshots)))
        .collect();
    match groups.iter().map(|group| group.snapshots).sum() {
        0 => "no snapshot".to_owned(),
        sum => format!("{}: {}", plural(sum, "snapshot"), parts.join(", ")),
    }
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
