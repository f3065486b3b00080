//! Describes when and why a snapshot expires.

use domain::{
    Interval, Night,
    plan::{DEFAULT, Keep, Plan, Plans},
    retention::rule,
    tags::Identity,
};

use crate::forecast::SnapshotEnd;

/// Returns what each plan keeps, one sentence each.
pub fn keeps(plans: &Plans) -> Vec<String> {
    let named = plans.iter().filter(|(name, _)| *name != DEFAULT);
    let sentence = |name: &str, plan: &Plan| {
        let subject = if name == DEFAULT { "A volume".to_owned() } else { format!("A volume with the plan {name}") };
        format!("{subject} keeps {}.", kept(plan))
    };
    let default = plans.get(DEFAULT).map(|plan| sentence(DEFAULT, plan));
    default.into_iter().chain(named.map(|(name, plan)| sentence(name, plan))).collect()
}

/// Returns a text such as `7 dailies, 5 quarterlies and every annual`.
pub fn kept(plan: &Plan) -> String {
    let mut kept: Vec<_> = plan
        .iter()
        .map(|(interval, keep)| match keep {
            Keep::Forever => format!("every {}", interval.word()),
            Keep::Count(1) => format!("1 {}", interval.word()),
            Keep::Count(count) => format!("{count} {}", plural_word(interval)),
        })
        .collect();
    match kept.pop() {
        Some(last) if !kept.is_empty() => format!("{} and {last}", kept.join(", ")),
        last => last.unwrap_or_default(),
    }
}

fn plural_word(interval: Interval) -> &'static str {
    match interval {
        Interval::Daily => "dailies",
        Interval::Weekly => "weeklies",
        Interval::Monthly => "monthlies",
        Interval::Quarterly => "quarterlies",
        Interval::Annual => "annuals",
    }
}

/// Returns the reason for the expiry in a few words.
pub fn reason(end: &SnapshotEnd, state: &str) -> String {
    match end {
        SnapshotEnd::Forever => "kept for ever".to_owned(),
        SnapshotEnd::WithoutRule => "its plan has no rule for it".to_owned(),
        SnapshotEnd::NewestOfGone => "newest of a gone volume".to_owned(),
        SnapshotEnd::Pending | SnapshotEnd::Other => format!("while it is {state}"),
        SnapshotEnd::LeftOut => "the volume is not backed up".to_owned(),
        SnapshotEnd::Later => "not within ten years".to_owned(),
        SnapshotEnd::Failed(_) => "the snapshot failed".to_owned(),
        SnapshotEnd::Aged { .. } => "by age, its volume is gone".to_owned(),
        SnapshotEnd::Succeeded { on, old_on, newer, needed, is_newest } => match () {
            () if on == old_on => "old enough".to_owned(),
            () if *newer < *needed as usize => format!("needs {needed} newer, has {newer}"),
            () if *is_newest => "has a successor then".to_owned(),
            () => "old, and enough newer".to_owned(),
        },
    }
}

/// Returns sentences about the reason why a snapshot is kept, its expiry date, and the conditions for it.
pub fn sentences(end: &SnapshotEnd, identity: &Identity, state: &str, plans: &Plans, next: Night) -> String {
    let interval = identity.interval;
    let word = interval.word();
    match end {
        SnapshotEnd::Forever if interval != identity.intervals.governing() => format!(
            "It never expires: somebody set its Interval tag to {interval}. With the tag set back, it expires as the others do."
        ),
        SnapshotEnd::Forever => format!(
            "It never expires: it is {} {word}, and {} says {interval}=forever. It stays until a person deletes it.",
            if interval == Interval::Annual { "an" } else { "a" },
            if identity.plan == DEFAULT { "the parameter Keep".to_owned() } else { format!("the plan {}", identity.plan) },
        ),
        SnapshotEnd::WithoutRule => without_rule(identity, plans),
        SnapshotEnd::NewestOfGone => format!(
            "It never expires: its volume no longer exists, and of such a volume the newest completed {word} stays. \
             Only a person may delete it."
        ),
        SnapshotEnd::Pending => {
            "The snapshot is still pending from an earlier Night, so it neither counts nor expires. Once it is complete, it expires \
             as the others do. If it fails, the next run deletes it."
                .to_owned()
        }
        SnapshotEnd::Other => {
            format!("Its state is {state}: it neither counts nor expires until it is completed again, or a person deletes it.")
        }
        SnapshotEnd::LeftOut => format!(
            "It stays while the volume is not backed up: a {word} expires only if enough newer ones exist, and no run makes any."
        ),
        SnapshotEnd::Later => "Under today's parameters it does not expire within ten years.".to_owned(),
        SnapshotEnd::Failed(on) => format!("The snapshot failed, so it is not a restore point. The next run, for {on}, deletes it."),
        SnapshotEnd::Aged { on, old_on } => format!(
            "It expires on {on}: its volume no longer exists, so only age counts, and {}. \
             The newest completed {word} of its volume stays.",
            aged(identity, plans, *old_on, next)
        ),
        SnapshotEnd::Succeeded { on, old_on, newer, needed, is_newest } => {
            let it = if state == "pending" { "The snapshot is still pending. If it completes, it" } else { "It" };
            let aged = aged(identity, plans, *old_on, next);
            let newest = format!(" It is also the newest completed {word} of its volume, so it stays until there is a newer one.");
            format!(
                "{it} expires on {on}, if every Night from {next} on makes a restore point of its volume. A {word} expires if both hold: \
                 {aged}; and it has {needed} newer restore points that are due {interval} (now it has {newer}).{}",
                if *is_newest { &newest } else { "" }
            )
        }
    }
}

/// Explains why no rule covers a snapshot.
fn without_rule(Identity { interval, plan, .. }: &Identity, plans: &Plans) -> String {
    let problem = match plans.get(plan) {
        None => format!("its plan {plan} does not exist any more"),
        Some(_) if plan == DEFAULT => format!("the parameter Keep has no {interval}"),
        Some(_) => format!("its plan {plan} has no {interval}"),
    };
    format!("It stays: {problem}, so no rule says when it expires. A person may delete it, or deploy with such a rule.")
}

/// Returns `it is 7 Nights old since 2026-11-20`, or the date on which it will be.
fn aged(identity: &Identity, plans: &Plans, old_on: Night, next: Night) -> String {
    let age = match rule(identity, plans) {
        Some(Keep::Count(count)) => identity.interval.age(count),
        _ => String::new(),
    };
    if old_on < next { format!("it is {age} old since {old_on}") } else { format!("it is {age} old on {old_on}") }
}
