//! What expired: the snapshots that are gone, and those that should be.

use domain::wire::{Expired, Unreadable};
use maud::{Markup, html};

use super::{
    report::{Region, Report},
    text::{grouped, plural},
    verdict::Tone,
};

/// Snapshots that expired as they should, in a Region's table.
const MOST_SHOWN: usize = 200;

pub fn section(report: &Report) -> Markup {
    let expired = report.total(|region| region.expired.len());
    let is_empty = |region: &Region| region.expired.len() + region.still_listed.len() + region.unreadable.len() == 0;
    html! {
        section #expired aria-labelledby="expired-title" {
            h2 #expired-title { "What expired" }
            p { @match (expired, report.dry_run) {
                (0, _) => "No snapshot expired tonight.",
                (_, true) => { (plural(expired, "snapshot")) " would be deleted, because newer restore points take the place." }
                (_, false) => { (plural(expired, "snapshot")) (if expired == 1 { " was" } else { " were" }) " deleted, because newer restore points take the place." }
            } }
            @for region in report.regions.iter().filter(|region| !is_empty(region)) { (of_region(region, report.dry_run)) }
        }
    }
}

fn of_region(region: &Region, dry_run: bool) -> Markup {
    // What a person should know comes first, in full.
    let failed = region.expired.iter().filter(|one| one.failed);
    let usual = region.expired.iter().filter(|one| !one.failed);
    let hidden = usual.clone().count().saturating_sub(MOST_SHOWN);
    let gone = if dry_run { "Would be deleted" } else { "Deleted" };
    let tone = if dry_run { Tone::Rehearsal } else { Tone::Complete };
    html! {
        table role="table" {
            caption { (region.region) " " span { (plural(region.expired.len(), "snapshot")) } }
            thead role="rowgroup" {
                tr role="row" {
                    @for name in ["Snapshot", "Interval", "Night", "Volume", "Outcome"] { th role="columnheader" scope="col" { (name) } }
                }
            }
            tbody role="rowgroup" {
                @for one in &region.unreadable { (unreadable(one)) }
                @for one in &region.still_listed { (line(one, Tone::Incomplete, "Still listed", "an AMI may use it")) }
                @for one in failed { (line(one, tone, gone, "EBS failed it: it was no restore point")) }
                @for one in usual.take(MOST_SHOWN) { (line(one, tone, gone, "")) }
            }
        }
        @if hidden > 0 { p.more { "and " (grouped(hidden)) " more: the report has them all." } }
    }
}

fn line(one: &Expired, tone: Tone, outcome: &str, detail: &str) -> Markup {
    html! {
        tr role="row" class=(tone.class()) {
            th role="rowheader" scope="row" data-label="Snapshot" { code { (one.snapshot_id) } }
            td role="cell" data-label="Interval" { (one.interval) }
            td role="cell" data-label="Night" { time datetime=(one.night) { (one.night) } }
            td role="cell" data-label="Volume" { code { (one.volume_id) } }
            td role="cell" data-label="Outcome" { (self::outcome(tone, outcome, detail)) }
        }
    }
}

fn unreadable(one: &Unreadable) -> Markup {
    let nothing = html! { span.nothing { "unknown" } };
    html! {
        tr.bad role="row" {
            th role="rowheader" scope="row" data-label="Snapshot" { code { (one.snapshot_id) } }
            td role="cell" data-label="Interval" { (nothing) }
            td role="cell" data-label="Night" { (nothing) }
            td role="cell" data-label="Volume" { (nothing) }
            td role="cell" data-label="Outcome" { (outcome(Tone::Incomplete, "Kept", &format!("its tags cannot be read: {}", one.problem))) }
        }
    }
}

fn outcome(tone: Tone, outcome: &str, detail: &str) -> Markup {
    html! { span.outcome { (tone.icon()) (outcome) } @if !detail.is_empty() { " " small { bdi { (detail) } } } }
}
