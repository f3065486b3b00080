//! Text in the picture.

use aws_sdk_sfn::types::ExecutionStatus;
use jiff::SignedDuration;
use strum::VariantArray;

use super::definition::{State, StateKind};
use super::fetch::FetchedExecution;
use super::outcome::{Passages, StateOutcome};
use crate::ui::{progress::MapCounts, text};

fn duration(seconds: f64) -> String {
    text::duration(SignedDuration::try_from_secs_f64(seconds).unwrap_or_default())
}

/// Returns the line under a state's name.
pub fn line(state: &State, passages: &Passages) -> String {
    let mut parts = Vec::new();
    match passages.items.filter(|_| passages.entered() > 0) {
        Some(items) => parts.push(counts(items)),
        None => parts.push(state.label().to_owned()),
    }
    if passages.entered() > 1 && state.kind != StateKind::Map {
        parts.push(format!("{} of {}", passages.count(StateOutcome::Succeeded), passages.entered()));
    }
    let lasts = matches!(state.kind, StateKind::Task | StateKind::Map | StateKind::Wait);
    parts.extend(passages.seconds.filter(|_| lasts).map(duration));
    parts.join(" · ")
}

/// Returns the counts of a Map's items: `2 of 3 done, 1 failed`.
fn counts(items: MapCounts) -> String {
    match (items.done, items.in_flight) {
        (0, 0) if items.total == 1 => "1 item".to_owned(),
        (0, 0) => format!("{} items", items.total),
        (_, 0) => items.line(),
        (_, in_flight) => format!("{}, {in_flight} in progress", items.line()),
    }
}

/// Describes a state in full, for the tooltip of its box and for screen readers.
pub fn title(state: &State, passages: &Passages) -> String {
    let (name, label, entered) = (&state.name, state.label(), passages.entered());
    let ended = StateOutcome::VARIANTS.iter().rev().filter(|outcome| passages.count(**outcome) > 0);
    let ended: Vec<_> = match entered {
        0 | 1 => vec![passages.outcome().words()],
        _ => ended.map(|one| format!("{} of {entered} {}", passages.count(*one), one.words())).collect(),
    };
    let took =
        passages.seconds.map(|took| format!("{}{}", if entered > 1 { "the longest " } else { "" }, duration(took)));
    let more = [passages.items.map(counts), took, passages.error.clone()];
    let more: String = more.into_iter().flatten().map(|text| format!("; {text}")).collect();
    format!("{name} ({label}): {}{more}", ended.join(", "))
}

/// Returns the status of the execution in one line.
pub fn summary(execution: &FetchedExecution) -> String {
    let after = text::duration(execution.took());
    let error = execution.error.as_ref().map(|error| format!(": {error}")).unwrap_or_default();
    match execution.status {
        ExecutionStatus::Succeeded => format!("succeeded in {after}"),
        ExecutionStatus::Failed => format!("failed after {after}{error}"),
        ExecutionStatus::TimedOut => format!("timed out after {after}"),
        ExecutionStatus::Aborted => format!("aborted after {after}"),
        _ => format!("in progress for {after}"),
    }
}

pub fn capitalised(text: &str) -> String {
    format!("{}{}", text[..1].to_uppercase(), &text[1..])
}

/// Describes the status of the execution, and lists the states by outcome.
pub fn description(execution: &FetchedExecution, states: &[(&State, Passages)]) -> String {
    let mut text = format!("Execution {} of {} {}.", execution.name, execution.machine, summary(execution));
    for outcome in StateOutcome::VARIANTS.iter().rev().copied() {
        let states = states.iter().filter(|(_, passages)| passages.outcome() == outcome);
        let names = states.map(|(state, passages)| match passages.items.filter(|_| passages.entered() > 0) {
            Some(items) => format!("{} ({})", state.name, counts(items)),
            None => state.name.clone(),
        });
        let names: Vec<_> = names.collect();
        if !names.is_empty() {
            text += &format!(" {}: {}.", capitalised(&outcome.words()), names.join(", "));
        }
    }
    text
}
