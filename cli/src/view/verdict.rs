//! States whether every volume is protected.

use crate::ui::text::{grouped, listed, plural};
use report::{night::Report, summary::Summary};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    Complete,
    Incomplete,
    /// The run was a complete dry run, which changed nothing.
    DryRun,
}

#[derive(Clone, Debug)]
pub struct Verdict {
    pub tone: Tone,
    pub answer: String,
    /// One or two more sentences.
    pub lead: String,
}

impl Verdict {
    /// Returns the verdict on a run.
    pub fn from_report(report: &Report) -> Self {
        match (report.complete, report.dry_run) {
            (false, _) => incomplete(report),
            (true, true) => dry_run(report),
            (true, false) => complete(report),
        }
    }
}

fn complete(report: &Report) -> Verdict {
    let protected = report.total(|region| region.protected.len());
    let not_due = report.total(|region| region.not_due.len());
    let answer = match protected {
        0 if not_due > 0 => "Nothing was due".to_owned(),
        1 if not_due == 0 => "The only volume is protected".to_owned(),
        _ => format!("All {} volumes are protected", grouped(protected)),
    };
    let mut lead = format!("Each volume that was due in {} has a snapshot for this Night.", regions(report));
    if not_due > 0 {
        lead += &format!(" The plans of {} have nothing due.", plural(not_due, "volume"));
    }
    let made_up = Summary::from(report).total(|region| region.made_up);
    if made_up > 0 {
        lead += &format!(" {} made up an Interval that they missed.", plural(made_up, "volume"));
    }
    let (unknown, spared) =
        (report.total(|region| region.unknown_plans.len()), report.total(|region| region.spared.len()));
    if unknown > 0 {
        lead += &format!(" {} with an unknown plan: see below.", plural(unknown, "volume"));
    }
    if spared > 0 {
        lead += &format!(
            " Keep or Plans became shorter: the next Night deletes {} because of that, unless the earlier values are deployed again.",
            plural(spared, "snapshot")
        );
    }
    let (late, deselected) =
        (report.total(|region| region.failed_snapshots.len()), report.total(|region| region.deselected.len()));
    if late > 0 {
        let late = plural(late, "snapshot");
        lead += &format!(
            " {late} of earlier nights failed in EBS and cannot be restored. If that happens again, check the volume."
        );
    }
    let at_risk = Summary::from(report).at_risk();
    if let Some(since) = at_risk {
        lead +=
            &format!(" A volume is at risk: its newest restore point dates from {}.", since.strftime("%F %H:%M UTC"));
    }
    if deselected > 0 {
        lead += &format!(" {} no longer backed up: see below.", plural(deselected, "volume"));
    }
    if late + deselected + unknown + spared == 0 && at_risk.is_none() {
        lead += " There is nothing to do.";
    }
    Verdict { tone: Tone::Complete, answer, lead }
}

fn dry_run(report: &Report) -> Verdict {
    let (planned, protected) =
        (report.total(|region| region.planned.len()), report.total(|region| region.protected.len()));
    let expired = plural(report.total(|region| region.expired.len()), "snapshot");
    let protected = match protected {
        1 => "1 volume is".to_owned(),
        _ => format!("{} are", plural(protected, "volume")),
    };
    let lead = format!(
        "This was a dry run in {}: nothing was created, deleted or mailed. {protected} already protected; {expired} would be \
         deleted.",
        regions(report)
    );
    Verdict { tone: Tone::DryRun, answer: format!("{} would be snapshotted", plural(planned, "volume")), lead }
}

fn incomplete(report: &Report) -> Verdict {
    let unprotected = report.total(|region| region.unprotected.len());
    let all = unprotected + report.total(|region| region.protected.len());
    let unknown = report.undiscovered();
    let answer = match (unprotected, unknown.is_empty(), report.dry_run) {
        (0, false, _) => "Not every volume is known to be protected".to_owned(),
        (0, true, true) => format!("The dry run is not complete: {}", Summary::from(report).headline()),
        (0, true, false) => format!("Every volume is protected, but {}", Summary::from(report).headline()),
        _ if all == 1 => "The only volume is not protected".to_owned(),
        (1, _, _) => format!("1 of {} volumes is not protected", grouped(all)),
        _ => format!("{} of {} volumes are not protected", grouped(unprotected), grouped(all)),
    };
    let mut lead = String::new();
    if !unknown.is_empty() {
        lead = format!(
            "The volumes of {} could not be listed, so it is not known whether they are protected. ",
            listed(&unknown)
        );
    }
    if report.dry_run {
        lead.push_str("This was a dry run: nothing was created, deleted or mailed. ");
    } else if unprotected > 0 {
        lead.push_str("A volume without tonight's snapshot can be restored only to an earlier night. ");
    }
    Verdict { tone: Tone::Incomplete, answer, lead }
}

fn regions(report: &Report) -> String {
    let names: Vec<_> = report.regions.iter().map(|region| region.region.as_str()).collect();
    if names.len() > 4 { plural(names.len(), "Region") } else { listed(&names) }
}
