//! Tables of a Region's volumes and of its expired snapshots.

use maud::{Markup, html};

use super::{class, icon};
use crate::{
    ui::text::{grouped, plural},
    view::{
        night::{NightView, RegionView, SnapshotRow, VolumeRow},
        verdict::Tone,
    },
};

/// Column titles with their CSS classes. A class has the same width in every Region's table.
type Columns = &'static [(&'static str, &'static str)];

const VOLUMES: Columns =
    &[("Volume", "id"), ("Name", ""), ("Server", ""), ("Outcome", "state"), ("Snapshot", "id"), ("Reason", "reason")];
const SNAPSHOTS: Columns =
    &[("Snapshot", "id"), ("Interval", ""), ("Night", ""), ("Volume", "id"), ("Outcome", "reason")];

/// Renders the volumes of every Region, unprotected ones first.
pub fn volumes(night: &NightView) -> Markup {
    html! {
        section #volumes aria-labelledby="volumes-title" {
            h2 #volumes-title { "Volumes" }
            p { "A volume is " em { "protected" } " if tonight's snapshot of it is completed or pending: EBS copies in the background, "
                "which may take hours." }
            @for region in &night.regions {
                @if region.volumes.first.is_empty() {
                    h3 { (region.name) ": " (region.counts) }
                } @else {
                    (volumes_of(region))
                }
            }
        }
    }
}

fn volumes_of(region: &RegionView) -> Markup {
    let has_reasons = region.volumes.first.iter().any(|row| !row.reason.is_empty());
    let columns = if has_reasons { VOLUMES } else { &VOLUMES[..VOLUMES.len() - 1] };
    let rows = region.volumes.first.iter().map(|row| volume(row, has_reasons)).collect();
    table("volumes", region, &region.counts, columns, rows, region.volumes.more)
}

/// Renders the snapshots that were deleted, and those that should have been.
pub fn expired(night: &NightView) -> Markup {
    let expired: usize = night.report.regions.iter().map(|region| region.expired.len()).sum();
    let went = match (expired, night.report.dry_run) {
        (_, true) => "would be deleted",
        (1, false) => "was deleted",
        (_, false) => "were deleted",
    };
    html! {
        section #expired aria-labelledby="expired-title" {
            h2 #expired-title { "What expired" }
            @if expired == 0 {
                p { "No snapshot expired tonight." }
            } @else {
                p { (plural(expired, "snapshot")) " " (went) ", by the rules of " a href="#retention" { "what is kept" } "." }
            }
            @for region in night.regions.iter().filter(|region| !region.snapshots.first.is_empty()) {
                @let count = plural(region.snapshots.first.len() + region.snapshots.more, "snapshot");
                (table("expired", region, &count, SNAPSHOTS, region.snapshots.first.iter().map(snapshot).collect(), region.snapshots.more))
            }
        }
    }
}

fn table(name: &str, region: &RegionView, counts: &str, columns: Columns, rows: Vec<Markup>, more: usize) -> Markup {
    html! {
        table class=(name) role="table" {
            caption { (region.name) " " span { (counts) } }
            thead role="rowgroup" {
                tr role="row" {
                    @for (name, class) in columns {
                        th class=[(!class.is_empty()).then_some(class)] role="columnheader" scope="col" { (name) }
                    }
                }
            }
            tbody role="rowgroup" { @for row in rows { (row) } }
        }
        @if more > 0 { p.more { "and " (grouped(more)) " more: the report has them all." } }
    }
}

fn volume(row: &VolumeRow, has_reasons: bool) -> Markup {
    let text = |text: &str| html! { @if text.is_empty() { span.nothing { "none" } } @else { bdi { (text) } } };
    html! {
        tr role="row" class=(class(row.tone)) {
            th role="rowheader" scope="row" data-label="Volume" { code { (row.volume.volume_id) } }
            td role="cell" data-label="Name" { (text(row.volume.name.as_deref().unwrap_or_default())) }
            td role="cell" data-label="Server" { (text(&row.volume.servers())) }
            td role="cell" data-label="Outcome" { (outcome(Some(row.tone), row.outcome, &row.detail)) }
            td role="cell" data-label="Snapshot" {
                @if row.snapshot.is_empty() { (text("")) } @else { code { (row.snapshot) } }
            }
            @if has_reasons { td.reason role="cell" data-label="Reason" { bdi { (row.reason) } } }
        }
    }
}

fn snapshot(row: &SnapshotRow) -> Markup {
    let tone = row.is_news.then_some(Tone::Incomplete);
    html! {
        tr role="row" class=[tone.map(class)] {
            th role="rowheader" scope="row" data-label="Snapshot" { code { (row.id) } }
            @if let Some((interval, night, volume)) = row.tags {
                td role="cell" data-label="Interval" { (interval) }
                td role="cell" data-label="Night" { time datetime=(night) { (night) } }
                td role="cell" data-label="Volume" { code { (volume) } }
            } @else {
                @for label in ["Interval", "Night", "Volume"] { td role="cell" data-label=(label) { span.nothing { "unknown" } } }
            }
            td role="cell" data-label="Outcome" { (outcome(tone, row.outcome, &row.detail)) }
        }
    }
}

/// Renders an outcome. An expected outcome has no icon.
fn outcome(tone: Option<Tone>, outcome: &str, detail: &str) -> Markup {
    html! {
        @if let Some(tone) = tone { span.outcome { (icon(tone)) (outcome) } } @else { (outcome) }
        @if !detail.is_empty() { " " small { bdi { (detail) } } }
    }
}
