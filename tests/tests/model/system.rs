//! Applies the rules of the domain crate to an account, in the same order as the functions apply them to EC2.

use chrono::{DateTime, SecondsFormat, Utc};
use domain::{
    Night,
    descriptive_tags::{self, Owner},
    due::{self, History},
    input::RunInput,
    messages::SelectedVolume,
    night as domain_night,
    plan::Plans,
    retention::{self, RetentionState},
    selection::Selection,
    tags,
    tags_at_creation::TagsAtCreation,
    tags_not_copied::TagsNotCopied,
};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use tests::model::{ModelAccount, ModelParameters, ModelSnapshot, Tags};

fn tonight(time: DateTime<Utc>, parameters: &ModelParameters) -> Night {
    let started = "2000-01-01T00:00:00Z".parse().expect("a time");
    let start =
        RunInput::read(&json!({"time": time.to_rfc3339_opts(SecondsFormat::Secs, true)}), started).expect("a start");
    Night::from_time(start.time, &domain_night::zone(&parameters.time_zone).expect("a zone"))
}

pub fn night(time: DateTime<Utc>, parameters: &ModelParameters) -> String {
    tonight(time, parameters).to_string()
}

pub fn creates(account: &ModelAccount, parameters: &ModelParameters, time: DateTime<Utc>) -> BTreeMap<String, Tags> {
    let (night, stack) = (tonight(time, parameters), &parameters.backup_stack);
    let selection = Selection::read(&parameters.volume_tag).expect("a selection");
    let owner = Owner { client: parameters.client.clone(), project: parameters.project.clone() };
    let creation = TagsAtCreation::read(owner, "").expect("tags at creation");
    let tonights =
        managed(account, parameters).filter(|(_, one)| one.tags.get(tags::NIGHT) == Some(&night.to_string()));
    let done: BTreeSet<_> =
        tonights.filter(|(_, one)| retention::protects(&one.state)).map(|(_, one)| one.volume.as_str()).collect();
    let volumes = account.volumes.iter().filter(|(_, one)| one.in_use && selection.selects(&one.tags));
    let plans = plans(parameters);
    let tags = |id: &str, volume: &Tags| {
        let (plan, rule) = plans.of_volume(volume);
        let intervals = due::due(rule, night, plans.weekly_on, &history(account, parameters, id, night))?;
        let identity = tags::identity(stack, night, &intervals, plan, id);
        let volume = SelectedVolume { volume_id: id.to_owned(), tags: volume.clone(), ..SelectedVolume::default() };
        let described = descriptive_tags::descriptive_tags(&volume, &creation, &TagsNotCopied::default()).tags;
        Some(identity.into_iter().chain(described).collect())
    };
    let lacking = volumes.filter(|(id, _)| !done.contains(id.as_str()));
    lacking.filter_map(|(id, volume)| Some((id.clone(), tags(id, &volume.tags)?))).collect()
}

fn plans(parameters: &ModelParameters) -> Plans {
    let (keep, plans) = parameters.keep_and_plans();
    let weekly_on = match parameters.weekly_on {
        Some(chrono::Weekday::Mon) => "Monday",
        Some(chrono::Weekday::Wed) => "Wednesday",
        Some(chrono::Weekday::Sat) => "Saturday",
        _ => "Sunday",
    };
    Plans::read(&keep, &plans, weekly_on).expect("plans")
}

fn history(account: &ModelAccount, parameters: &ModelParameters, volume: &str, tonight: Night) -> History {
    let mut history = History::default();
    for (_, one) in managed(account, parameters).filter(|(_, one)| one.volume == volume && one.state != "error") {
        let identity = tags::read_identity(&one.tags).ok().filter(|identity| identity.night != tonight);
        identity.into_iter().for_each(|identity| history.add(identity.night, &identity.intervals));
    }
    history
}

pub fn expires(account: &ModelAccount, parameters: &ModelParameters, time: DateTime<Utc>) -> BTreeSet<String> {
    let snapshots = readable(account, parameters);
    let exists = |volume: &str| account.volumes.contains_key(volume);
    let plans = plans(parameters);
    let expired = retention::expired(&snapshots, tonight(time, parameters), &plans, exists);
    expired.into_iter().map(|snapshot| snapshot.id.clone()).collect()
}

pub fn without_rule(account: &ModelAccount, parameters: &ModelParameters) -> BTreeSet<String> {
    let plans = plans(parameters);
    let without = |one: &retention::DatedSnapshot| {
        one.state != RetentionState::Error && retention::rule(&one.identity, &plans).is_none()
    };
    readable(account, parameters).into_iter().filter(without).map(|one| one.id).collect()
}

fn readable(account: &ModelAccount, parameters: &ModelParameters) -> Vec<retention::DatedSnapshot> {
    let own = managed(account, parameters).filter(|(_, one)| own(account, one).is_ok());
    own.filter_map(|(id, one)| read(id, one)).collect()
}

pub fn unreadable(account: &ModelAccount, parameters: &ModelParameters) -> BTreeSet<String> {
    let broken = managed(account, parameters)
        .filter(|(_, one)| own(account, one).is_err() || tags::read_identity(&one.tags).is_err());
    broken.map(|(id, _)| id.clone()).collect()
}

fn own(account: &ModelAccount, snapshot: &ModelSnapshot) -> Result<(), String> {
    tags::require_own(&snapshot.tags, &snapshot.volume, account.volumes.contains_key(&snapshot.volume))
}

fn managed<'a>(
    account: &'a ModelAccount,
    parameters: &ModelParameters,
) -> impl Iterator<Item = (&'a String, &'a ModelSnapshot)> {
    account.snapshots.iter().filter(|(_, one)| one.tags.get(tags::BACKUP_STACK) == Some(&parameters.backup_stack))
}

fn read(id: &str, snapshot: &ModelSnapshot) -> Option<retention::DatedSnapshot> {
    let identity = tags::read_identity(&snapshot.tags).ok()?;
    let state = match snapshot.state.as_str() {
        "pending" => RetentionState::Pending,
        "completed" => RetentionState::Completed,
        "error" => RetentionState::Error,
        _ => RetentionState::Other,
    };
    Some(retention::DatedSnapshot { id: id.to_owned(), volume_id: snapshot.volume.clone(), identity, state })
}
