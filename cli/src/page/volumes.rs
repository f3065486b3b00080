//! Every Region's volumes: those without tonight's snapshot in full, the first of the rest.

use maud::{Markup, html};
use report::night::{Named, Protected};

use crate::view::report::{Region, Report};

use super::verdict::Tone;
use crate::ui::text::{grouped, plural};

/// Protected or planned volumes that a Region's table shows.
const MOST_SHOWN: usize = 200;

const COLUMNS: [(&str, &str); 5] =
    [("Volume", "id"), ("Name", ""), ("Server", ""), ("Outcome", "state"), ("Snapshot", "id")];

/// A line of the table.
struct Row<'a> {
    volume: &'a Named,
    tone: Tone,
    outcome: &'static str,
    detail: String,
    snapshot: &'a str,
    reason: String,
}

pub fn section(report: &Report) -> Markup {
    html! {
        section #volumes aria-labelledby="volumes-title" {
            h2 #volumes-title { "Volumes" }
            p { "A volume is " em { "protected" } " when tonight's snapshot of it is completed, or pending: EBS copies in the background, and "
                "may need hours." }
            @for region in &report.regions { (of_region(region)) }
        }
    }
}

fn of_region(region: &Region) -> Markup {
    let rows = rows(region);
    let all = region.unprotected.len() + region.planned.len() + region.protected.len();
    let hidden = all - rows.len();
    let has_reasons = !region.unprotected.is_empty();
    html! {
        @if rows.is_empty() {
            h3 { (region.region) }
            p { (if region.is_undiscovered() { "Its volumes could not be listed." } else { "No volume was found here." }) }
        } @else {
            table.volumes role="table" {
                caption { (region.region) " " span { (counts(region)) } }
                thead role="rowgroup" {
                    tr role="row" {
                        @for (name, class) in COLUMNS { (head(name, class)) }
                        @if has_reasons { (head("Reason", "reason")) }
                    }
                }
                tbody role="rowgroup" { @for row in &rows { (line(row, has_reasons)) } }
            }
            @if hidden > 0 { p.more { "and " (grouped(hidden)) " more that are " (if region.planned.is_empty() { "protected" } else { "protected or would be snapshotted" })
                ": the report has them all." } }
        }
    }
}

/// The head of a column. Its class gives it the same width in each Region's table.
pub fn head(name: &str, class: &str) -> Markup {
    html! { th class=[(!class.is_empty()).then_some(class)] role="columnheader" scope="col" { (name) } }
}

fn line(row: &Row, has_reasons: bool) -> Markup {
    let nothing = html! { span.nothing { "none" } };
    html! {
        tr role="row" class=(row.tone.class()) {
            th role="rowheader" scope="row" data-label="Volume" { code { (row.volume.volume_id) } }
            td role="cell" data-label="Name" { @match &row.volume.name { Some(name) => bdi { (name) }, None => (nothing) } }
            td role="cell" data-label="Server" {
                @if row.volume.instances.is_empty() { (nothing) } @else { bdi { (row.volume.servers()) } }
            }
            td role="cell" data-label="Outcome" { span.outcome { (row.tone.icon()) (row.outcome) } @if !row.detail.is_empty() { " " small { (row.detail) } } }
            td role="cell" data-label="Snapshot" { @if row.snapshot.is_empty() { (nothing) } @else { code { (row.snapshot) } } }
            @if has_reasons { td.reason role="cell" data-label="Reason" { bdi { (row.reason) } } }
        }
    }
}

fn rows(region: &Region) -> Vec<Row<'_>> {
    let unprotected = region.unprotected.iter().map(|one| Row {
        volume: &one.volume,
        tone: Tone::Incomplete,
        outcome: "Not protected",
        detail: String::new(),
        snapshot: "",
        reason: one.reason.to_string(),
    });
    let planned = region.planned.iter().map(|volume| Row {
        volume,
        tone: Tone::Rehearsal,
        outcome: "Would be snapshotted",
        detail: String::new(),
        snapshot: "",
        reason: String::new(),
    });
    let protected = region.protected.iter().map(|one| Row {
        volume: &one.volume,
        tone: Tone::Complete,
        outcome: "Protected",
        detail: detail(one),
        snapshot: &one.snapshot_id,
        reason: String::new(),
    });
    unprotected.chain(planned.take(MOST_SHOWN)).chain(protected.take(MOST_SHOWN)).collect()
}

fn detail(one: &Protected) -> String {
    format!("{}, created {}", one.state, if one.created { "now" } else { "before" })
}

fn counts(region: &Region) -> String {
    let counts = [
        (region.unprotected.len(), "not protected"),
        (region.planned.len(), "would be snapshotted"),
        (region.protected.len(), "protected"),
    ];
    let counts: Vec<_> = counts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{} {what}", grouped(*count)))
        .collect();
    let all = region.unprotected.len() + region.planned.len() + region.protected.len();
    format!("{}: {}", plural(all, "volume"), counts.join(", "))
}
