//! The domain crate against the reference model: both are driven through the same random histories of nights.

mod history;
mod system;

use chrono::NaiveDate;
use history::{History, Turn, history};
use proptest::{prelude::*, test_runner::FileFailurePersistence};
use std::collections::{BTreeMap, BTreeSet};
use tests::model::{self, Account, Parameters};

/// Histories of 400 nights each; 12 of them unless `PROPTEST_CASES` says how many. A failure, shrunk, is kept beside this
/// file and tried first.
fn config() -> ProptestConfig {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(12);
    let kept = FileFailurePersistence::WithSource("regressions");
    ProptestConfig { cases, failure_persistence: Some(Box::new(kept)), ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn the_model_and_the_domain_agree_on_every_night(history in history(400)) {
        let mut nights = Nights::default();
        for turn in &history.turns {
            nights.live_through(&history, turn)?;
        }
    }
}

/// An account on its way through a history.
#[derive(Default)]
struct Nights {
    account: Account,
    past: history::Past,
}

impl Nights {
    fn live_through(&mut self, history: &History, turn: &Turn) -> Result<(), TestCaseError> {
        self.past.happen(&mut self.account, turn);
        let (time, parameters) = (self.past.scheduled(turn), self.past.parameters(history));
        let tonight = model::night(time, &parameters.time_zone);
        prop_assert_eq!(tonight.to_string(), system::night(time, &parameters));

        let creates = self.account.creates(&parameters, tonight);
        prop_assert_eq!(&creates, &system::creates(&self.account, &parameters, time));
        self.past.create(&mut self.account, &creates, turn);
        prop_assert!(self.account.creates(&parameters, tonight).keys().all(|volume| self.past.failed(volume, turn)));

        let expires = self.account.expires(&parameters, tonight);
        prop_assert_eq!(&expires, &system::expires(&self.account, &parameters, time));
        prop_assert_eq!(self.account.unreadable(&parameters), system::unreadable(&self.account, &parameters));
        let before = self.account.clone();
        self.account.snapshots.retain(|id, _| !expires.contains(id));
        no_good_copy_vanishes(&before, &self.account, &expires, &parameters, tonight)
    }
}

/// What must hold whatever the rules say in detail.
fn no_good_copy_vanishes(
    before: &Account,
    after: &Account,
    expired: &BTreeSet<String>,
    parameters: &Parameters,
    tonight: NaiveDate,
) -> Result<(), TestCaseError> {
    for snapshot in expired.iter().map(|id| &before.snapshots[id]) {
        prop_assert_ne!(&snapshot.tags["Interval"], "Annual");
        prop_assert_eq!(&snapshot.tags["BackupStack"], &parameters.backup_stack);
    }
    let dailies_alone = expired.iter().all(|id| before.snapshots[id].tags["Interval"] == "Daily");
    let (dailies, quarterlies) = (parameters.keep_dailies as usize, parameters.keep_quarterlies as usize);
    // A quarterly is a daily too: where it expires by its own rule, one restore point that is due Daily goes with it.
    let daily_floor = if dailies_alone { dailies } else { dailies.min(quarterlies) };
    for volume in before.volumes.keys() {
        for (due, floor) in [("Daily", daily_floor), ("Quarterly", quarterlies)] {
            let points = |account: &Account| account.restore_points(volume, due, parameters, tonight).len();
            prop_assert!(
                points(after) >= points(before).min(floor),
                "{} has fewer {} points than the floor",
                volume,
                due
            );
        }
    }
    prop_assert_eq!(newest_completed(before, parameters), newest_completed(after, parameters));
    Ok(())
}

/// Each volume's newest completed copy by the Interval that governs it, whether the volume still exists or not.
fn newest_completed<'a>(account: &'a Account, parameters: &Parameters) -> BTreeMap<(&'a str, &'a str), &'a str> {
    let mut newest = BTreeMap::new();
    let unreadable = account.unreadable(parameters);
    let ours = account.snapshots.iter().filter(|(id, one)| {
        let managed = one.tags.get("BackupStack") == Some(&parameters.backup_stack);
        managed && one.state == "completed" && !unreadable.contains(*id)
    });
    for (_, one) in ours {
        let night = newest.entry((one.volume.as_str(), one.tags["Interval"].as_str())).or_insert("");
        *night = (*night).max(one.tags["Night"].as_str());
    }
    newest
}
