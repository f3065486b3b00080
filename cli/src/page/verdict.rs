//! Whether every volume is safe, in words.

use maud::{Markup, html};

use crate::view::report::Report;

use super::text::listed;
use crate::ui::text::{grouped, plural};

/// How a night looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Every volume is protected and every step done.
    Complete,
    /// Not so.
    Incomplete,
    /// Nothing was changed.
    Rehearsal,
}

impl Tone {
    pub fn class(self) -> &'static str {
        match self {
            Self::Complete => "good",
            Self::Incomplete => "bad",
            Self::Rehearsal => "dry",
        }
    }

    pub fn word(self) -> &'static str {
        match self {
            Self::Complete => "Complete",
            Self::Incomplete => "Not complete",
            Self::Rehearsal => "Dry run",
        }
    }

    /// The mark of a tone: a shape of its own, for colour alone tells some people nothing.
    pub fn icon(self) -> Markup {
        let path = match self {
            Self::Complete => "M3.5 8.5l3 3 6-7",
            Self::Incomplete => "M4 4l8 8M12 4l-8 8",
            Self::Rehearsal => "M8 3.2a4.8 4.8 0 1 0 .01 0",
        };
        html! { svg.icon viewBox="0 0 16 16" aria-hidden="true" focusable="false" { path d=(path) {} } }
    }
}

/// The answer.
pub struct Verdict {
    pub tone: Tone,
    /// A headline.
    pub answer: String,
    /// A sentence or two more.
    pub lead: String,
}

impl Verdict {
    pub fn of(report: &Report) -> Self {
        match (report.complete, report.dry_run) {
            (false, _) => incomplete(report),
            (true, true) => rehearsal(report),
            (true, false) => complete(report),
        }
    }
}

fn complete(report: &Report) -> Verdict {
    let protected = report.total(|region| region.protected.len());
    let late = report.total(|region| region.failed_snapshots.len());
    let answer = match protected {
        1 => "The only volume is protected".to_owned(),
        _ => format!("All {} volumes are protected", grouped(protected)),
    };
    let regions = regions(report);
    let mut lead = format!(
        "Each volume that the backup looks after in {regions} has a snapshot of tonight. There is nothing to do."
    );
    if late > 0 {
        lead = format!(
            "Each volume in {regions} has a snapshot of tonight. EBS failed {} of earlier nights, which can no longer be restored from; \
             where that happens again, look at the volume.",
            plural(late, "snapshot")
        );
    }
    Verdict { tone: Tone::Complete, answer, lead }
}

fn rehearsal(report: &Report) -> Verdict {
    let (planned, protected) =
        (report.total(|region| region.planned.len()), report.total(|region| region.protected.len()));
    let expired = report.total(|region| region.expired.len());
    Verdict {
        tone: Tone::Rehearsal,
        answer: format!("{} would be snapshotted", plural(planned, "volume")),
        lead: format!(
            "This was a rehearsal in {}: nothing was made, deleted or mailed. {} already protected; {} would be deleted.",
            regions(report),
            if protected == 1 { "1 volume is".to_owned() } else { format!("{} are", plural(protected, "volume")) },
            plural(expired, "snapshot")
        ),
    }
}

fn incomplete(report: &Report) -> Verdict {
    let (protected, failures) =
        (report.total(|region| region.protected.len()), report.total(|region| region.failures.len()));
    let unprotected = report.total(|region| region.unprotected.len());
    let (unknown, all) = (report.undiscovered(), protected + unprotected);
    let answer = match (unprotected, unknown.is_empty(), report.dry_run) {
        (0, false, _) => "Not every volume is known to be protected".to_owned(),
        (0, true, true) => format!("The rehearsal failed in {}", plural(failures, "step")),
        (0, true, false) => format!("Every volume is protected, but {} failed", plural(failures, "step")),
        (_, _, _) if all == 1 => "The only volume is not protected".to_owned(),
        (1, _, _) => format!("1 of {} volumes is not protected", grouped(all)),
        _ => format!("{} of {} volumes are not protected", grouped(unprotected), grouped(all)),
    };
    let mut lead = String::new();
    if !unknown.is_empty() {
        lead =
            format!("The volumes of {} were not found, so nobody knows whether they are protected. ", listed(&unknown));
    }
    if report.dry_run {
        lead.push_str("This was a rehearsal: nothing was made, deleted or mailed. ");
    } else if unprotected > 0 {
        lead.push_str("A volume without tonight's snapshot can be restored only to an earlier night. ");
    }
    lead.push_str("What failed, and what to do, comes first below.");
    Verdict { tone: Tone::Incomplete, answer, lead }
}

fn regions(report: &Report) -> String {
    let names: Vec<_> = report.regions.iter().map(|region| region.region.as_str()).collect();
    if names.len() > 4 { plural(names.len(), "Region") } else { listed(&names) }
}
