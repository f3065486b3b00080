//! The page of a night: one HTML file that needs no network, for a person who never saw the project.
//!
//! # Layout
//! - [`page`]: the frame, and the answer to whether every volume is safe. `verdict`: the answer in words.
//! - `problems`: what failed, and what to do.
//! - `volumes`: every Region's volumes. `expired`: what went.
//! - [`text`]: dates and lists in words.

mod expired;
mod problems;
pub mod text;
mod verdict;
mod volumes;

use jiff::SignedDuration;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::{ui::text::duration, view::report::Report};

use verdict::Verdict;

const STYLE: &str = include_str!("style.css");
/// Nothing is loaded and nothing runs, whatever a name or a message of AWS says.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// Draws the page. `took` is how long the night was, where that is known; `graph` the execution and `chart` the retention, as SVG;
pub fn page(report: &Report, took: SignedDuration, graph: &str, chart: &str) -> String {
    let verdict = Verdict::of(report);
    let (problems, volumes, expired) = (problems::section(report), volumes::section(report), expired::section(report));
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                title { "Night " (report.night) " of " (report.backup_stack) ": " (verdict.answer) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                a.skip href="#main" { "Skip to the volumes" }
                (header(report, &verdict, took))
                (contents(problems.is_some()))
                main #main tabindex="-1" {
                    @if let Some(problems) = problems { (problems) }
                    (volumes)
                    (picture("graph", "The execution", GRAPH, "Graph of the execution", graph))
                    (expired)
                    (picture("retention", "What is kept", CHART, "Chart of the restore points that are kept", chart))
                    (mail(report))
                }
                footer { p { "The whole report: " code { (report.location) } } p { "Execution: " code { (report.execution) } } }
            }
        }
    };
    // HTML knows no other control characters, and a terminal's in a name are nobody's friends.
    markup.into_string().replace(|one: char| one.is_control() && one != '\n', " ")
}

const GRAPH: &str = "Each box is a step of the night, in the order in which they ran.";
const CHART: &str = "Restore points expire by age and by number: a daily goes once it is old enough and enough newer ones exist, \
                     a quarterly likewise, an annual never.";

fn header(report: &Report, verdict: &Verdict, took: SignedDuration) -> Markup {
    let intervals = report.intervals.to_string().replace('+', " + ");
    html! {
        header class=(verdict.tone.class()) {
            p.badge { (verdict.tone.icon()) (verdict.tone.word()) }
            h1 { (verdict.answer) }
            p.lead { (verdict.lead) }
            dl.facts {
                div.wide { dt { "Night" } dd { time datetime=(report.night) { (text::long_date(report.night)) } } }
                div { dt { "Intervals due" } dd { (intervals) } }
                div { dt { "Stack" } dd { bdi { (report.backup_stack) } } }
                div { dt { "Duration" } dd { (duration(took)) } }
            }
        }
    }
}

fn contents(has_problems: bool) -> Markup {
    html! {
        nav aria-label="On this page" {
            ul {
                @if has_problems { li { a href="#problems" { "What failed" } } }
                li { a href="#volumes" { "Volumes" } }
                li { a href="#graph" { "Execution" } }
                li { a href="#expired" { "Expired" } }
                li { a href="#retention" { "Kept" } }
                li { a href="#mail" { "Mail" } }
            }
        }
    }
}

/// A picture scrolls within itself, so that its text stays legible on a narrow screen.
fn picture(id: &str, title: &str, says: &str, label: &str, svg: &str) -> Markup {
    html! {
        section id=(id) aria-labelledby={ (id) "-title" } {
            h2 id={ (id) "-title" } { (title) }
            p { (says) }
            div.picture role="region" aria-label=(label) tabindex="0" { (PreEscaped(inline(svg))) }
        }
    }
}

/// An SVG file without what may stand before its root.
fn inline(svg: &str) -> &str {
    svg.find("<svg").map_or("", |root| &svg[root..])
}

fn mail(report: &Report) -> Markup {
    html! {
        section #mail aria-labelledby="mail-title" {
            h2 #mail-title { "Mail" }
            @match &report.mail {
                Some(mail) => {
                    p { "This was sent to whoever subscribed to the stack's topic." }
                    div.letter {
                        p.subject { span { "Subject" } " " (mail.subject) }
                        pre { (mail.message) }
                    }
                }
                None if report.dry_run => p { "No mail was sent: a dry run sends none." },
                None => p { "No mail was sent: there was nothing to tell." },
            }
        }
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
