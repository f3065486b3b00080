//! Snapshots: the states, AMIs, locks and limits that the upstream does not know.

use std::{
    collections::{HashMap, HashSet},
    time::Instant,
};
use xmltree::Element;

use crate::{
    Call,
    answer::{Answer, set_text, text},
    rules::{NewSnapshots, Rules},
    states::SnapshotState,
};

/// The snapshots by ID, and the limits of their volumes.
#[derive(Default)]
pub struct Snapshots {
    created: HashMap<String, Created>,
    states: HashMap<String, SnapshotState>,
    amis: HashMap<String, String>,
    locked: HashSet<String>,
    /// Time of the last snapshot of each volume.
    started: HashMap<String, Instant>,
    /// Slots of the pending limit of each volume. A snapshot that is deleted while it is pending keeps its slot.
    slots: HashMap<String, Vec<Slot>>,
}

struct Created {
    at: Instant,
    rule: NewSnapshots,
}

struct Slot {
    snapshot: String,
    state_at_deletion: Option<SnapshotState>,
}

impl Snapshots {
    pub fn set_state(&mut self, snapshot: &str, state: SnapshotState) {
        self.states.insert(snapshot.to_owned(), state);
    }

    pub fn use_in_ami(&mut self, snapshot: &str, ami: &str) {
        self.amis.insert(snapshot.to_owned(), ami.to_owned());
    }

    pub fn lock(&mut self, snapshot: &str) {
        self.locked.insert(snapshot.to_owned());
    }

    /// Removes the state, the AMI and the lock that were set.
    pub fn reset(&mut self, snapshot: &str) {
        self.states.remove(snapshot);
        self.amis.remove(snapshot);
        self.locked.remove(snapshot);
    }

    fn state(&self, snapshot: &str, now: Instant) -> Option<SnapshotState> {
        self.states.get(snapshot).copied().or_else(|| {
            let created = self.created.get(snapshot)?;
            let age = now.saturating_duration_since(created.at);
            match created.rule {
                NewSnapshots::Unchanged => None,
                NewSnapshots::StayPending => Some(SnapshotState::Pending),
                NewSnapshots::PendingFor(time) if age < time => Some(SnapshotState::Pending),
                NewSnapshots::PendingFor(_) => Some(SnapshotState::Completed),
            }
        })
    }

    /// Starts a snapshot of a volume of this type, or returns EC2's refusal. Of two calls at once only one starts.
    pub fn start(&mut self, volume: &str, kind: &str, rules: &Rules, now: Instant) -> Result<(), Answer> {
        let last = self.started.get(volume);
        if last.is_some_and(|last| now.saturating_duration_since(*last) < rules.between_snapshots) {
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
        self.started.insert(volume.to_owned(), now);
        Ok(())
    }

    fn pending(&self, volume: &str, now: Instant) -> usize {
        let slots = self.slots.get(volume).map(Vec::as_slice).unwrap_or_default();
        let state = |slot: &&Slot| slot.state_at_deletion.or_else(|| self.state(&slot.snapshot, now));
        slots.iter().filter(|slot| state(slot) == Some(SnapshotState::Pending)).count()
    }

    /// Records a new snapshot, and sets its state in the answer.
    pub fn record(&mut self, answer: &mut Element, rules: &Rules, now: Instant) {
        let (snapshot, volume) = (text(answer, "snapshotId"), text(answer, "volumeId"));
        self.slots.entry(volume).or_default().push(Slot { snapshot: snapshot.clone(), state_at_deletion: None });
        self.created.insert(snapshot, Created { at: now, rule: rules.new_snapshots });
        self.apply_state(answer, now);
    }

    /// Forgets the start of a snapshot that the upstream refused, so that the next call can try again.
    pub fn cancel_start(&mut self, volume: &str) {
        self.started.remove(volume);
    }

    /// Returns the refusal to delete a snapshot that is in use or locked.
    pub fn deletion_error(&self, snapshot: &str) -> Option<Answer> {
        if let Some(ami) = self.amis.get(snapshot) {
            let message = format!("The snapshot {snapshot} is currently in use by {ami}");
            return Some(Answer::error(400, "InvalidSnapshot.InUse", &message));
        }
        let message = format!("You are not allowed to delete the snapshot {snapshot}: it is locked.");
        self.locked.contains(snapshot).then(|| Answer::error(400, "OperationNotPermitted", &message))
    }

    /// Returns the refusal to create a volume from a snapshot that is not completed (AWSEC2 API reference, "Error codes
    /// for the Amazon EC2 API").
    pub fn restore_error(&self, snapshot: &str, now: Instant) -> Option<Answer> {
        let state = self.state(snapshot, now).filter(|state| *state != SnapshotState::Completed)?;
        let message = format!("Snapshot is in invalid state - {}", state.as_str());
        Some(Answer::error(400, "IncorrectState", &message))
    }

    /// Records the deletion of a snapshot.
    pub fn record_deletion(&mut self, snapshot: &str, now: Instant) {
        let state = self.state(snapshot, now);
        for slot in self.slots.values_mut().flatten().filter(|slot| slot.snapshot == snapshot) {
            slot.state_at_deletion = state;
        }
    }

    /// Returns whether a snapshot is too new to be found.
    pub fn is_hidden(&self, snapshot: &str, rules: &Rules, now: Instant) -> bool {
        self.created.get(snapshot).is_some_and(|created| now.saturating_duration_since(created.at) < rules.found_after)
    }

    /// Sets the state of a described snapshot.
    fn apply_state(&self, described: &mut Element, now: Instant) {
        if let Some(state) = self.state(&text(described, "snapshotId"), now) {
            set_text(described, "status", state.as_str());
            set_text(described, "progress", if state == SnapshotState::Completed { "100%" } else { "0%" });
        }
    }

    /// Returns the described snapshots in their states, filtered by state, without those that are too new.
    pub fn list(&self, items: Vec<Element>, call: &Call, rules: &Rules, now: Instant) -> Vec<Element> {
        let filters = call.filters();
        let wanted = filters.iter().find(|(name, _)| *name == "status").map(|(_, states)| states);
        let described = items.into_iter().map(|mut item| {
            self.apply_state(&mut item, now);
            item
        });
        let visible = described.filter(|item| !self.is_hidden(&text(item, "snapshotId"), rules, now));
        visible.filter(|item| wanted.is_none_or(|states| states.contains(&text(item, "status").as_str()))).collect()
    }
}
