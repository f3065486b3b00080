//! The one email of a drill that did not prove all: what is not proven and why, what to do, where to look.

use std::fmt::Write;

use crate::{
    causes::causes,
    drill::DrillSummary,
    mail::{MOST_DESCRIBED, Mail, ascii, console},
    night::plural,
};

impl Mail {
    /// The email of a drill that is not good.
    pub fn of_drill(drill: &DrillSummary) -> Self {
        let stack = ascii(&drill.backup_stack, 40);
        let subject = format!("[{stack}] Restore drill of {}: {}", drill.date, headline(drill));
        Self { subject: ascii(&subject, 99), message: message(drill) }
    }
}

/// How the drill went, in a few words.
pub fn headline(drill: &DrillSummary) -> String {
    let (proven, unproven) = (drill.total(|region| region.proven), drill.total(|region| region.unproven));
    let (failures, left) = (drill.total(|region| region.failures), drill.total(|region| region.not_removed));
    if unproven > 0 {
        format!("{unproven} of {} not proven", plural(proven + unproven, "restore point"))
    } else if failures > 0 {
        format!("{} failed", plural(failures, "step"))
    } else if left > 0 {
        format!("{} not deleted", plural(left, "volume"))
    } else {
        let of = plural(drill.total(|region| region.taken), "volume");
        format!("{} of {of} proven", plural(proven, "restore point"))
    }
}

fn message(drill: &DrillSummary) -> String {
    let left = drill.total(|region| region.not_removed);
    let mut text = format!("Restore drill of {}: {}.\n", drill.date, headline(drill));
    if left > 0 {
        let _ = writeln!(text, "Still there, and to be paid for: {} that the drill made.", plural(left, "volume"));
    }
    let told = drill.regions.iter().flat_map(|region| region.told.iter().map(move |news| (&region.region, news)));
    let told = told.map(|(region, news)| (news.reason.clone(), format!("{}, {region}", news.subject)));
    for reason in causes(told) {
        let _ = write!(text, "\n{}", reason.paragraph());
    }
    let known: usize = drill.regions.iter().map(|region| region.told.len()).sum();
    let more = drill.total(|region| region.news).saturating_sub(known.min(MOST_DESCRIBED));
    if more > 0 {
        let _ = writeln!(text, "\nAnd {more} more: the report has them all.");
    }
    let _ = write!(text, "\n{}", where_to_go(drill));
    text
}

fn where_to_go(drill: &DrillSummary) -> String {
    let region = drill.execution.split(':').nth(3).unwrap_or_default();
    let command = |name: &str| format!("nightly {name} --stack {} --region {region}", drill.backup_stack);
    let mut text = String::from("Then start a drill again:\n");
    let _ = writeln!(text, "           {}\n", command("drill"));
    let _ = writeln!(text, "coverage   {}", command("coverage"));
    let _ = writeln!(text, "execution  {}\nreport     {}", console(&drill.execution), drill.location);
    text
}
