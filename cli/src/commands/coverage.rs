//! `nightly coverage`: lists every in-use volume with its newest restore point and its last drill, worst first, and the volumes that are no
//! longer backed up.

use anyhow::Result;
use comfy_table::Color;
use domain::{drill::Proof, selection::Selection};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::HashMap;

use crate::{
    Exit,
    account::{
        Account,
        ec2::{Snapshot, Volume},
        inventory::{Inventory, each_region},
        proofs::{self, Proofs, date},
        stack::Stack,
    },
    cli::Coverage as Asked,
    ui::{
        output,
        table::Rows,
        terminal::Terminal,
        text::{age, plural, safe},
    },
};

/// Age above which a restore point is stale, in the form that `--max-age` takes: a night and a half.
pub const DEFAULT_MAX_AGE: &str = "36h";
/// Age in seconds below which a volume without a restore point is shown with its age.
const NEW: i64 = 36 * 3600;

/// Verdict on a volume. The variants are in the order of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Cover {
    None,
    Stale,
    /// The volume has restore points, but is no longer backed up, because its tags changed or it is detached.
    Deselected,
    Covered,
    /// The volume is not backed up, because of its `Backup` tag or the parameter `VolumeTag`.
    LeftOut,
}

impl Cover {
    fn is_backed_up(self) -> bool {
        !matches!(self, Self::Deselected | Self::LeftOut)
    }
}

#[derive(Clone, Debug, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CoveragePoint {
    snapshot_id: String,
    night: String,
    started: Timestamp,
    age_seconds: i64,
}

#[derive(Clone, Debug, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    pub volume_id: String,
    pub name: String,
    pub servers: Vec<String>,
    pub region: String,
    /// Age of the volume.
    pub volume_age_seconds: Option<i64>,
    pub restore_point: Option<CoveragePoint>,
    /// Newer snapshot that is still pending.
    pub pending: Option<CoveragePoint>,
    pub verdict: Cover,
    /// Result of the volume's last drill. Absent if no drill included the volume.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proof: Option<Proof>,
}

/// In-use volumes, and volumes that have restore points, worst first.
#[derive(Clone, Debug, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CoverageReport {
    /// Whether every volume that is backed up has a fresh restore point.
    covered: bool,
    /// Regions that could not be read.
    unread_regions: Vec<String>,
    /// Whether the stack has a restore drill.
    has_drill: bool,
    /// Age in seconds above which a restore point is stale.
    max_age_seconds: i64,
    volumes: Vec<Row>,
}

pub async fn run(account: &Account, stack: &Stack, asked: &Asked, json: bool, now: Timestamp) -> Result<Exit> {
    let inventory = Inventory::read(account, stack, None).await?;
    let regions: Vec<_> = stack.regions.iter().filter(|one| !inventory.unread.contains(one)).cloned().collect();
    let names = server_names(account, &regions).await;
    // A caller without access to the ledger still gets the restore points.
    let proofs = proofs::read(account, stack).await.unwrap_or_else(|error| {
        output::note(&format!("nightly: without what restore drills proved: {error:#}"));
        None
    });
    let coverage = CoverageReport::new(&inventory, &names, &stack.selection, asked.max_age, now).with_proofs(proofs);
    output::answer(json, &coverage, |terminal| coverage.text(&stack.regions, &stack.time_zone, terminal))?;
    Ok(match (inventory.unread.is_empty(), coverage.covered) {
        (false, _) => Exit::Partial,
        (true, true) => Exit::Good,
        (true, false) => Exit::Bad,
    })
}

/// Returns the names of the servers by instance id. A caller without permission to list them still sees the ids.
async fn server_names(account: &Account, regions: &[String]) -> HashMap<String, String> {
    let answers = each_region(account, regions, async |region| region.instances(&[]).await).await;
    let mut names = HashMap::new();
    for (region, answer) in answers {
        match answer {
            Ok(servers) => names.extend(servers.into_iter().map(|one| (one.id, one.name))),
            Err(error) => output::note(&format!("nightly: without the servers' names in {region}: {error:#}")),
        }
    }
    names.retain(|_, name| !name.is_empty());
    names
}

impl CoverageReport {
    /// Determines the verdict on each volume.
    pub fn new(
        inventory: &Inventory,
        names: &HashMap<String, String>,
        selection: &Selection,
        max_age: SignedDuration,
        now: Timestamp,
    ) -> Self {
        let max_age_seconds = max_age.as_secs();
        let histories = inventory.histories();
        let in_use = histories.values().filter_map(|history| Some((history.volume?, &history.snapshots)));
        let in_use = in_use.filter(|(volume, own)| volume.state == "in-use" || !own.is_empty());
        let mut volumes: Vec<_> =
            in_use.map(|(volume, own)| row(volume, own, names, selection, max_age_seconds, now)).collect();
        volumes.sort_by_cached_key(|row| {
            let age = row.restore_point.as_ref().map(|point| -point.age_seconds);
            (row.verdict, age, row.name.clone(), row.region.clone(), row.volume_id.clone())
        });
        let mut selected = volumes.iter().filter(|row| row.verdict.is_backed_up()).peekable();
        let covered = selected.peek().is_some() && selected.all(|row| row.verdict == Cover::Covered);
        let unread = inventory.unread.clone();
        Self {
            covered: covered && unread.is_empty(),
            unread_regions: unread,
            has_drill: false,
            max_age_seconds,
            volumes,
        }
    }

    /// Adds the proofs of drills, if the stack has a drill.
    pub fn with_proofs(mut self, proofs: Option<Proofs>) -> Self {
        self.has_drill = proofs.is_some();
        let mut proofs = proofs.unwrap_or_default();
        for row in &mut self.volumes {
            row.proof = proofs.remove(&(row.region.clone(), row.volume_id.clone()));
        }
        self
    }

    pub fn text(&self, regions: &[String], zone: &TimeZone, terminal: Terminal) -> String {
        let mut rows = Rows::new(&[
            &["Volume", "Name"],
            &["Server", "Region"],
            &["Restore point", "Night", "Age", "Restored"],
            &["Verdict"],
        ]);
        let drill_zone = self.has_drill.then_some(zone);
        self.volumes.iter().for_each(|row| rows.add(&row.cells(regions.len() > 1, drill_zone), row.colour()));
        let summary = terminal.prose(0, &self.summary(regions));
        let mut text = if self.covered { summary } else { terminal.bad(summary.trim_end()) + "\n" };
        let failed: Vec<_> = self.volumes.iter().filter(|row| row.failed().is_some()).collect();
        let unread = (!self.unread_regions.is_empty())
            .then(|| format!("{} could not be read.", self.unread_regions.join(" and ")));
        let unproven = (!failed.is_empty()).then(|| {
            format!("The last restore drill could not prove {}: the reasons are below.", volumes(failed.len()))
        });
        for line in unread.iter().chain(&unproven) {
            text += &terminal.bad(terminal.prose(0, line).trim_end());
            text += "\n";
        }
        if !rows.is_empty() {
            text += "\n";
            text += &terminal.draw(&[rows]).concat();
        }
        text += &failed.iter().map(|row| row.reasons(zone, terminal)).collect::<String>();
        if let Some(next) = self.what_next() {
            text += "\n";
            text += &terminal.prose(0, next);
        }
        text
    }

    fn summary(&self, regions: &[String]) -> String {
        let count = |is: fn(Cover) -> bool| self.volumes.iter().filter(|row| is(row.verdict)).count();
        let (left_out, bad) = (count(|cover| cover == Cover::LeftOut), count(|cover| cover <= Cover::Stale));
        let deselected = count(|cover| cover == Cover::Deselected);
        let selected = self.volumes.len() - left_out - deselected;
        let hours = self.max_age_seconds / 3600;
        let mut also = if left_out == 0 { String::new() } else { format!(" {left_out} more left out.") };
        if deselected > 0 {
            also += &format!(" {deselected} no longer backed up.");
        }
        match (selected, bad) {
            (0, _) if self.volumes.is_empty() => {
                format!("No volume is in use in {}: there is nothing to back up.", regions.join(", "))
            }
            (0, _) => format!("None of {} is backed up: all are left out.", plural(self.volumes.len(), "volume")),
            (1, 0) => format!("The only volume has a restore point of the last {hours} hours.{also}"),
            (_, 0) => format!("All {selected} volumes have a restore point of the last {hours} hours.{also}"),
            (1, _) => format!("The only volume has no restore point of the last {hours} hours:"),
            (_, 1) => format!("1 of {selected} volumes has no restore point of the last {hours} hours:"),
            (_, bad) => format!("{bad} of {selected} volumes have no restore point of the last {hours} hours:"),
        }
    }

    fn what_next(&self) -> Option<&'static str> {
        match self.volumes.first().map(|row| row.verdict) {
            Some(Cover::Covered) => None,
            Some(Cover::Deselected) => Some(
                "Next: if this was intended, do nothing. Otherwise attach the volume, or correct its Backup tag and the tag of VolumeTag. Its restore points stay.",
            ),
            Some(Cover::LeftOut) => {
                Some("Next: remove the tag Backup=false from the volumes, or deploy with another VolumeTag.")
            }
            Some(_) => {
                Some("Next: `nightly status` shows the last runs; `nightly run` creates the missing snapshots now.")
            }
            None => Some("Next: check --stack, and the parameter Regions of the stack."),
        }
    }
}

fn row(
    volume: &Volume,
    own: &[&Snapshot],
    names: &HashMap<String, String>,
    selection: &Selection,
    max_age_seconds: i64,
    now: Timestamp,
) -> Row {
    let newest = |state| {
        let readable =
            own.iter().filter(|one| one.state == state && !one.is_archived).filter_map(|one| point(one, now));
        readable.min_by_key(|point| point.age_seconds)
    };
    let (restore_point, pending) = (newest("completed"), newest("pending"));
    let age = restore_point.as_ref().map(|point| point.age_seconds);
    let is_selected = volume.state == "in-use" && selection.selects(&volume.tags);
    let verdict = match age {
        _ if !is_selected && own.is_empty() => Cover::LeftOut,
        _ if !is_selected => Cover::Deselected,
        None => Cover::None,
        Some(age) if age > max_age_seconds => Cover::Stale,
        Some(_) => Cover::Covered,
    };
    Row {
        volume_id: volume.id.clone(),
        name: volume.name().to_owned(),
        servers: volume.attachments.iter().map(|(id, _)| names.get(id).unwrap_or(id).clone()).collect(),
        region: volume.region.clone(),
        volume_age_seconds: volume.created.map(|created| now.duration_since(created).as_secs()),
        pending: pending.filter(|pending| age.is_none_or(|age| pending.age_seconds < age)),
        restore_point,
        verdict,
        proof: None,
    }
}

fn point(snapshot: &Snapshot, now: Timestamp) -> Option<CoveragePoint> {
    let (night, started) = (snapshot.night()?.to_string(), snapshot.started?);
    let age_seconds = now.duration_since(started).as_secs();
    Some(CoveragePoint { snapshot_id: snapshot.id.clone(), night, started, age_seconds })
}

impl Row {
    /// Returns the cells of the row. `zone` is the time zone of the drill's dates, or none if the stack has no drill.
    fn cells(&self, many_regions: bool, zone: Option<&TimeZone>) -> Vec<String> {
        let (id, night, old) = match &self.restore_point {
            Some(point) => (point.snapshot_id.as_str(), point.night.as_str(), in_words(point.age_seconds)),
            None => ("none", "", String::new()),
        };
        let region = if many_regions { &self.region } else { "" };
        let restored = zone.map(|zone| proofs::in_words(self.proof.as_ref(), zone)).unwrap_or_default();
        let servers = self.servers.join(", ");
        let cells = [&self.volume_id, &self.name, &servers, region, id, night, &old, &restored];
        let verdict = self.verdict_in_words();
        [cells.map(str::to_owned).as_slice(), &[verdict]].concat()
    }

    fn colour(&self) -> Option<Color> {
        match self.verdict {
            Cover::None | Cover::Stale => Some(Color::DarkRed),
            Cover::Covered => Some(Color::DarkGreen),
            Cover::Deselected => Some(Color::DarkYellow),
            Cover::LeftOut => None,
        }
    }

    /// Returns the result of the volume's last drill, if that drill could not prove all restore points.
    fn failed(&self) -> Option<&Proof> {
        self.proof.as_ref().filter(|proof| !proof.unproven.is_empty())
    }

    /// Lists the restore points that the last drill could not prove, with the reasons.
    fn reasons(&self, zone: &TimeZone, terminal: Terminal) -> String {
        let unproven = self.failed().map(|proof| proof.unproven.as_slice()).unwrap_or_default();
        let proven = self.proof.as_ref().and_then(|proof| proof.proven.as_ref());
        let before =
            proven.map_or_else(|| "never proven".to_owned(), |one| format!("last proven {}", date(one.at, zone)));
        let reasons = unproven.iter().map(|one| {
            let what =
                format!("{} of {} was not restored: {}", one.snapshot_id, one.night, safe(&one.reason.to_string()));
            terminal.prose(2, &what)
        });
        let heading = terminal.prose(0, &format!("{}, {before}:", self.volume_id));
        format!("\n{heading}{}", reasons.collect::<String>())
    }

    fn verdict_in_words(&self) -> String {
        let made = self.volume_age_seconds.filter(|made| self.verdict == Cover::None && *made < NEW);
        let word = match self.verdict {
            Cover::None => "none",
            Cover::Stale => "stale",
            Cover::Covered => "covered",
            Cover::Deselected => "no longer backed up",
            Cover::LeftOut => "left out",
        };
        let pending = self.pending.as_ref().map(|point| format!("one pending for {}", in_words(point.age_seconds)));
        let made = made.map(|made| format!("created {} ago", in_words(made)));
        [Some(word.to_owned()), made, pending].into_iter().flatten().collect::<Vec<_>>().join(", ")
    }
}

fn volumes(count: usize) -> String {
    if count == 1 { "a volume".to_owned() } else { plural(count, "volume") }
}

fn in_words(seconds: i64) -> String {
    age(SignedDuration::from_secs(seconds))
}

#[cfg(test)]
#[path = "coverage_tests.rs"]
mod tests;
