//! The starts of nights, one line each.

use comfy_table::Color;
use jiff::{Timestamp, tz::TimeZone};
use report::mail::console;
use report::night::Summary;
use serde_json::{Value, json};
use std::fmt::Write;

use crate::{
    account::executions::{Outcome, Start, name},
    ui::{
        terminal::{Terminal, finished},
        text::{duration, safe},
    },
};

/// Columns from which every number has its own.
const ALL_COLUMNS: usize = 110;

/// How starts are shown.
pub struct Lines<'a> {
    /// The zone of the times.
    pub zone: &'a TimeZone,
    /// The terminal.
    pub look: Terminal,
}

impl Lines<'_> {
    /// The list of the last nights.
    pub fn text(&self, starts: &[Start]) -> String {
        if !self.look.has_room() {
            return starts.iter().map(|start| self.block(start)).collect();
        }
        let has_all = self.look.has_columns(ALL_COLUMNS);
        let header: &[&str] = if has_all {
            &["Night", "Started", "Took", "Protected", "Unprotected", "Expired", "Outcome"]
        } else {
            &["Night", "Started", "Took", "Protected", "Outcome"]
        };
        let mut table = self.look.table(header);
        for start in starts {
            let (word, colour) = outcome_word(start);
            let mut cells = vec![night(start), self.started(start), took(start)];
            if has_all {
                let number = |of: fn(&Summary) -> String| start.summary.as_ref().map(of).unwrap_or_default();
                cells.push(number(|night| night.total(|region| region.protected).to_string()));
                cells.push(number(|night| night.total(|region| region.unprotected).to_string()));
                cells.push(number(|night| night.total(|region| region.expired).to_string()));
            } else {
                cells.push(start.summary.as_ref().map(protected).unwrap_or_default());
            }
            let cells = cells.into_iter().map(|cell| self.look.cell(cell, None));
            table.add_row(cells.chain([self.look.cell(word, colour)]));
        }
        finished(table)
    }

    /// For a terminal that has no room for a table.
    fn block(&self, start: &Start) -> String {
        let (word, colour) = outcome_word(start);
        let text = format!("{}  {word}", night(start));
        let text = self.look.prose(0, &text);
        let text = match colour {
            Some(Color::DarkRed) => self.look.bad(text.trim_end()) + "\n",
            Some(Color::DarkGreen) => self.look.good(text.trim_end()) + "\n",
            _ => text,
        };
        let protected = start.summary.as_ref().map(|night| format!("{} protected", protected(night)));
        let facts = [Some(self.started(start)), Some(took(start)), protected];
        let facts: Vec<_> = facts.into_iter().flatten().filter(|fact| !fact.is_empty()).collect();
        text + &self.look.prose(2, &facts.join(", "))
    }

    /// The starts of one Night, with the whole error and the address of those that failed before they reported.
    pub fn of_night(&self, starts: &[Start]) -> String {
        let mut text = String::new();
        for start in starts {
            let (word, colour) = outcome_word(start);
            let facts = [self.started(start), took(start)];
            let facts: Vec<_> = facts.into_iter().filter(|fact| !fact.is_empty()).collect();
            let word = match colour {
                Some(Color::DarkRed) => self.look.bad(&word),
                Some(Color::DarkGreen) => self.look.good(&word),
                _ => word,
            };
            let line = format!("{}: {word}, execution {}", facts.join(", "), name(&start.execution));
            text.push_str(&self.look.prose(2, &line));
            if matches!(start.outcome, Outcome::Failed(_) | Outcome::Running(_)) {
                let _ = writeln!(text, "    {}", console(&start.execution));
            }
        }
        text
    }

    fn started(&self, start: &Start) -> String {
        let shown = |at: Timestamp| at.to_zoned(self.zone.clone()).strftime("%Y-%m-%d %H:%M").to_string();
        start.started.map(shown).unwrap_or_default()
    }
}

fn night(start: &Start) -> String {
    start.night.map_or_else(|| "?".to_owned(), |night| night.to_string())
}

fn took(start: &Start) -> String {
    let took = start.started.zip(start.ended).map(|(from, to)| duration(to.duration_since(from)));
    took.unwrap_or_default()
}

fn protected(night: &Summary) -> String {
    let protected = night.total(|region| region.protected);
    format!("{protected} of {}", protected + night.total(|region| region.unprotected + region.planned))
}

/// The outcome in words, and its colour.
fn outcome_word(start: &Start) -> (String, Option<Color>) {
    let dry = if start.dry_run { "dry run, " } else { "" };
    match &start.outcome {
        Outcome::Running(None) => (format!("{dry}running now"), None),
        Outcome::Running(Some(counts)) => (format!("{dry}running now: volumes {}", counts.line()), None),
        Outcome::Complete if start.dry_run => ("dry run".into(), None),
        Outcome::Complete => ("complete".into(), Some(Color::DarkGreen)),
        Outcome::NotComplete => (format!("{dry}NOT COMPLETE"), Some(Color::DarkRed)),
        Outcome::Failed(why) => (format!("{dry}failed before it reported: {}", safe(why)), Some(Color::DarkRed)),
    }
}

/// A start for scripts.
pub fn object(start: &Start) -> Value {
    let (outcome, error) = match &start.outcome {
        Outcome::Running(_) => ("running", None),
        Outcome::Complete => ("complete", None),
        Outcome::NotComplete => ("notComplete", None),
        Outcome::Failed(why) => ("failed", Some(why)),
    };
    let running = match &start.outcome {
        Outcome::Running(Some(counts)) => json!({"total": counts.total, "done": counts.done, "failed": counts.failed}),
        _ => Value::Null,
    };
    let of = |count: fn(&Summary) -> Value| start.summary.as_ref().map_or(Value::Null, count);
    json!({
        "night": start.night,
        "execution": start.execution,
        "dryRun": start.dry_run,
        "started": start.started,
        "ended": start.ended,
        "outcome": outcome,
        "error": error,
        "volumes": running,
        "planned": of(|night| night.total(|region| region.planned).into()),
        "protected": of(|night| night.total(|region| region.protected).into()),
        "unprotected": of(|night| night.total(|region| region.unprotected).into()),
        "expired": of(|night| night.total(|region| region.expired).into()),
        "report": of(|night| night.location.clone().into()),
    })
}
