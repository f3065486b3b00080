//! Failures of a Region, grouped by cause. Each failure appears once.

use domain::Reason;
use report::advice::advice;
use std::{cmp::Reverse, collections::BTreeMap};

use crate::ui::text::plural;
use report::night::RunRegion;

/// Cause, with everything that failed because of it.
#[derive(Clone, Debug)]
pub struct CauseGroup<'a> {
    /// Description of the failures in a few words.
    pub effect: String,
    /// Affected volumes or snapshots.
    pub subjects: Vec<&'a str>,
    pub error: String,
    /// None if no remedy is known.
    pub remedy: Option<&'static str>,
    pub execution: Option<&'a str>,
}

struct Failed<'a> {
    /// None if the failure left a volume unprotected.
    step: Option<&'a str>,
    subject: Option<&'a str>,
    reason: &'a Reason,
    execution: Option<&'a str>,
}

/// Returns the causes of a Region's failures, those of unprotected volumes first. A failure that left a volume unprotected is not repeated
/// as the failure of a step.
pub fn causes(region: &RunRegion) -> Vec<CauseGroup<'_>> {
    let failed: BTreeMap<_, _> =
        region.failures.iter().filter_map(|failure| Some((failure.subject()?, failure))).collect();
    let volumes = region.unprotected.iter().map(|one| {
        let subject = one.volume.volume_id.as_str();
        let execution = failed.get(subject).and_then(|failure| failure.execution());
        Failed { step: None, subject: Some(subject), reason: &one.reason, execution }
    });
    let others = region.other_failures().map(|failure| Failed {
        step: Some(failure.step()),
        subject: failure.subject(),
        reason: failure.reason(),
        execution: failure.execution(),
    });
    let mut groups = BTreeMap::<_, Vec<_>>::new();
    for told in volumes.chain(others) {
        let is_known = advice(&told.reason.code).is_some();
        let key = if is_known { told.reason.code.clone() } else { told.reason.to_string() };
        groups.entry((told.step, key)).or_default().push(told);
    }
    let mut groups: Vec<_> = groups.into_iter().collect();
    groups.sort_by_key(|((step, _), told)| (*step, Reverse(told.len())));
    groups.into_iter().map(|((step, _), told)| cause(step, &told)).collect()
}

fn cause<'a>(step: Option<&str>, told: &[Failed<'a>]) -> CauseGroup<'a> {
    let subjects: Vec<_> = told.iter().filter_map(|one| one.subject).collect();
    let effect = match (step, subjects.as_slice()) {
        (None, [volume]) => format!("{volume} is not protected"),
        (None, volumes) => format!("{} are not protected", plural(volumes.len(), "volume")),
        (Some(step), []) => format!("{step} failed"),
        (Some(step), [subject]) => format!("{step} failed for {subject}"),
        (Some(step), subjects) => format!("{step} failed {} times", subjects.len()),
    };
    let first = told.first();
    let error = first.map(|one| one.reason.to_string()).unwrap_or_default();
    let remedy = first.and_then(|one| advice(&one.reason.code)).map(|advice| advice.remedy);
    CauseGroup { effect, subjects, error, remedy, execution: told.iter().find_map(|one| one.execution) }
}
