//! The failures of a Region by cause, each failure once.

use report::{advice::Said, night::Failure};
use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use super::report::Region;
use crate::ui::text::plural;

/// A cause, and everything that failed because of it.
#[derive(Clone, Debug)]
pub struct Cause<'a> {
    /// What failed, in a few words.
    pub effect: String,
    /// The volumes or snapshots that it failed for.
    pub subjects: Vec<&'a str>,
    /// The error of the first of them.
    pub error: String,
    /// What to do, if that is known.
    pub remedy: Option<&'static str>,
    /// The child execution that failed first.
    pub execution: Option<&'a str>,
}

/// One failure.
struct Told<'a> {
    /// The step; none if it left a volume unprotected.
    step: Option<&'a str>,
    subject: Option<&'a str>,
    error: String,
    execution: Option<&'a str>,
}

/// Returns the causes of a Region: those of unprotected volumes first. A failure that left a volume
/// unprotected is not told again as that of a step.
pub fn causes(region: &Region) -> Vec<Cause<'_>> {
    let failed: BTreeMap<_, _> =
        region.failures.iter().filter_map(|failure| Some((failure.subject.as_deref()?, failure))).collect();
    let volumes = region.unprotected.iter().map(|one| {
        let subject = one.volume.volume_id.as_str();
        let execution = failed.get(subject).and_then(|failure| failure.execution.as_deref());
        Told { step: None, subject: Some(subject), error: one.reason.clone(), execution }
    });
    let unprotected: BTreeSet<_> = region.unprotected.iter().map(|one| one.volume.volume_id.as_str()).collect();
    let is_new = |failure: &&Failure| failure.subject.as_deref().is_none_or(|subject| !unprotected.contains(subject));
    let steps = region.failures.iter().filter(is_new).map(|failure| Told {
        step: Some(&failure.step),
        subject: failure.subject.as_deref(),
        error: format!("{}: {}", failure.error, failure.message),
        execution: failure.execution.as_deref(),
    });
    let mut groups = BTreeMap::<_, Vec<_>>::new();
    for told in volumes.chain(steps) {
        let key = Said::read(told.error.clone()).code.map_or_else(|| told.error.clone(), str::to_owned);
        groups.entry((told.step, key)).or_default().push(told);
    }
    let mut groups: Vec<_> = groups.into_iter().collect();
    groups.sort_by_key(|((step, _), told)| (*step, Reverse(told.len())));
    groups.into_iter().map(|((step, _), told)| cause(step, &told)).collect()
}

fn cause<'a>(step: Option<&str>, told: &[Told<'a>]) -> Cause<'a> {
    let subjects: Vec<_> = told.iter().filter_map(|one| one.subject).collect();
    let effect = match (step, subjects.as_slice()) {
        (None, [volume]) => format!("{volume} is not protected"),
        (None, volumes) => format!("{} are not protected", plural(volumes.len(), "volume")),
        (Some(step), []) => format!("{step} failed"),
        (Some(step), [subject]) => format!("{step} failed for {subject}"),
        (Some(step), subjects) => format!("{step} failed {} times", subjects.len()),
    };
    let first = told.first();
    let error = first.map(|one| one.error.clone()).unwrap_or_default();
    let remedy = Said::read(error.clone()).advice().map(|advice| advice.remedy);
    Cause { effect, subjects, error, remedy, execution: told.iter().find_map(|one| one.execution) }
}
