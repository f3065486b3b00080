//! What expired: the snapshots that are gone, and those that should be.

use domain::messages::{Expired, FailedSnapshot, Unreadable};
use maud::{Markup, html};

use crate::view::report::{Region, Report};

use super::{verdict::Tone, volumes::head};
use crate::ui::text::{grouped, plural};

/// Snapshots that expired as they should, in a Region's table.
const MOST_SHOWN: usize = 200;
const COLUMNS: [(&str, &str); 5] =
    [("Snapshot", "id"), ("Interval", ""), ("Night", ""), ("Volume", "id"), ("Outcome", "reason")];

pub fn section(report: &Report) -> Markup {
    let expired = report.total(|region| region.expired.len());
    let is_empty = |region: &Region| {
        region.expired.len() + region.still_listed.len() + region.failed_snapshots.len() + region.unreadable.len() == 0
    };
    let went = match (expired, report.dry_run) {
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
            @for region in report.regions.iter().filter(|region| !is_empty(region)) { (of_region(region, report.dry_run)) }
        }
    }
}

fn of_region(region: &Region, dry_run: bool) -> Markup {
    // What a person should know comes first, in full.
    let (failed, usual) = (&region.failed_snapshots, &region.expired);
    let hidden = usual.len().saturating_sub(MOST_SHOWN);
    let gone = if dry_run { "Would be deleted" } else { "Deleted" };
    html! {
        table.expired role="table" {
            caption { (region.region) " " span { (plural(region.expired.len(), "snapshot")) } }
            thead role="rowgroup" { tr role="row" { @for (name, class) in COLUMNS { (head(name, class)) } } }
            tbody role="rowgroup" {
                @for one in &region.unreadable { (unreadable(one)) }
                @for one in &region.still_listed { (line(one, true, "Still listed", "expired, but an AMI may use it")) }
                @for one in failed { (failed_line(one)) }
                @for one in usual.iter().take(MOST_SHOWN) { (line(one, false, gone, "")) }
            }
        }
        @if hidden > 0 { p.more { "and " (grouped(hidden)) " more: the report has them all." } }
    }
}

fn line(one: &Expired, is_news: bool, outcome: &str, detail: &str) -> Markup {
    html! {
        tr role="row" class=[is_news.then_some("bad")] {
            th role="rowheader" scope="row" data-label="Snapshot" { code { (one.snapshot_id) } }
            td role="cell" data-label="Interval" { (one.interval) }
            td role="cell" data-label="Night" { time datetime=(one.night) { (one.night) } }
            td role="cell" data-label="Volume" { code { (one.volume_id) } }
            td role="cell" data-label="Outcome" { (ended(is_news, outcome, detail)) }
        }
    }
}

fn failed_line(one: &FailedSnapshot) -> Markup {
    let FailedSnapshot { snapshot_id, volume_id, night, interval } = one.clone();
    line(&Expired { snapshot_id, volume_id, night, interval }, true, "Failed", "in EBS: it is no restore point")
}

fn unreadable(one: &Unreadable) -> Markup {
    let unknown = |label| html! { td role="cell" data-label=(label) { span.nothing { "unknown" } } };
    html! {
        tr.bad role="row" {
            th role="rowheader" scope="row" data-label="Snapshot" { code { (one.snapshot_id) } }
            @for label in ["Interval", "Night", "Volume"] { (unknown(label)) }
            td role="cell" data-label="Outcome" { (ended(true, "Kept", &format!("its tags cannot be read: {}", one.problem))) }
        }
    }
}

/// What a person should know bears a mark; a snapshot that went as it should does not.
fn ended(is_news: bool, outcome: &str, detail: &str) -> Markup {
    html! {
        @if is_news { span.outcome { (Tone::Incomplete.icon()) (outcome) } } @else { (outcome) }
        @if !detail.is_empty() { " " small { bdi { (detail) } } }
    }
}
