//! Coverage as text.

use comfy_table::Color;
use domain::{drill::Proof, plan::DEFAULT};
use jiff::{SignedDuration, tz::TimeZone};

use super::{Cover, CoverageReport, VolumeCoverage};
use crate::{
    account::proofs::{self, date},
    ui::{
        table::Rows,
        terminal::Terminal,
        text::{age, plural, safe},
    },
};

/// Age in seconds below which a volume without a restore point is shown with its age.
const NEW: i64 = 36 * 3600;

/// Maximum number of remarks of one kind.
const MOST_REMARKS: usize = 10;

impl CoverageReport {
    pub fn text(&self, regions: &[String], zone: &TimeZone, terminal: Terminal) -> String {
        let mut rows = Rows::new(&[
            &["Volume", "Name", "Plan"],
            &["Server", "Region"],
            &["Restore point", "Night", "Age", "Restored"],
            &["Verdict"],
        ]);
        let drill_zone = self.has_drill.then_some(zone);
        self.volumes.iter().for_each(|row| rows.add(&row.cells(regions.len() > 1, drill_zone), row.colour()));
        let summary = terminal.prose(0, &self.summary(regions));
        let mut text = if self.covered { summary } else { terminal.bad(summary.trim_end()) + "\n" };
        let failed: Vec<_> = self.volumes.iter().filter(|row| row.failed().is_some()).collect();
        let unread = (!self.unread_regions.is_empty())
            .then(|| format!("{} could not be read.", self.unread_regions.join(" and ")));
        let unproven = (!failed.is_empty()).then(|| {
            format!("The last restore drill could not prove {}: the reasons are below.", volumes(failed.len()))
        });
        for line in unread.iter().chain(&unproven) {
            text += &terminal.bad(terminal.prose(0, line).trim_end());
            text += "\n";
        }
        if !rows.is_empty() {
            text += "\n";
            text += &terminal.draw(&[rows]).concat();
        }
        let remarks: String = self.remarks().iter().map(|line| terminal.prose(0, line)).collect();
        if !remarks.is_empty() {
            text += "\n";
            text += &remarks;
        }
        text += &failed.iter().map(|row| row.reasons(zone, terminal)).collect::<String>();
        if let Some(next) = self.what_next() {
            text += "\n";
            text += &terminal.prose(0, next);
        }
        text
    }

    pub(super) fn summary(&self, regions: &[String]) -> String {
        let count = |is: fn(Cover) -> bool| self.volumes.iter().filter(|row| is(row.verdict)).count();
        let (left_out, bad) = (count(|cover| cover == Cover::LeftOut), count(|cover| cover <= Cover::Stale));
        let deselected = count(|cover| cover == Cover::Deselected);
        let selected = self.volumes.len() - left_out - deselected;
        let fresh = self.fresh();
        let mut also = if left_out == 0 { String::new() } else { format!(" {left_out} more left out.") };
        if deselected > 0 {
            also += &format!(" {deselected} no longer backed up.");
        }
        match (selected, bad) {
            (0, _) if self.volumes.is_empty() => {
                format!("No volume is in use in {}: there is nothing to back up.", regions.join(", "))
            }
            (0, _) => format!("None of {} is backed up: all are left out.", plural(self.volumes.len(), "volume")),
            (1, 0) => format!("The only volume has a {fresh}.{also}"),
            (_, 0) => format!("All {selected} volumes have a {fresh}.{also}"),
            (1, _) => format!("The only volume has no {fresh}:"),
            (_, 1) => format!("1 of {selected} volumes has no {fresh}:"),
            (_, bad) => format!("{bad} of {selected} volumes have no {fresh}:"),
        }
    }

    /// Describes the restore point that every volume should have.
    fn fresh(&self) -> String {
        let hours = self.max_age_seconds / 3600;
        let waits =
            self.volumes.iter().any(|row| row.verdict.is_backed_up() && row.max_age_seconds > self.max_age_seconds);
        let or_later = if waits { ", or as recent as its plan and the schedule allow" } else { "" };
        format!("restore point of the last {hours} hours{or_later}")
    }

    /// Returns a line for each volume that missed an Interval or has an unknown plan, at most `MOST_REMARKS` of each.
    fn remarks(&self) -> Vec<String> {
        let lacking = self.volumes.iter().filter(|row| !row.lacks.is_empty()).map(|row| {
            let lacks: Vec<_> = row.lacks.iter().map(|due| due.to_string()).collect();
            format!("{} lacks its {}. The next run makes it up.", row.volume_id, lacks.join(" and its "))
        });
        let unknown = self.volumes.iter().filter_map(|row| {
            let plan = safe(row.unknown_plan.as_ref()?);
            Some(format!(
                "{} has the default plan, because no plan has the name in its tag BackupPlan: {plan}",
                row.volume_id
            ))
        });
        let mut remarks = Vec::new();
        for (all, what) in
            [(lacking.collect::<Vec<_>>(), "lack an Interval"), (unknown.collect(), "have an unknown plan")]
        {
            let more = all.len().saturating_sub(MOST_REMARKS);
            remarks.extend(all.into_iter().take(MOST_REMARKS));
            remarks.extend((more > 0).then(|| format!("{more} more {what}: nightly coverage --json")));
        }
        remarks
    }

    pub(super) fn what_next(&self) -> Option<&'static str> {
        match self.volumes.first().map(|row| row.verdict) {
            Some(Cover::Covered) => None,
            Some(Cover::Deselected) => Some(
                "Next: if this was intended, do nothing. Otherwise attach the volume, or correct its Backup tag and the tag of VolumeTag. Its restore points stay.",
            ),
            Some(Cover::LeftOut) => {
                Some("Next: remove the tag Backup=false from the volumes, or deploy with another VolumeTag.")
            }
            Some(_) => {
                Some("Next: `nightly status` shows the last runs; `nightly run` creates the missing snapshots now.")
            }
            None => Some("Next: check --stack, and the parameter Regions of the stack."),
        }
    }
}

impl VolumeCoverage {
    /// Returns the cells of the row. `zone` is the time zone of the drill's dates, or none if the stack has no drill.
    fn cells(&self, many_regions: bool, zone: Option<&TimeZone>) -> Vec<String> {
        let (id, night, old) = match &self.restore_point {
            Some(point) => (point.snapshot_id.as_str(), point.night.as_str(), in_words(point.age_seconds)),
            None => ("none", "", String::new()),
        };
        let region = if many_regions { &self.region } else { "" };
        let restored = zone.map(|zone| proofs::in_words(self.proof.as_ref(), zone)).unwrap_or_default();
        let servers = self.servers.join(", ");
        let plan = if self.plan == DEFAULT { "" } else { &self.plan };
        let cells = [&self.volume_id, &self.name, plan, &servers, region, id, night, &old, &restored];
        let verdict = self.verdict_in_words();
        [cells.map(str::to_owned).as_slice(), &[verdict]].concat()
    }

    fn colour(&self) -> Option<Color> {
        match self.verdict {
            Cover::None | Cover::Stale => Some(Color::DarkRed),
            Cover::Covered => Some(Color::DarkGreen),
            Cover::Deselected => Some(Color::DarkYellow),
            Cover::LeftOut => None,
        }
    }

    /// Returns the result of the volume's last drill, if that drill could not prove all restore points.
    fn failed(&self) -> Option<&Proof> {
        self.proof.as_ref().filter(|proof| !proof.unproven.is_empty())
    }

    /// Lists the restore points that the last drill could not prove, with the reasons.
    fn reasons(&self, zone: &TimeZone, terminal: Terminal) -> String {
        let unproven = self.failed().map(|proof| proof.unproven.as_slice()).unwrap_or_default();
        let proven = self.proof.as_ref().and_then(|proof| proof.proven.as_ref());
        let before =
            proven.map_or_else(|| "never proven".to_owned(), |one| format!("last proven {}", date(one.at, zone)));
        let reasons = unproven.iter().map(|one| {
            let what =
                format!("{} of {} was not restored: {}", one.snapshot_id, one.night, safe(&one.reason.to_string()));
            terminal.prose(2, &what)
        });
        let heading = terminal.prose(0, &format!("{}, {before}:", self.volume_id));
        format!("\n{heading}{}", reasons.collect::<String>())
    }

    pub(super) fn verdict_in_words(&self) -> String {
        let made = self.volume_age_seconds.filter(|made| self.verdict == Cover::None && *made < NEW);
        let word = match self.verdict {
            Cover::None => "none",
            Cover::Stale => "stale",
            Cover::Covered => "covered",
            Cover::Deselected => "no longer backed up",
            Cover::LeftOut => "left out",
        };
        let pending = self.pending.as_ref().map(|point| format!("one pending for {}", in_words(point.age_seconds)));
        let made = made.map(|made| format!("created {} ago", in_words(made)));
        [Some(word.to_owned()), made, pending].into_iter().flatten().collect::<Vec<_>>().join(", ")
    }
}

fn volumes(count: usize) -> String {
    if count == 1 { "a volume".to_owned() } else { plural(count, "volume") }
}

fn in_words(seconds: i64) -> String {
    age(SignedDuration::from_secs(seconds))
}
