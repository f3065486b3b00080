//! Draws the restore points of one volume that a plan keeps over the coming Nights, by the retention rule of `domain`.

use domain::{
    Night,
    due::History,
    plan::{DEFAULT, Plans},
    retention::{self, DatedSnapshot, RetentionState},
};
use jiff::ToSpan;
use std::collections::BTreeMap;

use super::{Life, draw};
use crate::{forecast::coming_snapshot, ui::text::plural};

/// Maximum number of Nights in a picture. Each Night is a line.
const MOST_NIGHTS: u32 = 1_000;

/// Draws the restore points that the default plan keeps of one volume over the coming Nights, at most 1,000.
pub fn kept(plans: &Plans, from: Night, nights: u32) -> String {
    let nights = nights.clamp(1, MOST_NIGHTS);
    let coming = coming(from, nights);
    let last = coming.last().copied().unwrap_or(from);
    let title =
        format!("What the parameter Keep keeps of one volume over {} from {from}", plural(coming.len(), "night"));
    let says = "Calculated, not measured, as if no night failed. Each line is a restore point: it begins on its Night and ends where \
                it expires.";
    draw(title, says, &lives(plans, &coming), from, last)
}

fn coming(from: Night, nights: u32) -> Vec<Night> {
    let dates = from.date().series(1.day()).take(nights as usize);
    dates.filter_map(|date| date.to_string().parse().ok()).collect()
}

/// Returns the life of each restore point. Drops expired restore points, so that the work for a Night depends on the number of kept restore
/// points and not on the number of all Nights.
fn lives(plans: &Plans, nights: &[Night]) -> Vec<Life> {
    let (mut lives, mut held, mut history) = (BTreeMap::new(), Vec::<DatedSnapshot>::new(), History::default());
    for &tonight in nights {
        // When a run looks for expired snapshots, the snapshot of its own Night is still pending.
        held.iter_mut().for_each(|snapshot| snapshot.state = RetentionState::Completed);
        if let Some(snapshot) = coming_snapshot(tonight, DEFAULT, plans, &mut history) {
            let interval = snapshot.identity.interval;
            held.push(DatedSnapshot { state: RetentionState::Pending, ..snapshot });
            lives.insert(tonight, Life { interval, made: tonight, expired: None });
        }
        let expired = retention::expired(&held, tonight, plans, |_| true);
        let expired: Vec<_> = expired.iter().map(|snapshot| snapshot.identity.night).collect();
        held.retain(|snapshot| !expired.contains(&snapshot.identity.night));
        for night in expired {
            lives.entry(night).and_modify(|life| life.expired = Some(tonight));
        }
    }
    lives.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::Interval;
    use strum::VariantArray;

    const USUAL: &str = "Daily=7,Quarterly=5,Annual=forever";

    fn plans(keep: &str) -> Plans {
        Plans::read(keep, "", "Sunday").expect("plans")
    }

    fn night(text: &str) -> Night {
        text.parse().expect("a Night")
    }

    fn alive(keep: &str, from: &str, nights: u32) -> Vec<usize> {
        let lives = lives(&plans(keep), &coming(night(from), nights));
        let alive = |interval: &Interval| {
            lives.iter().filter(|life| life.interval == *interval && life.expired.is_none()).count()
        };
        Interval::VARIANTS.iter().map(alive).collect()
    }

    #[test]
    fn a_thousand_nights_leave_what_the_plan_says() {
        assert_eq!(alive(USUAL, "2026-12-10", 1_000), [7, 0, 0, 5, 3]);
        assert_eq!(alive("Daily=30,Quarterly=5,Annual=forever", "2026-12-10", 1_000), [30, 0, 0, 5, 3]);
        assert_eq!(alive("Daily=7,Weekly=4,Monthly=12,Annual=2", "2026-12-10", 1_000), [5, 4, 12, 0, 2]);
        assert_eq!(alive("Daily=0,Weekly=4", "2026-12-10", 1_000), [0, 4, 0, 0, 0]);
    }

    #[test]
    fn a_daily_ends_on_the_night_on_which_the_rule_lets_it_go() {
        let lives = lives(&plans(USUAL), &coming(night("2026-06-10"), 30));
        assert_eq!(lives[0].expired, Some(night("2026-06-17")));
    }

    #[test]
    fn the_picture_says_that_it_is_calculated_and_for_how_many_nights() {
        let picture = kept(&plans(USUAL), night("2026-12-31"), 1_000);
        assert!(picture.contains("over 1,000 nights from 2026-12-31") && picture.contains("Calculated, not measured"));
        assert!(picture.contains("Annual: 3 made, 3 left"), "{picture}");
    }

    #[test]
    fn a_plan_that_keeps_everything_and_a_picture_without_end_are_drawn_in_time() {
        let picture = kept(&plans("Daily=forever"), night("2026-12-31"), u32::MAX);
        assert!(picture.contains("over 1,000 nights"));
        assert!(kept(&plans(USUAL), night("9999-12-31"), 1_000).contains("over 1 night from 9999-12-31"));
    }
}
