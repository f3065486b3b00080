//! `nightly list`: lists the restore points of each volume by Interval, with their expiry dates.

use anyhow::Result;
use comfy_table::Color;
use domain::{Interval, Night, retention::Policy, selection::Selection};
use jiff::{Timestamp, tz::TimeZone};
use schemars::JsonSchema;
use serde::Serialize;
use std::cmp::Reverse;

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
    /// Annuals, quarterlies and dailies, newest first, and then snapshots whose tags cannot be read.
    pub restore_points: Vec<SnapshotListing>,
}

/// Volumes, and the parameters that determine the expiry dates.
#[derive(Clone, Debug, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Listing {
    keep_dailies: u32,
    quarterly_months: u32,
    keep_quarterlies: u32,
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
        let Policy { dailies, quarterly_months, quarterlies } = stack.policy;
        let mut forecast = Forecast::new(stack.policy, next);
        let of = |(key, history)| listed_volume(key, history, &stack.selection, &mut forecast);
        let volumes = histories.into_iter().map(of).collect();
        Self { keep_dailies: dailies, quarterly_months, keep_quarterlies: quarterlies, next_night: next, volumes }
    }

    pub fn text(&self, stack: &Stack, terminal: Terminal) -> String {
        let zone = stack.time_zone.iana_name().unwrap_or("UTC");
        let next = self.next_night;
        let mut text = terminal.prose(0, &format!("{} {}.", stack.backup_stack, expiry::keeps(stack.policy)));
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
    selection: &Selection,
    forecast: &mut Forecast,
) -> VolumeListing {
    history.snapshots.sort_by_key(|one| {
        Reverse((one.identity.as_ref().ok().map(|identity| (identity.interval, identity.night)), one.started))
    });
    let exists = history.volume.is_some();
    let forecast_each = forecast.forecast_each(&history.snapshots, Standing::new(history.volume, selection));
    VolumeListing {
        volume_id: id.to_owned(),
        name: history.name().to_owned(),
        region: region.to_owned(),
        exists,
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
        safe(&format!("{}{name}{region}{gone}: {points}", self.volume_id))
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
    fn cells(&self, zone: &TimeZone) -> [String; 8] {
        [
            format!("  {}", self.snapshot_id),
            self.started.map(|started| minute(started, zone)).unwrap_or_default(),
            self.night.map(|night| night.to_string()).unwrap_or_default(),
            self.intervals.clone().unwrap_or_default(),
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
