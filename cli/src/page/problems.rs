//! Failures and their remedies.

use domain::error::cut;
use maud::{Markup, html};

use crate::{
    ui::text::plural,
    view::night::{NightView, RegionView},
};

/// Maximum length of an error, in characters. The table has the whole error.
const LONGEST_ERROR: usize = 400;

pub fn section(night: &NightView) -> Markup {
    html! {
        section #problems aria-labelledby="problems-title" {
            h2 #problems-title { "What failed, and what to do" }
            @for region in night.regions.iter().filter(|region| !region.causes.first.is_empty()) { (causes(region)) }
            h3 { "What to do" }
            ol.steps {
                li { "Fix each cause above. The graph shows which step failed." }
                li {
                    "Rerun: " code.command {
                        "nightly run --night " (night.report.night) @if night.report.dry_run { " --dry-run" }
                    } ". A rerun only creates missing snapshots."
                }
                li { "The run is " em { "complete" } " if every volume is protected and no step failed." }
            }
        }
    }
}

fn causes(region: &RegionView) -> Markup {
    html! {
        h3 { (region.name) }
        ul.causes {
            @for cause in &region.causes.first {
                li {
                    strong { (cause.effect) } " " q { bdi { (cut(&cause.error, LONGEST_ERROR)) } }
                    @if let Some(remedy) = cause.remedy { p { (remedy) } }
                }
            }
        }
        @if region.causes.more > 0 {
            p.more { "and " (plural(region.causes.more, "more cause")) ": the table below has the reason of each volume." }
        }
    }
}
