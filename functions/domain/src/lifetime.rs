//! When each restore point of a volume will expire: what [`retention`](crate::retention) will say on the Nights to come, without
//! waiting for them.

use jiff::civil::Date;
use std::collections::BTreeMap;

use crate::{
    Interval, Intervals, Night,
    retention::{GoodNights, Policy, Snapshot, State},
};

/// What becomes of a snapshot if every Night to come makes a restore point of its volume that completes, and nobody changes a
/// tag or a parameter. Nothing is made of a volume that is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It expires.
    Expires {
        /// The first Night that names it.
        on: Night,
        /// What that Night is the first to fulfil.
        because: Because,
    },
    /// It stays.
    Never(Never),
}

/// What a snapshot must fulfil to expire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Because {
    /// EBS failed it: one Night suffices.
    Failed,
    /// Its volume is gone: age alone.
    Age {
        /// The Night on which it is old enough.
        old_on: Night,
    },
    /// Its volume exists: all of these.
    Succeeded {
        /// The Night on which it is old enough.
        old_on: Night,
        /// Newer restore points that are due the Interval that governs it.
        newer: usize,
        /// How many of them it must have.
        needed: u32,
        /// The first Night to come that has them.
        enough_on: Night,
        /// Where it is its volume's newest completed one of that Interval, the Night that makes the next.
        followed_on: Option<Night>,
    },
}

/// Why a snapshot stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Never {
    /// Annual governs it.
    Annual,
    /// The newest completed one of the Interval that governs it, of a volume that is gone.
    NewestOfGone,
    /// Still pending, and not of a Night to come: it neither counts nor expires until EBS completes or fails it.
    Pending,
    /// In the Recycle Bin, on its way back, or in a state of the future.
    Other,
    /// The calendar ends before.
    BeyondCalendar,
}

/// The fate of each of one volume's managed snapshots, in the order given. `next` is the first Night that will be worked on: it
/// is later than every one of theirs.
pub fn fates(snapshots: &[Snapshot], policy: Policy, exists: bool, next: Night) -> Vec<Fate> {
    let mut outlook = Outlook::of(snapshots, policy, next);
    if exists {
        outlook.leaving = outlook.leaving(snapshots);
    }
    snapshots.iter().map(|snapshot| outlook.fate(snapshot, exists)).collect()
}

/// One volume, as the Night before `next` leaves it.
struct Outlook<'a> {
    good: GoodNights<'a>,
    policy: Policy,
    next: Night,
    first_quarter: Option<Night>,
    /// Nights that count among a daily's newer ones until their quarterly expires, and when it does. A daily that is newer
    /// never expires sooner than an older one, so no other Night ceases to count.
    leaving: Vec<(Night, Night)>,
}

impl<'a> Outlook<'a> {
    fn of(snapshots: &'a [Snapshot], policy: Policy, next: Night) -> Self {
        let first_quarter = first_from(next, |due| due.contains(Interval::Quarterly));
        Self { good: GoodNights::of(snapshots, next), policy, next, first_quarter, leaving: Vec::new() }
    }

    fn fate(&self, snapshot: &Snapshot, exists: bool) -> Fate {
        match (snapshot.interval, snapshot.state) {
            (Interval::Annual, _) => Fate::Never(Never::Annual),
            (_, State::Error) => Fate::Expires { on: self.next, because: Because::Failed },
            (_, State::Pending) => Fate::Never(Never::Pending),
            (_, State::Other) => Fate::Never(Never::Other),
            (_, State::Completed) if exists => self.succeeded(snapshot).unwrap_or(Fate::Never(Never::BeyondCalendar)),
            (_, State::Completed) if self.good.is_newest_completed(snapshot) => Fate::Never(Never::NewestOfGone),
            (_, State::Completed) => {
                let aged =
                    |old_on: Night| Fate::Expires { on: old_on.max(self.next), because: Because::Age { old_on } };
                self.old_on(snapshot).map_or(Fate::Never(Never::BeyondCalendar), aged)
            }
        }
    }

    fn succeeded(&self, snapshot: &Snapshot) -> Option<Fate> {
        let old_on = self.old_on(snapshot)?;
        let followed_on = match self.good.is_newest_completed(snapshot) {
            true => Some(first_from(self.next, |due| due.governing() == snapshot.interval)?),
            false => None,
        };
        let ready = old_on.max(self.next).max(followed_on.unwrap_or(self.next));
        let because = Because::Succeeded {
            old_on,
            newer: self.good.newer_due(snapshot),
            needed: self.needed(snapshot),
            enough_on: self.enough(snapshot, self.next)?,
            followed_on,
        };
        Some(Fate::Expires { on: self.enough(snapshot, ready)?, because })
    }

    fn old_on(&self, snapshot: &Snapshot) -> Option<Night> {
        match snapshot.interval {
            Interval::Daily => snapshot.night.after_nights(self.policy.dailies.into()),
            _ => snapshot.night.after_months(self.policy.quarterly_months),
        }
    }

    fn needed(&self, snapshot: &Snapshot) -> u32 {
        if snapshot.interval == Interval::Daily { self.policy.dailies } else { self.policy.quarterlies }
    }

    /// The first Night from `from` on with as many newer ones as it takes.
    fn enough(&self, snapshot: &Snapshot, from: Night) -> Option<Night> {
        let lack = i64::from(self.needed(snapshot)) - self.good.newer_due(snapshot) as i64;
        if snapshot.interval == Interval::Quarterly {
            // The lack of one is met by the first quarter to come.
            return if lack <= 0 { Some(from) } else { Some(quarter(self.first_quarter?, lack - 1)?.max(from)) };
        }
        let mut night = from;
        loop {
            let lack = lack + self.gone(snapshot, night) - (self.next.nights_before(night) + 1);
            if lack <= 0 {
                return Some(night);
            }
            // A Night makes one at most, so none before that suffices.
            night = night.after_nights(lack)?;
        }
    }

    /// How many of the Nights that count among a daily's newer ones have ceased to by `night`.
    fn gone(&self, daily: &Snapshot, night: Night) -> i64 {
        let held = self.leaving.iter().filter(|(of, expires)| *of > daily.night && *expires < night).count();
        // A quarterly to come is followed by quarterlies alone: it expires when it has both the months and the newer ones.
        let months = i64::from(self.policy.quarterly_months).max(3 * i64::from(self.policy.quarterlies));
        let made = self.first_quarter.zip(night.after_nights(-1)).map_or(0, |(first, eve)| {
            let since = month(eve.date()) - month(first.date()) - months;
            if since < 0 { 0 } else { since / 3 + 1 }
        });
        held as i64 + made
    }

    fn leaving(&self, snapshots: &[Snapshot]) -> Vec<(Night, Night)> {
        let mut until: BTreeMap<Night, Option<Night>> = BTreeMap::new();
        let counted = |one: &&Snapshot| one.state == State::Completed && one.intervals.contains(Interval::Daily);
        for snapshot in snapshots.iter().filter(counted) {
            let expires = match self.fate(snapshot, true) {
                Fate::Expires { on, .. } if snapshot.interval == Interval::Quarterly => Some(on),
                _ => None,
            };
            let latest = until.entry(snapshot.night).or_insert(expires);
            *latest = latest.zip(expires).map(|(one, other)| one.max(other));
        }
        until.into_iter().filter_map(|(night, expires)| Some((night, expires?))).collect()
    }
}

/// The first Night from `night` on whose due Intervals are like that.
fn first_from(night: Night, is: impl Fn(&Intervals) -> bool) -> Option<Night> {
    let nights = std::iter::successors(Some(night), |night| night.after_nights(1));
    // Every Interval is due within a year.
    nights.take(367).find(|night| is(&Intervals::due(*night)))
}

/// The quarter's first so many quarters after one.
fn quarter(first: Night, later: i64) -> Option<Night> {
    first.after_months(u32::try_from(later.checked_mul(3)?).ok()?)
}

fn month(date: Date) -> i64 {
    i64::from(date.year()) * 12 + i64::from(date.month())
}

#[cfg(test)]
#[path = "lifetime_tests.rs"]
mod tests;
