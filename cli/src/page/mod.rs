//! The report of a run as one HTML file that needs no network.
//!
//! # Layout
//! - [`page`]: the frame of the page, and the verdict. `problems`: the failures and their remedies.
//! - `tables`: the volumes and the expired snapshots of each Region.

mod problems;
mod tables;

use jiff::SignedDuration;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use report::night::Report;

use crate::{
    ui::text::{duration, long_date},
    view::{
        night::{NightView, intervals},
        verdict::Tone,
    },
};

const STYLE: &str = include_str!("style.css");
/// Blocks scripts and external resources, so that a name or a message from AWS cannot inject any.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";
/// Maximum number of rows of each kind that a Region's tables list, not counting problems.
const MOST: usize = 200;

/// Renders the page of a run. `took` is its duration. `graph` (the execution) and `chart` (the retention) are SVG.
pub fn page(report: &Report, took: SignedDuration, graph: &str, chart: &str) -> String {
    let night = NightView::from_report(report, MOST);
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                title { "Night " (report.night) " of " (report.backup_stack) ": " (night.verdict.answer) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                a.skip href="#main" { "Skip to the volumes" }
                (header(&night, took))
                (contents(report))
                main #main tabindex="-1" {
                    @if !report.complete { (problems::section(&night)) }
                    (tables::volumes(&night))
                    (picture("graph", "The execution", GRAPH, "Graph of the execution", graph))
                    (tables::expired(&night))
                    (picture("retention", "What is kept", CHART, "Chart of the restore points that are kept", chart))
                    (mail(&night))
                }
                footer { p { "The whole report: " code { (report.location) } } p { "Execution: " code { (report.execution) } } }
            }
        }
    };
    // HTML allows no control characters except whitespace.
    markup.into_string().replace(|one: char| one.is_control() && one != '\n', " ")
}

const GRAPH: &str = "Each box is a step of the run, in the order in which they ran.";
const CHART: &str = "Restore points expire by age and by number: one expires if it is old enough and enough newer ones of its Interval exist.";

fn header(night: &NightView, took: SignedDuration) -> Markup {
    let (report, verdict) = (night.report, &night.verdict);
    let word = match verdict.tone {
        Tone::Complete => "Complete",
        Tone::Incomplete => "Not complete",
        Tone::DryRun => "Dry run",
    };
    html! {
        header class=(class(verdict.tone)) {
            p.badge { (icon(verdict.tone)) (word) }
            h1 { (verdict.answer) }
            p.lead { (verdict.lead) @if !report.complete { "What failed, and what to do, comes first below." } }
            dl.facts {
                div.wide { dt { "Night" } dd { time datetime=(report.night) { (long_date(report.night)) } } }
                div { dt { "Intervals due" } dd { (intervals(report).replace('+', " + ")) } }
                div { dt { "Stack" } dd { bdi { (report.backup_stack) } } }
                div { dt { "Duration" } dd { (duration(took)) } }
            }
        }
    }
}

/// Returns the CSS class of a tone.
fn class(tone: Tone) -> &'static str {
    match tone {
        Tone::Complete => "good",
        Tone::Incomplete => "bad",
        Tone::DryRun => "dry",
    }
}

/// Renders the icon of a tone. Each tone has its own shape, because some people cannot tell the colours apart.
fn icon(tone: Tone) -> Markup {
    let path = match tone {
        Tone::Complete => "M3.5 8.5l3 3 6-7",
        Tone::Incomplete => "M4 4l8 8M12 4l-8 8",
        Tone::DryRun => "M8 3.2a4.8 4.8 0 1 0 .01 0",
    };
    html! { svg.icon viewBox="0 0 16 16" aria-hidden="true" focusable="false" { path d=(path) {} } }
}

fn contents(report: &Report) -> Markup {
    html! {
        nav aria-label="On this page" {
            ul {
                @if !report.complete { li { a href="#problems" { "What failed" } } }
                li { a href="#volumes" { "Volumes" } }
                li { a href="#graph" { "Execution" } }
                li { a href="#expired" { "Expired" } }
                li { a href="#retention" { "Kept" } }
                li { a href="#mail" { "Mail" } }
            }
        }
    }
}

/// Renders a section with a picture. The picture scrolls in its own box, so that its text stays legible on a narrow screen.
fn picture(id: &str, title: &str, says: &str, label: &str, svg: &str) -> Markup {
    // Skips the XML declaration that may precede the root element.
    let svg = svg.find("<svg").map_or("", |root| &svg[root..]);
    html! {
        section id=(id) aria-labelledby={ (id) "-title" } {
            h2 id={ (id) "-title" } { (title) }
            p { (says) }
            div.picture role="region" aria-label=(label) tabindex="0" { (PreEscaped(svg)) }
        }
    }
}

fn mail(night: &NightView) -> Markup {
    html! {
        section #mail aria-labelledby="mail-title" {
            h2 #mail-title { "Mail" }
            @if let Some(mail) = &night.report.mail {
                p { "This email was sent to the subscribers of the stack's topic." }
                div.letter {
                    p.subject { span { "Subject" } " " (mail.subject) }
                    pre { (mail.message) }
                }
            }
            @if let Some(none) = night.no_mail() { p { (none) } }
        }
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
