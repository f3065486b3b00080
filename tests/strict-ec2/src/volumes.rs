//! Volumes: the states and the client tokens that the upstream does not know.

use std::{collections::HashMap, time::Instant};
use xmltree::Element;

use crate::{
    Call,
    answer::{Answer, set_text, text},
    rules::{NewVolumes, Rules},
    states::VolumeState,
};

/// The volumes by ID, and the calls that created them by Region and client token.
#[derive(Default)]
pub struct Volumes {
    created: HashMap<String, Created>,
    states: HashMap<String, VolumeState>,
    tokens: HashMap<(String, String), Creation>,
}

struct Created {
    at: Instant,
    rule: NewVolumes,
}

/// A call that created a volume, and its answer.
struct Creation {
    parameters: Vec<(String, String)>,
    answer: Element,
}

impl Volumes {
    pub fn set_state(&mut self, volume: &str, state: VolumeState) {
        self.states.insert(volume.to_owned(), state);
    }

    /// Removes the state that was set.
    pub fn reset(&mut self, volume: &str) {
        self.states.remove(volume);
    }

    fn state(&self, volume: &str, now: Instant) -> VolumeState {
        self.states.get(volume).copied().unwrap_or_else(|| {
            let Some(created) = self.created.get(volume) else { return VolumeState::Available };
            let age = now.saturating_duration_since(created.at);
            match created.rule {
                NewVolumes::Unchanged => VolumeState::Available,
                NewVolumes::StayCreating => VolumeState::Creating,
                NewVolumes::CreatingFor(time) if age < time => VolumeState::Creating,
                NewVolumes::CreatingFor(_) => VolumeState::Available,
            }
        })
    }

    /// Returns the answer to the first call with this client token, even if its volume is deleted. A token with different
    /// parameters is refused (EC2 developer guide, "Ensuring idempotency in Amazon EC2 API requests").
    pub fn earlier_answer(&self, call: &Call) -> Option<Result<Element, Answer>> {
        let first = self.tokens.get(&token_key(call)?)?;
        if first.parameters != sorted_parameters(call) {
            let message = "Client token was used with different parameters in an earlier request.";
            return Some(Err(Answer::error(400, "IdempotentParameterMismatch", message)));
        }
        Some(Ok(first.answer.clone()))
    }

    /// Records a new volume, and sets its state in the answer.
    pub fn record(&mut self, call: &Call, answer: &mut Element, rules: &Rules, now: Instant) {
        self.created.insert(text(answer, "volumeId"), Created { at: now, rule: rules.new_volumes });
        self.apply_state(answer, now);
        if let Some(key) = token_key(call) {
            self.tokens.insert(key, Creation { parameters: sorted_parameters(call), answer: answer.clone() });
        }
    }

    /// Returns the refusal to attach a volume that is not available.
    pub fn attachment_error(&self, volume: &str, now: Instant) -> Option<Answer> {
        let state = self.state(volume, now);
        let message = format!("{volume} is not 'available'; it is '{}'.", state.as_str());
        (state != VolumeState::Available).then(|| Answer::error(400, "IncorrectState", &message))
    }

    /// Sets the state of a described volume.
    fn apply_state(&self, described: &mut Element, now: Instant) {
        let state = self.state(&text(described, "volumeId"), now);
        // The upstream knows whether an available volume is in use.
        if state != VolumeState::Available {
            set_text(described, "status", state.as_str());
        }
    }

    /// Returns the described volumes in their states, filtered by state.
    pub fn list(&self, items: Vec<Element>, call: &Call, now: Instant) -> Vec<Element> {
        let filters = call.filters();
        let wanted = filters.iter().find(|(name, _)| *name == "status").map(|(_, states)| states);
        let described = items.into_iter().map(|mut item| {
            self.apply_state(&mut item, now);
            item
        });
        described.filter(|item| wanted.is_none_or(|states| states.contains(&text(item, "status").as_str()))).collect()
    }
}

fn token_key(call: &Call) -> Option<(String, String)> {
    let token = call.get("ClientToken").filter(|token| !token.is_empty())?;
    Some((call.region.clone(), token.to_owned()))
}

/// Returns the parameters in a canonical order.
fn sorted_parameters(call: &Call) -> Vec<(String, String)> {
    let mut parameters = call.parameters.clone();
    parameters.sort();
    parameters
}
