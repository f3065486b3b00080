//! A report prepared for a terminal and for a page: the verdict, the failures grouped by cause, and a row for each volume and each snapshot.

use domain::{Interval, Night, due::DueDate, messages::ManagedSnapshot};
use report::night::{NamedVolume, Report, RunRegion};

use super::{
    causes::{CauseGroup, causes},
    verdict::{Tone, Verdict},
};
use crate::ui::text::{grouped, plural};

/// Maximum number of unprotected volumes that are shown for a Region.
const MOST_UNPROTECTED: usize = 1_000;
/// Maximum number of causes that are shown for a Region.
const MOST_CAUSES: usize = 20;

pub struct NightView<'a> {
    pub report: &'a Report,
    pub verdict: Verdict,
    pub regions: Vec<RegionView<'a>>,
}

pub struct RegionView<'a> {
    pub name: &'a str,
    /// Counts of the Region's volumes, as text.
    pub counts: String,
    /// Unprotected volumes come first.
    pub volumes: Shown<VolumeRow<'a>>,
    pub causes: Shown<CauseGroup<'a>>,
    /// Expired snapshots. Snapshots that failed, are still listed, or have unreadable tags come first, then those that stay because of a plan.
    pub snapshots: Shown<SnapshotRow<'a>>,
}

/// First items of a list, and the number of the others.
pub struct Shown<T> {
    pub first: Vec<T>,
    pub more: usize,
}

/// Volume and its outcome.
pub struct VolumeRow<'a> {
    pub volume: &'a NamedVolume,
    pub tone: Tone,
    /// Outcome in two or three words.
    pub outcome: &'static str,
    /// Details of the outcome, or empty.
    pub detail: String,
    /// Id of the Night's snapshot, or empty if there is none.
    pub snapshot: &'a str,
    /// Reason why the volume is not protected, or empty if it is.
    pub reason: String,
}

/// Snapshot and its outcome.
pub struct SnapshotRow<'a> {
    pub id: &'a str,
    /// Governing Interval, Night and volume id, if the tags can be read.
    pub tags: Option<(Interval, Night, &'a str)>,
    /// Whether the snapshot is a problem.
    pub is_news: bool,
    /// Outcome in two or three words.
    pub outcome: &'static str,
    /// Details of the outcome, or empty.
    pub detail: String,
}

impl<'a> NightView<'a> {
    /// Prepares a report. `most` is the maximum number of rows of each kind that are shown for a Region, not counting problems.
    pub fn from_report(report: &'a Report, most: usize) -> Self {
        let region = |region: &'a RunRegion| RegionView {
            name: &region.region,
            counts: counts(region, report.dry_run),
            volumes: volumes(region, most),
            causes: shown(causes(region), MOST_CAUSES),
            snapshots: snapshots(region, report.dry_run, most),
        };
        Self { report, verdict: Verdict::from_report(report), regions: report.regions.iter().map(region).collect() }
    }

    /// Returns whether each volume had the Night's snapshot before the run.
    pub fn created_nothing(&self) -> bool {
        let mut protected = self.report.regions.iter().flat_map(|region| &region.protected).peekable();
        self.verdict.tone == Tone::Complete && protected.peek().is_some() && !protected.any(|one| one.created)
    }

    /// Returns the reason why no email was sent, if none was.
    pub fn no_mail(&self) -> Option<&'static str> {
        match (&self.report.mail, self.report.dry_run) {
            (Some(_), _) => None,
            (None, true) => Some("No email was sent: a dry run sends none."),
            (None, false) => Some("No email was sent: there is nothing to report."),
        }
    }
}

/// Returns the Intervals that were due on the Night, as text.
pub fn intervals(report: &Report) -> String {
    report.intervals.as_ref().map_or("nothing due".to_owned(), |intervals| intervals.to_string())
}

/// Formats the Intervals that a snapshot makes up, or that a volume lacks.
fn dues(verb: &str, dues: &[DueDate]) -> Option<String> {
    let dues: Vec<_> = dues.iter().map(|due| due.to_string()).collect();
    (!dues.is_empty()).then(|| format!("{verb} {}", dues.join(" and ")))
}

fn shown<T>(mut all: Vec<T>, most: usize) -> Shown<T> {
    let more = all.len().saturating_sub(most);
    all.truncate(most);
    Shown { first: all, more }
}

fn counts(region: &RunRegion, dry_run: bool) -> String {
    let (protected, all) = (region.protected.len(), region.protected.len() + region.unprotected.len());
    let not_due = match region.not_due.len() {
        0 => String::new(),
        count => format!(", {} not due", grouped(count)),
    };
    match all + region.planned.len() {
        0 if region.is_undiscovered() => "its volumes could not be listed".to_owned(),
        0 if !region.not_due.is_empty() => format!("nothing due for {}", plural(region.not_due.len(), "volume")),
        0 => "no volumes".to_owned(),
        _ if dry_run => {
            let planned = plural(region.planned.len(), "volume");
            format!("{planned} would be snapshotted, {} already protected{not_due}", grouped(protected))
        }
        _ => format!("{} of {} protected{not_due}", grouped(protected), plural(all, "volume")),
    }
}

fn volumes(region: &RunRegion, most: usize) -> Shown<VolumeRow<'_>> {
    let row = |volume, tone, outcome| VolumeRow {
        volume,
        tone,
        outcome,
        detail: String::new(),
        snapshot: "",
        reason: String::new(),
    };
    let unprotected = region.unprotected.iter().map(|one| VolumeRow {
        detail: dues("lacks", &one.lacks).unwrap_or_default(),
        reason: one.reason.to_string(),
        ..row(&one.volume, Tone::Incomplete, "Not protected")
    });
    let unknown = region.unknown_plans.iter().map(|one| VolumeRow {
        detail: format!("the tag BackupPlan names no plan: {}", one.plan),
        ..row(&one.volume, Tone::Incomplete, "Default plan")
    });
    let planned = region.planned.iter().map(|volume| row(volume, Tone::DryRun, "Would be snapshotted"));
    let gone = region.gone.iter().map(|volume| row(volume, Tone::Complete, "Deleted during the run"));
    let deselected = region.deselected.iter().map(|one| VolumeRow {
        detail: one.problem.clone(),
        ..row(&one.volume, Tone::Incomplete, "No longer backed up")
    });
    let protected = region.protected.iter().map(|one| {
        let state = (one.state != "completed").then_some(one.state.as_str());
        let before = (!one.created).then_some("created earlier");
        let made_up = dues("makes up", &one.makes_up);
        let plan = one.volume.plan.as_ref().map(|plan| format!("plan {plan}"));
        let details = [state.map(str::to_owned), before.map(str::to_owned), plan, made_up];
        let detail = details.into_iter().flatten().collect::<Vec<_>>().join(", ");
        VolumeRow { detail, snapshot: &one.snapshot_id, ..row(&one.volume, Tone::Complete, "Protected") }
    });
    let first: Vec<_> = unprotected
        .take(MOST_UNPROTECTED)
        .chain(deselected.take(MOST_UNPROTECTED))
        .chain(unknown.take(MOST_UNPROTECTED))
        .chain(gone.take(most))
        .chain(planned.take(most))
        .chain(protected.take(most))
        .collect();
    let all = region.unprotected.len()
        + region.deselected.len()
        + region.unknown_plans.len()
        + region.gone.len()
        + region.planned.len()
        + region.protected.len();
    Shown { more: all - first.len(), first }
}

fn snapshots(region: &RunRegion, dry_run: bool, most: usize) -> Shown<SnapshotRow<'_>> {
    let gone = if dry_run { "Would be deleted" } else { "Deleted" };
    let unreadable = region.unreadable.iter().map(|one| {
        let detail = format!("the tags cannot be read: {}", one.problem);
        SnapshotRow { id: &one.snapshot_id, tags: None, is_news: true, outcome: "Kept", detail }
    });
    let listed = region.still_listed.iter();
    let listed = listed.map(|one| expired(one, true, "Still listed", "expired, but an AMI may use it"));
    let failed = region.failed_snapshots.iter().map(|one| SnapshotRow {
        id: &one.snapshot_id,
        tags: Some((one.interval, one.night, one.volume_id.as_str())),
        is_news: true,
        outcome: "Failed",
        detail: "in EBS: it is no restore point".to_owned(),
    });
    let spared = region.spared.iter();
    let spared = spared.map(|one| expired(one, true, "Kept until the next Night", "Keep or Plans became shorter"));
    let without_rule = region.without_rule.iter();
    let without_rule = without_rule.map(|one| {
        let detail = format!("the plan {} has no rule for {}", one.plan, one.interval);
        expired(one, true, "Kept", &detail)
    });
    let usual = region.expired.iter().map(|one| expired(one, false, gone, ""));
    let news: Vec<_> = unreadable.chain(listed).chain(failed).collect();
    // A mistake in a plan can concern every snapshot.
    let ruled = spared.take(most).chain(without_rule.take(most)).chain(usual.take(most));
    let all = news.len() + region.spared.len() + region.without_rule.len() + region.expired.len();
    let first: Vec<_> = news.into_iter().chain(ruled).collect();
    Shown { more: all - first.len(), first }
}

fn expired<'a>(one: &'a ManagedSnapshot, is_news: bool, outcome: &'static str, detail: &str) -> SnapshotRow<'a> {
    let tags = Some((one.interval, one.night, one.volume_id.as_str()));
    SnapshotRow { id: &one.snapshot_id, tags, is_news, outcome, detail: detail.to_owned() }
}
