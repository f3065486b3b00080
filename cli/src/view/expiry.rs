//! A snapshot's fate in words.

use domain::{
    Interval, Night,
    lifetime::{Because, Fate, Never},
    retention::Policy,
};

use crate::ui::text::plural;

/// The parameters, as a sentence.
pub fn keeps(policy: Policy) -> String {
    format!(
        "keeps a daily until it is {} old and has {} newer ones, a quarterly until it is {} old and has {} newer ones, an annual for ever",
        plural(policy.dailies as usize, "Night"),
        policy.dailies,
        plural(policy.quarterly_months as usize, "month"),
        policy.quarterlies
    )
}

/// The Night on which it expires, if any.
pub fn date(fate: &Fate) -> Option<Night> {
    match fate {
        Fate::Expires { on, .. } => Some(*on),
        Fate::Never(_) => None,
    }
}

/// Why then, in a few words.
pub fn reason(fate: &Fate, state: &str) -> String {
    match fate {
        Fate::Never(never) => match never {
            Never::Annual => "annual".to_owned(),
            Never::NewestOfGone => "newest of a gone volume".to_owned(),
            Never::Pending | Never::Other => format!("while it is {state}"),
            Never::BeyondCalendar => "not before the year 10000".to_owned(),
        },
        Fate::Expires { because: Because::Failed, .. } => "EBS failed it".to_owned(),
        Fate::Expires { because: Because::Age { .. }, .. } => "by age, its volume is gone".to_owned(),
        Fate::Expires { on, because: Because::Succeeded { old_on, newer, needed, followed_on, .. } } => match () {
            () if on == old_on => "old enough then".to_owned(),
            () if *followed_on == Some(*on) => "has a successor then".to_owned(),
            () if *newer < *needed as usize => format!("needs {needed} newer, has {newer}"),
            () => "old, and enough newer".to_owned(),
        },
    }
}

/// Why it is kept, until when, and what would have to happen: sentences. `tagged` says whether a person set `Interval` by hand.
pub fn sentences(fate: &Fate, interval: Interval, tagged: bool, state: &str, policy: Policy, next: Night) -> String {
    match fate {
        Fate::Never(Never::Annual) if tagged => {
            "It never expires: somebody set its Interval tag to Annual. With the tag set back, it expires as the others do.".to_owned()
        }
        Fate::Never(Never::Annual) => {
            "It never expires: it is an annual. It stays until a person deletes it; the nightly backup may not.".to_owned()
        }
        Fate::Never(Never::NewestOfGone) => format!(
            "It never expires: its volume no longer exists, and of such a volume the newest completed {} stays. Only a person may delete it.",
            word(interval)
        ),
        Fate::Never(Never::Pending) => {
            "It is pending from an earlier Night: it neither counts nor expires. Once EBS has completed it, it expires as the others do; \
             if EBS fails it, the next night deletes it."
                .to_owned()
        }
        Fate::Never(Never::Other) => {
            format!("Its state is {state}: it neither counts nor expires until it is completed again, or a person deletes it.")
        }
        Fate::Never(Never::BeyondCalendar) => "Under today's parameters it expires after the year 9999.".to_owned(),
        Fate::Expires { on, because: Because::Failed } => {
            format!("EBS failed it, so it is no restore point: the next night, {on}, deletes it.")
        }
        Fate::Expires { on, because: Because::Age { old_on } } => format!(
            "It expires on {on}: its volume no longer exists, so age alone counts, and {}. \
             The newest completed {} of its volume stays.",
            aged(interval, policy, *old_on, next),
            word(interval)
        ),
        Fate::Expires { on, because } => until(*on, because, interval, state, policy, next),
    }
}

fn until(on: Night, because: &Because, interval: Interval, state: &str, policy: Policy, next: Night) -> String {
    let Because::Succeeded { old_on, newer, needed, enough_on, followed_on } = because else { return String::new() };
    let word = word(interval);
    let pending = if state == "pending" { "EBS still copies it; if EBS completes it, it" } else { "It" };
    let have = match newer {
        newer if *newer >= *needed as usize => format!("it has {newer} already"),
        newer => format!("it has {newer}, and enough on {enough_on}"),
    };
    let newest = match followed_on {
        Some(then) => format!(
            " It is also its volume's newest completed one that {interval} governs, which stays until the next is there, on {then}."
        ),
        None => String::new(),
    };
    format!(
        "{pending} expires on {on}, if every Night from {next} on makes a restore point of its volume. A {word} goes when both hold: \
         {}; and it has {needed} newer restore points that are due {interval} ({have}).{newest}",
        aged(interval, policy, *old_on, next)
    )
}

/// `it is 7 Nights old since 2026-11-20`, or when it will be.
fn aged(interval: Interval, policy: Policy, old_on: Night, next: Night) -> String {
    let age = match interval {
        Interval::Daily => plural(policy.dailies as usize, "Night"),
        _ => plural(policy.quarterly_months as usize, "month"),
    };
    if old_on < next { format!("it is {age} old since {old_on}") } else { format!("it is {age} old on {old_on}") }
}

fn word(interval: Interval) -> &'static str {
    match interval {
        Interval::Daily => "daily",
        Interval::Quarterly => "quarterly",
        Interval::Annual => "annual",
    }
}
