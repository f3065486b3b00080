//! What is known of snapshots beyond what the local cloud knows: their state, what needs them, when they were made.

use std::{
    collections::{HashMap, HashSet},
    time::Instant,
};
use xmltree::{Element, XMLNode};

use crate::{
    Call,
    answer::{Answer, set_text, text},
    rules::{NewSnapshots, Rules, SnapshotState},
};

/// The snapshots by id, and the volumes that they were made of.
#[derive(Default)]
pub struct Snapshots {
    made: HashMap<String, Made>,
    told: HashMap<String, SnapshotState>,
    amis: HashMap<String, String>,
    locked: HashSet<String>,
    /// When each volume's last snapshot was begun.
    begun: HashMap<String, Instant>,
    /// Pending slots in use; one that is deleted while it is pending frees none.
    slots: HashMap<String, Vec<Slot>>,
}

struct Made {
    at: Instant,
    new: NewSnapshots,
}

struct Slot {
    snapshot: String,
    gone: Option<SnapshotState>,
}

impl Snapshots {
    /// Says what state a snapshot is in.
    pub fn set_state(&mut self, snapshot: &str, state: SnapshotState) {
        self.told.insert(snapshot.to_owned(), state);
    }

    /// Says that an AMI uses a snapshot.
    pub fn use_in_ami(&mut self, snapshot: &str, ami: &str) {
        self.amis.insert(snapshot.to_owned(), ami.to_owned());
    }

    /// Locks a snapshot.
    pub fn lock(&mut self, snapshot: &str) {
        self.locked.insert(snapshot.to_owned());
    }

    fn state(&self, snapshot: &str, now: Instant) -> Option<SnapshotState> {
        self.told.get(snapshot).copied().or_else(|| {
            let made = self.made.get(snapshot)?;
            match made.new {
                NewSnapshots::AsTheyAre => None,
                NewSnapshots::PendingUntilTold => Some(SnapshotState::Pending),
                NewSnapshots::PendingFor(time) if now < made.at + time => Some(SnapshotState::Pending),
                NewSnapshots::PendingFor(_) => Some(SnapshotState::Completed),
            }
        })
    }

    /// Begins a snapshot of a volume of this type, or says why EC2 does not. Two calls at once cannot both begin one.
    pub fn begin(&mut self, volume: &str, kind: &str, rules: &Rules, now: Instant) -> Result<(), Answer> {
        let last = self.begun.get(volume);
        if last.is_some_and(|last| now < *last + rules.between_snapshots) {
            let code = "SnapshotCreationPerVolumeRateExceeded";
            let message = "The maximum per volume CreateSnapshot request rate has been exceeded. \
                           Use an increasing or variable sleep interval between requests.";
            return Err(Answer::error(400, code, message));
        }
        let most = if matches!(kind, "st1" | "sc1") { 1 } else { 5 };
        if rules.limit_pending && self.pending(volume, now) >= most {
            let message = "The maximum number of in-progress snapshots for a single volume has been exceeded.";
            return Err(Answer::error(400, "ConcurrentSnapshotLimitExceeded", message));
        }
        self.begun.insert(volume.to_owned(), now);
        Ok(())
    }

    fn pending(&self, volume: &str, now: Instant) -> usize {
        let slots = self.slots.get(volume).map(Vec::as_slice).unwrap_or_default();
        let state = |slot: &&Slot| slot.gone.or_else(|| self.state(&slot.snapshot, now));
        slots.iter().filter(|slot| state(slot) == Some(SnapshotState::Pending)).count()
    }

    /// Notes a snapshot that was made, and gives EC2's answer its state.
    pub fn note(&mut self, answer: &mut Element, rules: &Rules, now: Instant) {
        let (snapshot, volume) = (text(answer, "snapshotId"), text(answer, "volumeId"));
        self.slots.entry(volume).or_default().push(Slot { snapshot: snapshot.clone(), gone: None });
        self.made.insert(snapshot, Made { at: now, new: rules.new_snapshots });
        self.show(answer, now);
    }

    /// A snapshot could not be made after all: its volume may try again at once.
    pub fn forget_beginning(&mut self, volume: &str) {
        self.begun.remove(volume);
    }

    /// Why EC2 does not delete a snapshot.
    pub fn refuse_deletion(&self, snapshot: &str) -> Option<Answer> {
        if let Some(ami) = self.amis.get(snapshot) {
            let message = format!("The snapshot {snapshot} is currently in use by {ami}");
            return Some(Answer::error(400, "InvalidSnapshot.InUse", &message));
        }
        let message = format!("You are not allowed to delete the snapshot {snapshot}: it is locked.");
        self.locked.contains(snapshot).then(|| Answer::error(400, "OperationNotPermitted", &message))
    }

    /// Why EC2 makes no volume of a snapshot (AWSEC2 API reference, "Error codes for the Amazon EC2 API").
    pub fn refuse_volume(&self, snapshot: &str, now: Instant) -> Option<Answer> {
        let state = self.state(snapshot, now).filter(|state| *state != SnapshotState::Completed)?;
        let message = format!("Snapshot is in invalid state - {}", state.as_str());
        Some(Answer::error(400, "IncorrectState", &message))
    }

    /// Notes that a snapshot was deleted.
    pub fn deleted(&mut self, snapshot: &str, now: Instant) {
        let state = self.state(snapshot, now);
        for slot in self.slots.values_mut().flatten().filter(|slot| slot.snapshot == snapshot) {
            slot.gone = state;
        }
    }

    /// Whether a snapshot is too new to be found.
    pub fn is_hidden(&self, snapshot: &str, rules: &Rules, now: Instant) -> bool {
        self.made.get(snapshot).is_some_and(|made| now < made.at + rules.found_after)
    }

    /// Gives a described snapshot its state.
    pub fn show(&self, described: &mut Element, now: Instant) {
        if let Some(state) = self.state(&text(described, "snapshotId"), now) {
            set_text(described, "status", state.as_str());
            set_text(described, "progress", if state == SnapshotState::Completed { "100%" } else { "0%" });
        }
    }

    /// Which of the described snapshots a caller sees, each in its state.
    pub fn list(&self, items: Vec<Element>, call: &Call, rules: &Rules, now: Instant) -> Vec<Element> {
        let filters = call.filters();
        let wanted = filters.iter().find(|(name, _)| *name == "status").map(|(_, states)| states);
        let shown = items.into_iter().map(|mut item| {
            self.show(&mut item, now);
            item
        });
        let visible = shown.filter(|item| !self.is_hidden(&text(item, "snapshotId"), rules, now));
        visible.filter(|item| wanted.is_none_or(|states| states.contains(&text(item, "status").as_str()))).collect()
    }
}

/// The elements of a set, taken out of it.
pub fn take_items(set: &mut Element) -> Vec<Element> {
    let children = std::mem::take(&mut set.children);
    children.into_iter().filter_map(|node| if let XMLNode::Element(item) = node { Some(item) } else { None }).collect()
}
