//! What failed, and what to do.

use domain::error::cut;
use maud::{Markup, html};
use std::collections::BTreeMap;

use crate::view::report::{Region, Report};

use crate::ui::text::{grouped, plural};

/// Causes that a Region shows; those of most volumes come first. The tables have every volume's.
const MOST_CAUSES: usize = 20;

/// Characters of a reason here; the table has all of it.
const LONGEST_REASON: usize = 400;

/// One cause, and what it hit.
struct Cause {
    what: String,
    why: String,
    hit: usize,
}

/// Nothing where the night is complete.
pub fn section(report: &Report) -> Option<Markup> {
    (!report.complete).then(|| html! {
        section #problems aria-labelledby="problems-title" {
            h2 #problems-title { "What failed, and what to do" }
            @for region in &report.regions { (of_region(region)) }
            h3 { "What to do" }
            ol.steps {
                li { "Mend the cause. Each message above is in the words of whatever failed; the graph shows at which step." }
                li {
                    "Start the same night again: " code.command {
                        "nightly run --night " (report.night) @if report.dry_run { " --dry-run" }
                    } ". It makes only what is missing."
                }
                li { "The night is well once it ends " em { "Complete" } ": every volume is protected, and no step failed." }
            }
        }
    })
}

fn of_region(region: &Region) -> Markup {
    let causes = causes(region);
    html! {
        @if !causes.is_empty() {
            h3 { (region.region) }
            ul.causes {
                @for cause in causes.iter().take(MOST_CAUSES) {
                    li { strong { (cause.what) } " " q { bdi { (cut(&cause.why, LONGEST_REASON)) } } }
                }
            }
            @if causes.len() > MOST_CAUSES {
                p.more { "and " (plural(causes.len() - MOST_CAUSES, "more cause")) ": the table below has each volume's." }
            }
        }
    }
}

/// Each reason once, with the number of volumes that it left unprotected; then the failures that no volume's reason tells.
fn causes(region: &Region) -> Vec<Cause> {
    let mut volumes = BTreeMap::<String, Vec<&str>>::new();
    for one in &region.unprotected {
        volumes.entry(one.reason.to_string()).or_default().push(&one.volume.volume_id);
    }
    let mut causes: Vec<_> = volumes
        .into_iter()
        .map(|(why, ids)| {
            let what = match ids.as_slice() {
                [only] => format!("{only} is not protected"),
                _ => format!("{} volumes are not protected", grouped(ids.len())),
            };
            Cause { what, why, hit: ids.len() }
        })
        .collect();
    causes.sort_by_key(|cause| std::cmp::Reverse(cause.hit));
    let failed = region.other_failures().map(|failure| {
        let subject = failure.subject().map(|subject| format!(" for {subject}")).unwrap_or_default();
        Cause { what: format!("{} failed{subject}", failure.step()), why: failure.reason().to_string(), hit: 0 }
    });
    causes.extend(failed);
    causes
}
