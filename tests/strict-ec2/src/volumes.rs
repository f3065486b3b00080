//! What is known of volumes beyond what the local cloud knows: their state, and the client tokens that made them.

use std::{collections::HashMap, time::Instant};
use xmltree::Element;

use crate::{
    Call,
    answer::{Answer, set_text, text},
    rules::{NewVolumes, Rules, VolumeState},
};

/// The volumes by id, and by the Region and the client token of the call that made them.
#[derive(Default)]
pub struct Volumes {
    made: HashMap<String, Made>,
    told: HashMap<String, VolumeState>,
    tokens: HashMap<(String, String), Asked>,
}

struct Made {
    at: Instant,
    new: NewVolumes,
}

/// A call that made a volume, and what was answered.
struct Asked {
    parameters: Vec<(String, String)>,
    answer: Element,
}

impl Volumes {
    /// Says what state a volume is in.
    pub fn set_state(&mut self, volume: &str, state: VolumeState) {
        self.told.insert(volume.to_owned(), state);
    }

    fn state(&self, volume: &str, now: Instant) -> VolumeState {
        self.told.get(volume).copied().unwrap_or_else(|| {
            let Some(made) = self.made.get(volume) else { return VolumeState::Available };
            match made.new {
                NewVolumes::AsTheyAre => VolumeState::Available,
                NewVolumes::CreatingUntilTold => VolumeState::Creating,
                NewVolumes::CreatingFor(time) if now < made.at + time => VolumeState::Creating,
                NewVolumes::CreatingFor(_) => VolumeState::Available,
            }
        })
    }

    /// What the first call with this client token was answered, whatever became of its volume since; the refusal of a token that
    /// comes with other parameters (EC2 developer guide, "Ensuring idempotency in Amazon EC2 API requests").
    pub fn answered(&self, call: &Call) -> Option<Result<Element, Answer>> {
        let asked = self.tokens.get(&key(call)?)?;
        if asked.parameters != parameters(call) {
            let message = "Client token was used with different parameters in an earlier request.";
            return Some(Err(Answer::error(400, "IdempotentParameterMismatch", message)));
        }
        Some(Ok(asked.answer.clone()))
    }

    /// Notes a volume that was made, and gives EC2's answer its state.
    pub fn note(&mut self, call: &Call, answer: &mut Element, rules: &Rules, now: Instant) {
        self.made.insert(text(answer, "volumeId"), Made { at: now, new: rules.new_volumes });
        self.show(answer, now);
        if let Some(key) = key(call) {
            self.tokens.insert(key, Asked { parameters: parameters(call), answer: answer.clone() });
        }
    }

    /// Why EC2 does not attach a volume.
    pub fn refuse_attachment(&self, volume: &str, now: Instant) -> Option<Answer> {
        let state = self.state(volume, now);
        let message = format!("{volume} is not 'available'; it is '{}'.", state.as_str());
        (state != VolumeState::Available).then(|| Answer::error(400, "IncorrectState", &message))
    }

    /// Gives a described volume its state.
    fn show(&self, described: &mut Element, now: Instant) {
        let state = self.state(&text(described, "volumeId"), now);
        // One that is there is available or in use: the local cloud knows which.
        if state != VolumeState::Available {
            set_text(described, "status", state.as_str());
        }
    }

    /// Which of the described volumes a caller sees, each in its state.
    pub fn list(&self, items: Vec<Element>, call: &Call, now: Instant) -> Vec<Element> {
        let filters = call.filters();
        let wanted = filters.iter().find(|(name, _)| *name == "status").map(|(_, states)| states);
        let shown = items.into_iter().map(|mut item| {
            self.show(&mut item, now);
            item
        });
        shown.filter(|item| wanted.is_none_or(|states| states.contains(&text(item, "status").as_str()))).collect()
    }
}

fn key(call: &Call) -> Option<(String, String)> {
    let token = call.get("ClientToken").filter(|token| !token.is_empty())?;
    Some((call.region.clone(), token.to_owned()))
}

/// What the volume is to be, in no order.
fn parameters(call: &Call) -> Vec<(String, String)> {
    let mut parameters = call.parameters.clone();
    parameters.sort();
    parameters
}
