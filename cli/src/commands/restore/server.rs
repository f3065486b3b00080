//! Chooses the restore points of all volumes of a server, which are of the same Night.

use anyhow::{Result, bail};
use domain::{
    Night,
    tags::{RESTORE_AS, RESTORE_SERVER},
};
use std::collections::{BTreeMap, BTreeSet};

use super::{
    choose::{ChosenPoints, best, choices, newest_of, nights, state, way_out},
    sources::{SourcePoint, Sources},
};
use crate::account::ec2::Volume;

/// Number of Nights for which a volume without a new restore point still counts as the server's. In this time, failed runs are likelier
/// than a detached volume. The value is the default number of dailies.
const MISSED: i64 = 7;

/// Returns one restore point of each of the server's volumes, all of one Night. If no Night is given, uses the newest one that every volume
/// has.
pub fn all<'a>(found: &'a Sources, asked: &str, night: Option<Night>, regions: &[String]) -> Result<ChosenPoints<'a>> {
    let server = Server::new(found, asked);
    let known = nights(server.points.iter().copied());
    let Some(newest) = known.last().copied() else {
        bail!(
            "no restore point belongs to a server {asked:?} in {}; `nightly coverage` lists the servers; an instance id also works",
            regions.join(", ")
        );
    };
    let whole: Vec<_> = known.iter().copied().filter(|night| server.lacks(*night).is_empty()).collect();
    let newest_whole = newest_of(server.points.iter().copied().filter(|point| whole.contains(&point.night)));
    let Some(night) = night.or(newest_whole.map(|point| point.night)) else {
        let lacks = server.lacks(newest).join(", ");
        bail!("no Night has a restore point of every volume of {asked}: the Night {newest} has none of {lacks}");
    };
    let members = server.members(night);
    if !known.contains(&night) {
        bail!("{asked} has no restore point of the Night {night}; {}", choices(&whole, night));
    }
    let lacks = server.lacks(night);
    if !lacks.is_empty() {
        let lacks = lacks.join(", ");
        bail!(
            "not every volume of {asked} has a restore point of the Night {night}: {lacks}; {}",
            choices(&whole, night)
        );
    }
    let points: Vec<_> = members.values().flatten().copied().collect();
    is_one(asked, night, &points)?;
    let notes = server.notes(found, night, &members);
    Ok(ChosenPoints { points, notes })
}

/// Refuses a choice that would mix several servers.
fn is_one(asked: &str, night: Night, points: &[&SourcePoint]) -> Result<()> {
    let instances: BTreeSet<_> =
        points.iter().filter_map(|point| point.snapshot.origin.as_ref()?.instance.as_deref()).collect();
    if instances.len() > 1 {
        let ids = instances.into_iter().collect::<Vec<_>>().join(" or ");
        bail!("several servers were named {asked} in the Night {night}: give the instance's id, --server {ids}");
    }
    let regions: BTreeSet<_> = points.iter().map(|point| point.snapshot.region.as_str()).collect();
    if regions.len() > 1 {
        let regions = regions.into_iter().collect::<Vec<_>>().join(" and ");
        bail!("servers named {asked} are in {regions}: restore their volumes one by one");
    }
    Ok(())
}

/// Server as recorded in its restore points.
struct Server<'a> {
    /// Restore points of its volumes from the time when they were attached to it.
    points: Vec<&'a SourcePoint>,
    /// Volumes that are attached now, if the server still exists.
    attached: BTreeSet<&'a str>,
}

/// Volumes that a server had in a Night, each with its restore point of that Night.
type Members<'a> = BTreeMap<&'a str, Option<&'a SourcePoint>>;

impl<'a> Server<'a> {
    fn new(found: &'a Sources, asked: &str) -> Self {
        let there = found.servers.iter().filter(|server| server.state != "terminated");
        let attached: BTreeSet<_> = there.flat_map(|server| server.devices.values().map(String::as_str)).collect();
        let is_its = |instance: &str| instance == asked || found.servers.iter().any(|server| server.id == instance);
        let belongs = |point: &&SourcePoint| {
            let tags = &point.snapshot.tags;
            let tells = tags.contains_key(RESTORE_AS) || tags.contains_key(RESTORE_SERVER);
            let instance = point.snapshot.origin.as_ref().and_then(|origin| origin.instance.as_deref());
            tags.get(RESTORE_SERVER).is_some_and(|name| name == asked)
                || instance.is_some_and(is_its)
                || (!tells && attached.contains(point.snapshot.volume_id.as_str()))
        };
        Self { points: found.points.iter().filter(belongs).collect(), attached }
    }

    fn members(&self, night: Night) -> Members<'a> {
        let device = |point: &SourcePoint| point.snapshot.origin.as_ref().and_then(|origin| origin.device.clone());
        let of_night: Vec<_> = self.points.iter().filter(|point| point.night == night).collect();
        let taken: BTreeSet<_> = of_night.iter().filter_map(|point| device(point)).collect();
        let ids: BTreeSet<_> = self.points.iter().map(|point| point.snapshot.volume_id.as_str()).collect();
        let mut members = Members::new();
        for id in ids {
            let own: Vec<_> = self.points.iter().copied().filter(|point| point.snapshot.volume_id == id).collect();
            let last = own.iter().copied().filter(|point| point.night < night).max_by_key(|point| point.night);
            let missed = last.is_some_and(|last| {
                own.iter().any(|point| point.night > night)
                    || self.attached.contains(id)
                    || (last.night.nights_before(night) <= MISSED
                        && device(last).is_none_or(|device| !taken.contains(&device)))
            });
            let point = best(&own, night);
            if point.is_some() || missed {
                members.insert(id, point);
            }
        }
        members
    }

    /// Lists the volumes that have no fit restore point of a Night, with the reasons.
    fn lacks(&self, night: Night) -> Vec<String> {
        let lack = |(id, point): (&str, Option<&SourcePoint>)| match point {
            None => Some(format!("{id} has none")),
            Some(point) => (!point.snapshot.is_fit()).then(|| {
                format!("{id}'s {}{}", state(point), way_out(point).map(|way| format!(" ({way})")).unwrap_or_default())
            }),
        };
        self.members(night).into_iter().filter_map(lack).collect()
    }

    fn notes(&self, found: &Sources, night: Night, members: &Members) -> Vec<String> {
        let newest = |id: &str| newest_of(self.points.iter().copied().filter(|point| point.snapshot.volume_id == id));
        let mut notes = Vec::new();
        for (id, point) in members {
            let newer =
                newest(id).filter(|newest| point.is_some_and(|point| newest.snapshot.started > point.snapshot.started));
            notes.extend(newer.map(|newer| {
                let night = newer.night;
                format!(
                    "{id} has a newer restore point, of the Night {night}, which not every volume of the server has."
                )
            }));
        }
        let before =
            self.points.iter().filter(|point| point.night < night).map(|point| point.snapshot.volume_id.as_str());
        let gone = before.filter(|id| !members.contains_key(id)).collect::<BTreeSet<_>>();
        notes.extend(gone.into_iter().filter_map(|id| {
            Some(format!("{id} was the server's until the Night {}, and is left out.", newest(id)?.night))
        }));
        let fresh = self.attached.iter().filter(|id| newest(id).is_none());
        notes.extend(fresh.map(|id| {
            let name =
                found.volume(id).map(Volume::name).filter(|name| !name.is_empty()).map(|name| format!(" ({name})"));
            format!("{id}{} is attached to the server and has no restore point of it.", name.unwrap_or_default())
        }));
        notes
    }
}
