//! `nightly list`: lists the restore points of each volume by Interval, with their expiry dates.

use anyhow::Result;
use comfy_table::Color;
use domain::{Interval, Night, plan::DEFAULT};
use jiff::{Timestamp, tz::TimeZone};
use schemars::JsonSchema;
use serde::Serialize;
use std::{cmp::Reverse, collections::BTreeMap};

use crate::{
    Exit,
    account::{
        Account,
        ec2::Snapshot,
        inventory::{Histories, History, Inventory, find},
        stack::Stack,
    },
    forecast::{Forecast, SnapshotEnd, Standing},
    ui::{
        output,
        table::Rows,
        terminal::Terminal,
        text::{minute, plural, safe},
    },
    view::expiry,
};

#[derive(Clone, Debug, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SnapshotListing {
    pub snapshot_id: String,
    pub night: Option<Night>,
    pub interval: Option<Interval>,
    pub intervals: Option<String>,
    /// Name of the plan that decides when the restore point expires.
    pub plan: Option<String>,
    pub state: String,
    pub gibibytes: i32,
    pub started: Option<Timestamp>,
    /// Night on which the restore point expires. None if it never expires.
    pub expires: Option<Night>,
    /// Reason for the expiry date, or for the lack of one.
    pub reason: String,
}

#[derive(Clone, Debug, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct VolumeListing {
    pub volume_id: String,
    pub name: String,
    pub region: String,
    pub exists: bool,
    /// Name of the plan of the coming runs. None if the volume no longer exists.
    pub plan: Option<String>,
    /// The longest Interval first, the newest first of each, and then snapshots whose tags cannot be read.
    pub restore_points: Vec<SnapshotListing>,
}

/// Volumes, and the parameters that determine the expiry dates.
#[derive(Clone, Debug, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Listing {
    /// Rule of each plan, such as `Daily=7,Annual=forever`.
    plans: BTreeMap<String, String>,
    next_night: Night,
    pub volumes: Vec<VolumeListing>,
}

/// Prints the restore points of the volume with this id or name, or of all volumes.
pub async fn run(account: &Account, stack: &Stack, volume: Option<&str>, json: bool, now: Timestamp) -> Result<Exit> {
    let inventory = Inventory::read(account, stack, volume).await?;
    let next = inventory.next_night(now, &stack.time_zone);
    let mut histories = inventory.histories();
    match volume {
        Some(asked) => {
            let key = find(&histories, asked, &stack.regions)?;
            histories.retain(|one, _| *one == key);
        }
        None => histories.retain(|_, history| !history.snapshots.is_empty()),
    }
    let listing = Listing::new(histories, stack, next);
    output::answer(json, &listing, |terminal| listing.text(stack, terminal))?;
    Ok(if inventory.unread.is_empty() { Exit::Good } else { Exit::Partial })
}

impl Listing {
    pub fn new(histories: Histories<'_>, stack: &Stack, next: Night) -> Self {
        let mut forecast = Forecast::new(&stack.plans, next);
        let of = |(key, history)| listed_volume(key, history, stack, &mut forecast);
        let volumes = histories.into_iter().map(of).collect();
        let plans = stack.plans.iter().map(|(name, plan)| (name.to_owned(), plan.to_string())).collect();
        Self { plans, next_night: next, volumes }
    }

    pub fn text(&self, stack: &Stack, terminal: Terminal) -> String {
        let zone = stack.time_zone.iana_name().unwrap_or("UTC");
        let next = self.next_night;
        let mut text = terminal.prose(0, &expiry::keeps(&stack.plans).join(" "));
        text += &terminal
            .prose(0, &format!("Expiry dates assume that every run from {next} on succeeds. Times are in {zone}."));
        if self.volumes.is_empty() {
            return text + "\n" + &terminal.prose(0, "There is no restore point yet. `nightly run` creates the first.");
        }
        let tables: Vec<_> = self.volumes.iter().map(|volume| volume.table(&stack.time_zone)).collect();
        for (volume, table) in self.volumes.iter().zip(terminal.draw(&tables)) {
            let heading = terminal.prose(0, &volume.heading(stack.regions.len() > 1));
            text += &format!("\n{}\n", terminal.heading(heading.trim_end()));
            text += if volume.restore_points.is_empty() { "" } else { &table };
        }
        text
    }
}

fn listed_volume(
    (region, id): (&str, &str),
    mut history: History<'_>,
    stack: &Stack,
    forecast: &mut Forecast<'_>,
) -> VolumeListing {
    history.snapshots.sort_by_key(|one| {
        Reverse((one.identity.as_ref().ok().map(|identity| (identity.interval, identity.night)), one.started))
    });
    let exists = history.volume.is_some();
    let standing = Standing::new(history.volume, &stack.selection, &stack.plans);
    let forecast_each = forecast.forecast_each(&history.snapshots, &standing);
    VolumeListing {
        volume_id: id.to_owned(),
        name: history.name().to_owned(),
        region: region.to_owned(),
        exists,
        plan: history.volume.map(|volume| stack.plans.of_volume(&volume.tags).0.to_owned()),
        restore_points: history
            .snapshots
            .iter()
            .zip(forecast_each)
            .map(|(one, end)| listed_snapshot(one, end.as_ref()))
            .collect(),
    }
}

fn listed_snapshot(snapshot: &Snapshot, end: Option<&SnapshotEnd>) -> SnapshotListing {
    let identity = snapshot.identity.as_ref();
    let (expires, reason) = match (end, identity) {
        (Some(end), _) => (end.expires(), expiry::reason(end, &snapshot.state)),
        (None, Err(problem)) => (None, format!("the tags cannot be read: {problem}")),
        (None, Ok(_)) => (None, String::new()),
    };
    SnapshotListing {
        snapshot_id: snapshot.id.clone(),
        night: snapshot.night(),
        interval: identity.ok().map(|identity| identity.interval),
        intervals: identity.ok().map(|identity| identity.intervals.to_string()),
        plan: identity.ok().map(|identity| identity.plan.clone()),
        state: snapshot.state.clone(),
        gibibytes: snapshot.gibibytes,
        started: snapshot.started,
        expires,
        reason,
    }
}

impl VolumeListing {
    fn heading(&self, many_regions: bool) -> String {
        let name = if self.name.is_empty() { String::new() } else { format!(" {}", self.name) };
        let region = if many_regions { format!(" in {}", self.region) } else { String::new() };
        let gone = if self.exists { "" } else { ", gone" };
        let points = match self.restore_points.len() {
            0 => "no restore point".to_owned(),
            count => plural(count, "snapshot"),
        };
        let plan = self.plan.as_deref().filter(|plan| *plan != DEFAULT);
        let plan = plan.map(|plan| format!(", plan {plan}")).unwrap_or_default();
        safe(&format!("{}{name}{region}{gone}{plan}: {points}", self.volume_id))
    }

    fn table(&self, zone: &TimeZone) -> Rows {
        let mut rows =
            Rows::new(&[&["Snapshot", "Started"], &["Night", "Intervals"], &["State", "Size"], &["Expires", "Reason"]]);
        let mut group = None;
        for point in &self.restore_points {
            if group.replace(point.interval) != Some(point.interval) {
                rows.add(&[point.interval.map_or("Unreadable".to_owned(), |interval| interval.to_string())], None);
            }
            let is_bad = point.state == "error" || point.interval.is_none();
            rows.add(&point.cells(zone), is_bad.then_some(Color::DarkRed));
        }
        rows
    }
}

impl SnapshotListing {
    /// Returns a text such as `Daily+Weekly, gold`.
    fn intervals_and_plan(&self) -> String {
        let plan = self.plan.as_deref().filter(|plan| *plan != DEFAULT).map(|plan| format!(", {}", safe(plan)));
        self.intervals.clone().unwrap_or_default() + &plan.unwrap_or_default()
    }

    fn cells(&self, zone: &TimeZone) -> [String; 8] {
        [
            format!("  {}", self.snapshot_id),
            self.started.map(|started| minute(started, zone)).unwrap_or_default(),
            self.night.map(|night| night.to_string()).unwrap_or_default(),
            self.intervals_and_plan(),
            self.state.clone(),
            format!("{} GiB", self.gibibytes),
            self.expires.map_or("never".to_owned(), |night| night.to_string()),
            self.reason.clone(),
        ]
    }
}

#[cfg(test)]
#[path = "list_tests.rs"]
mod tests;
