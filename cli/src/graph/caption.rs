//! What the picture says in words.

use super::definition::{Kind, State};
use super::execution::{Counts, Execution, Status};
use super::trace::{Outcome, Passages};
use crate::ui::text::duration;
use jiff::SignedDuration;

/// The line under a state's name.
pub fn line(state: &State, passages: &Passages) -> String {
    let mut parts = Vec::new();
    match (state.kind, passages.items) {
        (Kind::Map, Some(items)) if passages.entered() > 0 => parts.push(counts(items)),
        (Kind::Map, _) if state.is_distributed() => parts.push("Distributed Map".into()),
        _ => parts.push(state.says().to_owned()),
    }
    if passages.entered() > 1 && state.kind != Kind::Map {
        parts.push(format!("{} of {}", passages.count(Outcome::Succeeded), passages.entered()));
    }
    let lasts = matches!(state.kind, Kind::Task | Kind::Map | Kind::Parallel | Kind::Wait);
    parts.extend(passages.seconds.filter(|_| lasts).map(seconds));
    parts.join(" · ")
}

/// A Map's items: `2 of 3 done, 1 failed`.
pub fn counts(items: Counts) -> String {
    let done = items.succeeded + items.failed + items.aborted;
    let mut text = match (done, items.running) {
        (0, 0) if items.total == 1 => "1 item".to_owned(),
        (0, 0) => format!("{} items", items.total),
        _ => format!("{done} of {} done", items.total),
    };
    for (count, what) in [(items.failed, "failed"), (items.aborted, "aborted"), (items.running, "in progress")] {
        if count > 0 {
            text += &format!(", {count} {what}");
        }
    }
    text
}

fn seconds(seconds: f64) -> String {
    duration(SignedDuration::try_from_secs_f64(seconds).unwrap_or_default())
}

/// Everything of a state, for whoever points at its box or has it read out.
pub fn title(state: &State, passages: &Passages) -> String {
    let outcome = passages.outcome();
    let mut text = format!("{} ({}): {}", state.name, state.says(), outcome.words());
    if passages.entered() > 1 {
        let ended: Vec<_> = Outcome::ALL.iter().filter(|one| passages.count(**one) > 0).collect();
        let each = |one: &&Outcome| format!("{} of {} {}", passages.count(**one), passages.entered(), one.words());
        text = format!("{} ({}): {}", state.name, state.says(), ended.iter().map(each).collect::<Vec<_>>().join(", "));
    }
    if let Some(items) = passages.items {
        text += &format!("; {}", counts(items));
    }
    if let Some(taken) = passages.seconds {
        text += &format!("; {}{}", if passages.entered() > 1 { "the longest " } else { "" }, seconds(taken));
    }
    if let Some(error) = &passages.error {
        text += &format!("; {error}");
    }
    text
}

/// How the execution ended, in one line.
pub fn summary(execution: &Execution) -> String {
    let after = seconds(execution.seconds);
    match execution.status {
        Status::Running => format!("in progress for {after}"),
        Status::Succeeded => format!("succeeded in {after}"),
        Status::Failed => match &execution.error {
            Some(error) => format!("failed after {after}: {error}"),
            None => format!("failed after {after}"),
        },
        Status::TimedOut => format!("timed out after {after}"),
        Status::Aborted => format!("aborted after {after}"),
    }
}

/// The outcome in words: the execution's, and the states by theirs.
pub fn description(execution: &Execution, states: &[(&State, Passages)]) -> String {
    let mut text = format!("Execution {} of {} {}.", execution.name, execution.machine, summary(execution));
    for outcome in Outcome::ALL {
        let of = states.iter().filter(|(_, passages)| passages.outcome() == outcome);
        let names = of.map(|(state, passages)| match passages.items.filter(|_| passages.entered() > 0) {
            Some(items) => format!("{} ({})", state.name, counts(items)),
            None => state.name.clone(),
        });
        let names: Vec<_> = names.collect();
        if !names.is_empty() {
            let words = outcome.words();
            text += &format!(" {}{}: {}.", words[..1].to_uppercase(), &words[1..], names.join(", "));
        }
    }
    text
}
