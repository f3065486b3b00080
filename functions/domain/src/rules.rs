//! The plans of the last Nights. On the first Night after `Keep` or `Plans` became shorter, nothing is deleted because of that, so that a
//! slip can be corrected before it costs a restore point.

use serde::{Deserialize, Serialize};

use crate::{Error, Night, plan::Plans};

/// The values of the parameters `Keep` and `Plans`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Rules {
    pub keep: String,
    pub plans: String,
}

impl Rules {
    /// Parses the rules. The day of the week does not matter for retention.
    ///
    /// # Errors
    /// [`crate::ErrorName::BadInput`], as for [`Plans::read`].
    pub fn plans(&self) -> Result<Plans, Error> {
        Plans::read(&self.keep, &self.plans, "Sunday")
    }
}

/// The rules that a Region's last run applied, and those of the Night before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastRules {
    /// Night of the last run.
    pub night: Night,
    /// Rules of the last run for that Night.
    pub rules: Rules,
    /// Rules of the last run for an earlier Night.
    pub before: Option<Rules>,
}

impl LastRules {
    /// Returns the rules of the last run before `tonight`. A run deletes only what expires under these rules as well. So every run for the
    /// first Night under new rules deletes nothing because of them, however often it is started.
    pub fn before(&self, tonight: Night) -> Option<&Rules> {
        if self.night == tonight { self.before.as_ref() } else { Some(&self.rules) }
    }

    /// Returns what to remember after a run for `tonight` under `rules`.
    pub fn after(last: Option<Self>, tonight: Night, rules: Rules) -> Self {
        match last {
            Some(last) if tonight < last.night => last,
            Some(last) if tonight == last.night => {
                let before = last.before.unwrap_or(last.rules);
                Self { night: tonight, rules, before: Some(before) }
            }
            last => Self { night: tonight, rules, before: last.map(|last| last.rules) },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(keep: &str) -> Rules {
        Rules { keep: keep.into(), plans: String::new() }
    }

    fn night(text: &str) -> Night {
        text.parse().unwrap()
    }

    fn before(last: &Option<LastRules>, tonight: &str) -> Option<String> {
        last.as_ref().and_then(|last| last.before(night(tonight))).map(|rules| rules.keep.clone())
    }

    #[test]
    fn every_run_of_the_first_night_under_new_rules_knows_the_old_ones() {
        let run = |last, tonight, keep| Some(LastRules::after(last, night(tonight), rules(keep)));
        assert_eq!(before(&None, "2026-12-01"), None);
        let last = run(None, "2026-12-01", "Daily=30");
        assert_eq!(before(&last, "2026-12-02").as_deref(), Some("Daily=30"));
        let last = run(last, "2026-12-02", "Daily=7");
        assert_eq!(before(&last, "2026-12-02").as_deref(), Some("Daily=30"), "the same Night again");
        let last = run(last, "2026-12-02", "Daily=3");
        assert_eq!(before(&last, "2026-12-02").as_deref(), Some("Daily=30"), "and again, under other rules");
        assert_eq!(before(&last, "2026-12-03").as_deref(), Some("Daily=3"), "the next Night deletes");
    }

    #[test]
    fn a_run_for_an_earlier_night_does_not_use_up_the_warning() {
        let last = Some(LastRules::after(None, night("2026-12-10"), rules("Daily=30")));
        assert_eq!(before(&last, "2026-12-05").as_deref(), Some("Daily=30"));
        let last = Some(LastRules::after(last, night("2026-12-05"), rules("Daily=7")));
        assert_eq!(before(&last, "2026-12-11").as_deref(), Some("Daily=30"));
    }
}
