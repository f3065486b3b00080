//! The plans: which Intervals a volume has, and how many restore points of each are kept.

use jiff::civil::Weekday;
use std::{collections::BTreeMap, fmt};
use strum::VariantArray;

use crate::{Error, Interval, Intervals, Night, interval::interval, tags::Tags};

/// The tag of a volume with the name of its plan.
pub const BACKUP_PLAN: &str = "BackupPlan";
/// The name of the plan in the parameter `Keep`.
pub const DEFAULT: &str = "default";

/// How long the snapshots of an Interval are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Keep {
    /// Until a snapshot is this many units old, and this many newer restore points exist.
    Count(u32),
    Forever,
}

/// The largest number in a plan. With it, an annual is kept longer than the calendar lasts.
const MOST: u32 = 9_999;

/// The rule for each Interval of a plan. At least one Interval is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan(BTreeMap<Interval, Keep>);

impl Plan {
    /// Parses a rule such as `Daily=7,Quarterly=5,Annual=forever`. `of` names it in errors, such as `Keep`.
    ///
    /// # Errors
    /// [`crate::ErrorName::BadInput`] with the plan, the Interval and the value.
    fn read(of: &str, text: &str) -> Result<Self, Error> {
        let mut kept = BTreeMap::new();
        for item in text.split(',') {
            let (name, value) = item.split_once('=').ok_or_else(|| {
                Error::bad_input(of, format!("{item:?}"), "must have the form Interval=Number, such as Daily=7")
            })?;
            let interval = interval(name).map_err(|_| {
                Error::bad_input(of, format!("{name:?}"), "must be Daily, Weekly, Monthly, Quarterly or Annual")
            })?;
            let keep = match value {
                "0" if interval == Interval::Daily => None,
                "forever" => Some(Keep::Forever),
                _ => Some(Keep::Count(number(of, interval, value)?)),
            };
            if kept.insert(interval, keep).is_some() {
                return Err(Error::bad_input(of, format!("{text:?}"), format!("names {interval} twice")));
            }
        }
        if !kept.contains_key(&Interval::Daily) {
            let problem = "does not name Daily; add Daily=7, or Daily=0 for no dailies";
            return Err(Error::bad_input(of, format!("{text:?}"), problem));
        }
        let kept: BTreeMap<_, _> = kept.into_iter().filter_map(|(interval, keep)| Some((interval, keep?))).collect();
        if kept.is_empty() {
            let problem = "keeps nothing; to leave a volume out, give it the tag Backup=false";
            return Err(Error::bad_input(of, format!("{text:?}"), problem));
        }
        Ok(Self(kept))
    }

    /// Returns the rule for an Interval, or none if the plan does not have it.
    pub fn keep(&self, interval: Interval) -> Option<Keep> {
        self.0.get(&interval).copied()
    }

    /// Returns each Interval with its rule, from the shortest to the longest.
    pub fn iter(&self) -> impl Iterator<Item = (Interval, Keep)> {
        self.0.iter().map(|(interval, keep)| (*interval, *keep))
    }

    /// Returns the shortest Interval.
    pub fn shortest(&self) -> Interval {
        self.0.keys().next().copied().unwrap_or(Interval::Daily)
    }
}

fn number(of: &str, interval: Interval, value: &str) -> Result<u32, Error> {
    let digits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    value.parse().ok().filter(|number| digits && (1..=MOST).contains(number)).ok_or_else(|| {
        let problem = match interval {
            Interval::Daily => format!("must be a whole number from 0 to {MOST}, or forever"),
            _ => format!("must be a whole number from 1 to {MOST}, or forever"),
        };
        Error::bad_input(&format!("{of}, {interval}"), format!("{value:?}"), problem)
    })
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dailies = (!self.0.contains_key(&Interval::Daily)).then(|| "Daily=0".to_owned());
        let kept = self.iter().map(|(interval, keep)| format!("{interval}={keep}"));
        f.write_str(&dailies.into_iter().chain(kept).collect::<Vec<_>>().join(","))
    }
}

impl fmt::Display for Keep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(count) => write!(f, "{count}"),
            Self::Forever => f.write_str("forever"),
        }
    }
}

/// The plans of a stack, by name. There is always one with the name [`DEFAULT`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plans {
    plans: BTreeMap<String, Plan>,
    /// Day of the week on which Weekly is due.
    pub weekly_on: Weekday,
}

impl Plans {
    /// Parses the parameters `Keep`, such as `Daily=7,Quarterly=5,Annual=forever`; `Plans`, such as `gold:Daily=30,Monthly=12;scratch:Daily=2`;
    /// and `WeeklyOn`, such as `Sunday`.
    ///
    /// # Errors
    /// [`crate::ErrorName::BadInput`] with the plan, the Interval and the value.
    pub fn read(keep: &str, plans: &str, weekly_on: &str) -> Result<Self, Error> {
        let mut read = BTreeMap::from([(DEFAULT.to_owned(), Plan::read("Keep", keep)?)]);
        for item in plans.split(';').filter(|item| !item.is_empty()) {
            let (name, text) = item.split_once(':').ok_or_else(|| {
                Error::bad_input("Plans", format!("{item:?}"), "must have the form name:Interval=Number,…")
            })?;
            let known = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
            if name.is_empty() || name.len() > 64 || !known {
                let problem = "must be a name of 1 to 64 letters, digits, hyphens and underscores";
                return Err(Error::bad_input("Plans", format!("{name:?}"), problem));
            }
            let plan = Plan::read(&format!("Plans, {name}"), text)?;
            if name == DEFAULT {
                return Err(Error::bad_input("Plans", format!("{name:?}"), "is the plan of the parameter Keep"));
            }
            if read.insert(name.to_owned(), plan).is_some() {
                return Err(Error::bad_input("Plans", format!("{name:?}"), "is there twice"));
            }
        }
        Ok(Self { plans: read, weekly_on: weekday(weekly_on)? })
    }

    pub fn get(&self, name: &str) -> Option<&Plan> {
        self.plans.get(name)
    }

    /// Returns the plan of a volume with these tags, and its name. If the tag `BackupPlan` names no plan, this is the default plan.
    pub fn of_volume(&self, tags: &Tags) -> (&str, &Plan) {
        let chosen = tags.get(BACKUP_PLAN).and_then(|name| self.plans.get_key_value(name));
        chosen.map_or_else(|| (DEFAULT, &self.plans[DEFAULT]), |(name, plan)| (name, plan))
    }

    /// Returns the value of a volume's tag `BackupPlan` if it names no plan.
    pub fn unknown<'a>(&self, tags: &'a Tags) -> Option<&'a str> {
        let name = tags.get(BACKUP_PLAN).map(String::as_str);
        name.filter(|name| !name.is_empty() && !self.plans.contains_key(*name))
    }

    /// Returns every plan with its name, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Plan)> {
        self.plans.iter().map(|(name, plan)| (name.as_str(), plan))
    }

    /// Returns the Intervals of all plans that are due on the date of `night`, or none.
    pub fn due_on(&self, night: Night) -> Option<Intervals> {
        let intervals = Interval::VARIANTS.iter().copied();
        let kept = intervals.filter(|interval| self.plans.values().any(|plan| plan.keep(*interval).is_some()));
        Intervals::new(kept.filter(|interval| interval.last_due(night, self.weekly_on) == Some(night)))
    }

    /// Returns whether a plan lets annuals expire. If not, no role of the stack may delete an annual.
    pub fn let_annuals_expire(&self) -> bool {
        self.plans.values().any(|plan| matches!(plan.keep(Interval::Annual), Some(Keep::Count(_))))
    }
}

fn weekday(text: &str) -> Result<Weekday, Error> {
    let days = Weekday::Monday.cycle_forward().take(7);
    days.into_iter()
        .find(|day| format!("{day:?}") == text)
        .ok_or_else(|| Error::bad_input("WeeklyOn", format!("{text:?}"), "must be a day of the week, such as Sunday"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(keep: &str, plans: &str) -> String {
        Plans::read(keep, plans, "Sunday").unwrap_err().to_string()
    }

    #[test]
    fn reads_back_what_it_writes() {
        let plans =
            Plans::read("Daily=7,Quarterly=5,Annual=forever", "gold:Monthly=12,Daily=30;w:Daily=0,Weekly=4", "Monday");
        let plans = plans.unwrap();
        let written: Vec<_> = plans.iter().map(|(name, plan)| format!("{name}:{plan}")).collect();
        assert_eq!(
            written,
            ["default:Daily=7,Quarterly=5,Annual=forever", "gold:Daily=30,Monthly=12", "w:Daily=0,Weekly=4"]
        );
        assert_eq!(plans.weekly_on, Weekday::Monday);
        assert_eq!(plans.get("w").unwrap().shortest(), Interval::Weekly);
        assert!(!plans.let_annuals_expire());
        assert!(Plans::read("Daily=7", "old:Daily=1,Annual=7", "Sunday").unwrap().let_annuals_expire());
    }

    #[test]
    fn names_the_plan_the_interval_and_the_value_of_a_mistake() {
        let number = "must be a whole number from 1 to 9999, or forever";
        let daily = "must be a whole number from 0 to 9999, or forever";
        for (keep, plans, message) in [
            ("Daily=7,Weekly=x", "", &*format!("Keep, Weekly \"x\" {number}")),
            ("Daily=7,Weekly=0", "", &format!("Keep, Weekly \"0\" {number}")),
            ("Daily=+7", "", &format!("Keep, Daily \"+7\" {daily}")),
            ("Daily=10000", "", &format!("Keep, Daily \"10000\" {daily}")),
            ("Daily=7", "gold:Daily=7,Monthly=-1", &format!("Plans, gold, Monthly \"-1\" {number}")),
            ("Weekly=4", "", "Keep \"Weekly=4\" does not name Daily; add Daily=7, or Daily=0 for no dailies"),
            ("Daily=0", "", "Keep \"Daily=0\" keeps nothing; to leave a volume out, give it the tag Backup=false"),
            ("Daily=7,Daily=8", "", "Keep \"Daily=7,Daily=8\" names Daily twice"),
            ("Daily=7, Weekly=4", "", "Keep \" Weekly\" must be Daily, Weekly, Monthly, Quarterly or Annual"),
            ("", "", "Keep \"\" must have the form Interval=Number, such as Daily=7"),
            ("Daily=7", "gold", "Plans \"gold\" must have the form name:Interval=Number,…"),
            ("Daily=7", "default:Daily=7", "Plans \"default\" is the plan of the parameter Keep"),
            ("Daily=7", "a:Daily=7;a:Daily=8", "Plans \"a\" is there twice"),
            (
                "Daily=7",
                "a b:Daily=7",
                "Plans \"a b\" must be a name of 1 to 64 letters, digits, hyphens and underscores",
            ),
        ] {
            assert_eq!(refused(keep, plans), format!("BadInput: {message}"));
        }
        let error = Plans::read("Daily=7", "", "sunday").unwrap_err().to_string();
        assert_eq!(error, "BadInput: WeeklyOn \"sunday\" must be a day of the week, such as Sunday");
    }

    #[test]
    fn a_volume_chooses_its_plan_and_a_name_that_is_unknown_is_the_default() {
        let plans = Plans::read("Daily=7", "gold:Daily=30", "Sunday").unwrap();
        let of = |name: &str| {
            let tags = Tags::from([(BACKUP_PLAN.to_owned(), name.to_owned())]);
            (plans.of_volume(&tags).0.to_owned(), plans.unknown(&tags).map(str::to_owned))
        };
        assert_eq!(plans.of_volume(&Tags::new()).0, "default");
        assert_eq!(of("gold"), ("gold".into(), None));
        assert_eq!(of("default"), ("default".into(), None));
        assert_eq!(of("Gold"), ("default".into(), Some("Gold".into())));
        assert_eq!(of(""), ("default".into(), None));
    }
}
