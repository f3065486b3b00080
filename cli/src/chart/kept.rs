//! Draws the restore points of one volume that a policy keeps over the coming Nights, by the retention rule of `domain`.

use domain::{
    Intervals, Night,
    retention::{self, DatedSnapshot, Policy, RetentionState},
};
use jiff::ToSpan;
use std::collections::BTreeMap;

use super::{Life, draw};
use crate::ui::text::plural;

/// Maximum number of Nights in a picture. Each Night is a line.
const MOST_NIGHTS: u32 = 1_000;
const VOLUME: &str = "vol-1";

/// Draws the restore points that a policy keeps of one volume over the coming Nights, at most 1,000.
pub fn kept(policy: Policy, from: Night, nights: u32) -> String {
    let nights = nights.clamp(1, MOST_NIGHTS);
    let coming = coming(from, nights);
    let last = coming.last().copied().unwrap_or(from);
    let title =
        format!("What the stack's parameters keep of one volume over {} from {from}", plural(coming.len(), "night"));
    let says = "Calculated, not measured, as if no night failed. Each line is a restore point: it begins on its Night and ends where \
                it expires.";
    draw(title, says, &lives(policy, &coming), from, last)
}

fn coming(from: Night, nights: u32) -> Vec<Night> {
    let dates = from.date().series(1.day()).take(nights as usize);
    dates.filter_map(|date| date.to_string().parse().ok()).collect()
}

/// Returns the life of each restore point. Drops expired restore points, so that the work for a Night depends on the number of kept restore
/// points and not on the number of all Nights.
fn lives(policy: Policy, nights: &[Night]) -> Vec<Life> {
    let (mut lives, mut held) = (BTreeMap::new(), Vec::<DatedSnapshot>::new());
    for &tonight in nights {
        // When a run looks for expired snapshots, the snapshot of its own Night is still pending.
        held.iter_mut().for_each(|snapshot| snapshot.state = RetentionState::Completed);
        held.push(snapshot(tonight));
        lives.insert(tonight, Life { interval: Intervals::due(tonight).governing(), made: tonight, expired: None });
        let expired: Vec<_> =
            retention::expired(&held, tonight, policy, |_| true).iter().map(|snapshot| snapshot.night).collect();
        held.retain(|snapshot| !expired.contains(&snapshot.night));
        for night in expired {
            lives.entry(night).and_modify(|life| life.expired = Some(tonight));
        }
    }
    lives.into_values().collect()
}

fn snapshot(night: Night) -> DatedSnapshot {
    let intervals = Intervals::due(night);
    DatedSnapshot {
        id: format!("snap-{night}"),
        volume_id: VOLUME.to_owned(),
        night,
        interval: intervals.governing(),
        intervals,
        state: RetentionState::Pending,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::Interval;

    const POLICY: Policy = Policy { dailies: 7, quarterly_months: 15, quarterlies: 5 };

    fn night(text: &str) -> Night {
        text.parse().expect("a Night")
    }

    fn alive(policy: Policy, from: &str, nights: u32) -> [usize; 3] {
        let lives = lives(policy, &coming(night(from), nights));
        [Interval::Daily, Interval::Quarterly, Interval::Annual]
            .map(|interval| lives.iter().filter(|life| life.interval == interval && life.expired.is_none()).count())
    }

    #[test]
    fn a_thousand_nights_leave_what_the_policy_says() {
        assert_eq!(alive(POLICY, "2026-12-10", 1_000), [7, 5, 3]);
        assert_eq!(alive(Policy { dailies: 30, ..POLICY }, "2026-12-10", 1_000), [30, 5, 3]);
    }

    #[test]
    fn a_daily_ends_on_the_night_on_which_the_rule_lets_it_go() {
        let lives = lives(POLICY, &coming(night("2026-06-10"), 30));
        assert_eq!(lives[0].expired, Some(night("2026-06-17")));
    }

    #[test]
    fn the_picture_says_that_it_is_calculated_and_for_how_many_nights() {
        let picture = kept(POLICY, night("2026-12-31"), 1_000);
        assert!(picture.contains("over 1,000 nights from 2026-12-31") && picture.contains("Calculated, not measured"));
        assert!(picture.contains("Annual: 3 made, 3 at the end"), "{picture}");
    }

    #[test]
    fn a_policy_that_keeps_everything_and_a_picture_without_end_are_drawn_in_time() {
        let keeps_all = Policy { dailies: u32::MAX, quarterly_months: u32::MAX, quarterlies: u32::MAX };
        let picture = kept(keeps_all, night("2026-12-31"), u32::MAX);
        assert!(picture.contains("over 1,000 nights"));
        assert!(kept(POLICY, night("9999-12-31"), 1_000).contains("over 1 night from 9999-12-31"));
    }
}
