//! Chooses the volume and its restore point.

use anyhow::{Result, bail};
use domain::Night;
use jiff::tz::TimeZone;
use std::{cmp::Reverse, collections::BTreeSet};

use super::sources::{SourcePoint, Sources};
use crate::{
    account::inventory::{Histories, find, histories},
    ui::text::minute,
};

/// Maximum number of Nights that an error suggests.
const CHOICES: usize = 3;

/// Chosen restore points, and notes about the choice.
#[derive(Debug)]
pub struct ChosenPoints<'a> {
    pub points: Vec<&'a SourcePoint>,
    pub notes: Vec<String>,
}

/// Returns the restore point of the volume with this id or name. If no Night is given, returns the newest one, whose snapshot started last,
/// whatever its Night.
pub fn one<'a>(found: &'a Sources, asked: &str, night: Option<Night>, regions: &[String]) -> Result<ChosenPoints<'a>> {
    let histories = found.histories();
    let (region, id) = find(&histories, asked, regions)?;
    let is_its = |point: &&SourcePoint| point.snapshot.volume_id == id && point.snapshot.region == region;
    let points: Vec<_> = found.points.iter().filter(is_its).collect();
    let fit = nights(points.iter().copied().filter(|point| point.snapshot.is_fit()));
    let Some(newest) = newest_of(points.iter().copied()) else {
        bail!("{id} in {region} has no restore point yet; `nightly run` creates one");
    };
    let newest_fit = newest_of(points.iter().copied().filter(|point| point.snapshot.is_fit()));
    let Some(night) = night.or(newest_fit.map(|point| point.night)) else { bail!("{}", unfit(newest, &fit)) };
    let Some(point) = best(&points, night) else {
        bail!("{id} has no restore point of the Night {night}; {}", choices(&fit, night));
    };
    if !point.snapshot.is_fit() {
        bail!("{}", unfit(point, &fit));
    }
    let newer =
        points.iter().filter(|other| other.snapshot.started > point.snapshot.started && !other.snapshot.is_fit());
    let notes = newer.map(|point| format!("Not taken, though newer: {}.", state(point))).collect();
    Ok(ChosenPoints { points: vec![point], notes })
}

impl Sources {
    pub fn histories(&self) -> Histories<'_> {
        histories(&self.volumes, self.points.iter().map(|point| &point.snapshot))
    }
}

/// Returns the restore point whose snapshot started last.
pub fn newest_of<'a>(points: impl Iterator<Item = &'a SourcePoint>) -> Option<&'a SourcePoint> {
    points.max_by_key(|point| (point.snapshot.started, point.night))
}

/// Returns the Nights of restore points, oldest first.
pub fn nights<'a>(points: impl Iterator<Item = &'a SourcePoint>) -> Vec<Night> {
    points.map(|point| point.night).collect::<BTreeSet<_>>().into_iter().collect()
}

/// Returns one volume's restore point of a Night. Prefers one that is fit, and then the newest.
pub fn best<'a>(points: &[&'a SourcePoint], night: Night) -> Option<&'a SourcePoint> {
    let of_night = points.iter().filter(|point| point.night == night);
    of_night.max_by_key(|point| (point.snapshot.is_fit(), point.snapshot.started)).copied()
}

/// Returns the error for a restore point from which no volume can be created, with the remedy.
fn unfit(point: &SourcePoint, fit: &[Night]) -> String {
    let way = way_out(point).map(|way| format!("{way}; or ")).unwrap_or_default();
    format!("{}: {way}{}", state(point), choices(fit, point.night))
}

/// Returns the remedy for a restore point that is not fit, if there is one.
pub fn way_out(point: &SourcePoint) -> Option<String> {
    let (id, region) = (&point.snapshot.id, &point.snapshot.region);
    match point.snapshot.state.as_str() {
        _ if point.snapshot.is_archived => Some(format!(
            "bring it back, which may take 72 hours: `aws ec2 restore-snapshot-tier --region {region} --snapshot-id {id} \
             --temporary-restore-days 7`"
        )),
        "pending" => Some("wait for it".to_owned()),
        _ => None,
    }
}

/// Describes a restore point that cannot be used: `snap-1 of the Night 2026-12-31 is still pending (45%)`.
pub fn state(point: &SourcePoint) -> String {
    let (id, night) = (&point.snapshot.id, point.night);
    match point.snapshot.state.as_str() {
        _ if point.snapshot.is_archived => format!("{id} of the Night {night} is archived"),
        "pending" => format!("{id} of the Night {night} is still pending ({})", point.snapshot.progress),
        "error" => format!("{id} of the Night {night} failed"),
        other => format!("{id} of the Night {night} is {other}"),
    }
}

/// Suggests the nearest other Nights as `--night` options.
pub fn choices(fit: &[Night], near: Night) -> String {
    let away = |night: &Night| (night.nights_before(near).abs(), Reverse(*night));
    let mut nearest: Vec<_> = fit.iter().copied().filter(|night| *night != near).collect();
    nearest.sort_by_key(away);
    nearest.truncate(CHOICES);
    let options: Vec<_> = nearest.iter().map(|night| format!("--night {night}")).collect();
    if options.is_empty() { "there is no other".to_owned() } else { format!("take {}", options.join(" or ")) }
}

/// Formats the time of a restore point's data.
pub fn time(point: &SourcePoint, zone: &TimeZone) -> String {
    let started = point.snapshot.started.map(|started| minute(started, zone));
    let started = started.unwrap_or_else(|| format!("the Night {}", point.night));
    format!("{started} {}", zone.iana_name().unwrap_or("UTC"))
}
