//! Formats runs, one line each.

use comfy_table::Color;
use jiff::tz::TimeZone;
use report::mail::console;
use report::summary::RegionCounts;

use crate::{
    account::executions::{RunRecord, RunStatus, name},
    ui::{
        table::Rows,
        terminal::Terminal,
        text::{duration, grouped, minute, safe},
    },
};

pub struct Lines<'a> {
    pub zone: &'a TimeZone,
    pub terminal: Terminal,
}

impl Lines<'_> {
    pub fn text(&self, starts: &[RunRecord]) -> String {
        let mut rows = Rows::new(&[
            &["Night", "Started", "Took"],
            &["Protected", "Not due", "Unprotected", "Expired"],
            &["Outcome"],
        ]);
        for start in starts {
            let (word, colour) = outcome_word(start);
            let number = |of: fn(&RegionCounts) -> usize| {
                start.summary.as_ref().map(|summary| grouped(summary.total(of))).unwrap_or_default()
            };
            // The column is left out if every plan has dailies.
            let not_due = start.summary.as_ref().map(|summary| summary.total(|region| region.not_due));
            let not_due = not_due.filter(|count| *count > 0).map(grouped).unwrap_or_default();
            let night = start.night.map_or_else(|| "?".to_owned(), |night| night.to_string());
            let numbers = [
                number(|region| region.protected),
                not_due,
                number(|region| region.unprotected),
                number(|region| region.expired),
            ];
            let cells = [night, self.started(start), took(start)].into_iter().chain(numbers).chain([word]);
            rows.add(&cells.collect::<Vec<_>>(), colour);
        }
        self.terminal.draw(&[rows]).concat()
    }

    /// Formats the runs of one Night. A run without a report is followed by its URL in the console.
    pub fn night_text(&self, starts: &[RunRecord]) -> String {
        let mut text = String::new();
        for start in starts {
            let (word, colour) = outcome_word(start);
            let word = self.terminal.painted(&word, colour);
            let facts: Vec<_> =
                [self.started(start), took(start)].into_iter().filter(|fact| !fact.is_empty()).collect();
            let line = format!("{}: {word}, execution {}", facts.join(", "), name(&start.execution));
            text += &self.terminal.prose(2, &line);
            if matches!(start.outcome, RunStatus::Failed(_) | RunStatus::Running(_)) {
                text += &format!("    {}\n", console(&start.execution));
            }
        }
        text
    }

    fn started(&self, start: &RunRecord) -> String {
        start.started.map(|at| minute(at, self.zone)).unwrap_or_default()
    }
}

fn took(start: &RunRecord) -> String {
    let took = start.started.zip(start.ended).map(|(from, to)| duration(to.duration_since(from)));
    took.unwrap_or_default()
}

/// Returns the outcome as text, and its colour.
fn outcome_word(start: &RunRecord) -> (String, Option<Color>) {
    let dry = if start.dry_run { "dry run, " } else { "" };
    match &start.outcome {
        RunStatus::Running(None) => (format!("{dry}running now"), None),
        RunStatus::Running(Some(counts)) => (format!("{dry}running now: volumes {}", counts.line()), None),
        RunStatus::Complete if start.dry_run => ("dry run".into(), None),
        RunStatus::Complete => ("complete".into(), Some(Color::DarkGreen)),
        RunStatus::NotComplete => (format!("{dry}NOT COMPLETE"), Some(Color::DarkRed)),
        RunStatus::Failed(why) => (format!("{dry}failed before it reported: {}", safe(why)), Some(Color::DarkRed)),
    }
}
