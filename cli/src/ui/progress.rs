//! Progress of a run, a drill or a restore on stderr: bars and lines on a terminal, only lines elsewhere.

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use jiff::{Timestamp, tz::TimeZone};
use schemars::JsonSchema;
use serde::Serialize;
use std::{
    collections::BTreeMap,
    io::{IsTerminal, stderr},
};

use crate::ui::{
    output,
    terminal::Terminal,
    text::{plural, safe},
};

/// Name of the Map that creates the snapshots.
pub const SNAPSHOTS: &str = "SnapshotVolumes";
/// Name of the Map that deletes the expired snapshots.
pub const DELETIONS: &str = "DeleteExpired";
/// Name of the Map that proves a drill's restore points.
pub const RESTORE_POINTS: &str = "ProveRestorePoints";

/// Progress of a Map over all Regions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MapCounts {
    /// Number of all items.
    pub total: u64,
    /// Number of items that have ended, including failed ones.
    pub done: u64,
    pub failed: u64,
    pub in_flight: u64,
}

impl MapCounts {
    /// Returns `2 of 20 done, 1 failed`.
    pub fn line(&self) -> String {
        let failed = if self.failed > 0 { format!(", {} failed", self.failed) } else { String::new() };
        format!("{} of {} done{failed}", self.done, self.total)
    }
}

pub struct Progress {
    zone: TimeZone,
    terminal: Terminal,
    /// None if stderr is not a terminal.
    all: Option<MultiProgress>,
    bars: BTreeMap<&'static str, ProgressBar>,
    shown: BTreeMap<&'static str, MapCounts>,
}

impl Progress {
    /// Creates a display on stderr. Times are shown in `zone`.
    pub fn on_stderr(zone: TimeZone) -> Self {
        let (terminal, all) = (Terminal::from_stderr(), stderr().is_terminal().then(MultiProgress::new));
        Self { zone, terminal, all, bars: BTreeMap::new(), shown: BTreeMap::new() }
    }

    /// Prints a line about a step, with the time.
    pub fn say(&self, when: Timestamp, step: &str, line: &str) {
        let time = when.to_zoned(self.zone.clone()).strftime("%H:%M:%S").to_string();
        let line = safe(line);
        if self.terminal.has_room() {
            self.print(&format!("  {time}  {step:<16} {line}"));
        } else {
            self.print(&format!("{time}  {step}\n{}", self.terminal.prose(2, &line).trim_end()));
        }
    }

    pub fn print(&self, line: &str) {
        match &self.all {
            Some(all) => all.suspend(|| output::note(line)),
            None => output::note(line),
        }
    }

    /// Shows the progress of a Map or of a step of a restore, if it has changed.
    pub fn show(&mut self, map: &'static str, counts: MapCounts) {
        let before = self.shown.insert(map, counts);
        if self.all.is_some() {
            self.draw(map, counts);
        } else if before.map(|before| before.line()) != Some(counts.line()) {
            self.say(Timestamp::now(), map, &counts.line());
        }
    }

    fn draw(&mut self, map: &'static str, counts: MapCounts) {
        let Some(all) = &self.all else { return };
        let is_wide = self.terminal.has_room();
        let bar = self.bars.entry(map).or_insert_with(|| {
            let bar = all.add(ProgressBar::new(counts.total));
            let template =
                if is_wide { "  {prefix:<10} {wide_bar} {pos}/{len}{msg}" } else { "{prefix} {pos}/{len}{msg}" };
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style.progress_chars("━━─"));
            }
            bar.with_prefix(match map {
                SNAPSHOTS => "volumes",
                DELETIONS => "deletions",
                RESTORE_POINTS => "restores",
                other => other,
            })
        });
        bar.set_length(counts.total);
        bar.set_position(counts.done);
        let failed = if counts.failed > 0 { format!(", {} failed", counts.failed) } else { String::new() };
        let in_flight = if counts.in_flight > 0 { format!(", {} in flight", counts.in_flight) } else { String::new() };
        bar.set_message(failed + &in_flight);
    }

    /// Replaces the bars with lines that stay.
    pub fn settle(&mut self) {
        for (map, bar) in std::mem::take(&mut self.bars) {
            bar.finish_and_clear();
            let counts = self.shown.get(map).copied().unwrap_or_default();
            self.say(Timestamp::now(), map, &counts.line());
        }
    }
}

/// Returns the progress line for a state that has ended. Most states have none.
pub fn progress_line(state: &str, output: &serde_json::Value) -> Option<String> {
    let regions = || output["regions"].as_array().into_iter().flatten();
    let count = |list: &serde_json::Value| list["count"].as_u64().unwrap_or_default();
    let name = |region: &serde_json::Value| region["region"].as_str().unwrap_or_default().to_owned();
    if let Some(failure) = output.get("failure") {
        // A failure in a Region is nested under the name of the step.
        let from_caught = || failure.as_object()?.values().find_map(|caught| caught["Error"].as_str());
        return Some(format!("failed: {}", failure["Error"].as_str().or_else(from_caught).unwrap_or_default()));
    }
    let lines: Vec<_> = match state {
        "DiscoverRegions" => regions()
            .map(|region| match region.get("failure") {
                Some(_) => format!("{}: failed", name(region)),
                None => {
                    let (work, before) = (count(&region["workList"]), count(&region["protected"]));
                    let not_due = match count(&region["notDue"]) {
                        0 => String::new(),
                        count => format!(", {count} not due"),
                    };
                    format!("{}: {work} to snapshot, {before} protected already{not_due}", name(region))
                }
            })
            .collect(),
        "BackUpRegions" => regions()
            .map(|region| match region.get("expiry") {
                None => format!("{}: stopped by a failure", name(region)),
                Some(expiry) => {
                    let expired = usize::try_from(count(&expiry["expired"])).unwrap_or(usize::MAX);
                    format!("{}: {} expired", name(region), plural(expired, "snapshot"))
                }
            })
            .collect(),
        "DrillRegions" => regions()
            .map(|region| match region.get("failure") {
                Some(_) => format!("{}: stopped by a failure", name(region)),
                None => {
                    let number = |field: &str| region[field].as_u64().and_then(|number| number.try_into().ok());
                    let (taken, of): (usize, usize) = (number("taken").unwrap_or(0), number("volumes").unwrap_or(0));
                    format!("{}: {taken} of {} drilled", name(region), plural(of, "volume"))
                }
            })
            .collect(),
        "ReportNight" | "DrillReport" => {
            output["summary"].as_str().map(|text| vec![headline(text)]).unwrap_or_default()
        }
        "SendMail" | "SendDrillMail" => {
            output["mail"]["subject"].as_str().map(|subject| vec![format!("mailed: {subject}")]).unwrap_or_default()
        }
        _ => Vec::new(),
    };
    (!lines.is_empty()).then(|| lines.join("; "))
}

fn headline(summary: &str) -> String {
    summary.split("; report:").next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_step_says_what_it_found_and_a_failed_one_its_error() {
        let output = json!({"regions": [
            {"region": "us-east-1", "workList": {"count": 2}, "protected": {"count": 1}, "notDue": {"count": 4}, "expiry": {"expired": {"count": 1}}},
            {"region": "eu-west-1", "failure": {"DiscoverVolumes": {"Error": "Refused"}}},
        ]});
        let said = |state| progress_line(state, &output).unwrap();
        assert_eq!(
            said("DiscoverRegions"),
            "us-east-1: 2 to snapshot, 1 protected already, 4 not due; eu-west-1: failed"
        );
        assert_eq!(said("BackUpRegions"), "us-east-1: 1 snapshot expired; eu-west-1: stopped by a failure");
        let output = json!({"summary": "Night 2026-12-31: all 2 volumes protected; report: s3://x"});
        assert_eq!(progress_line("ReportNight", &output).unwrap(), "Night 2026-12-31: all 2 volumes protected");
        assert_eq!(
            progress_line("ReportNight", &json!({"failure": {"Error": "Transient"}})).unwrap(),
            "failed: Transient"
        );
        let from_caught = json!({"failure": {"ProveRestorePoints": {"Error": "States.Timeout"}}});
        assert_eq!(progress_line("ProveRestorePoints", &from_caught).unwrap(), "failed: States.Timeout");
        let drilled = json!({"regions": [{"region": "us-east-1", "volumes": 8, "taken": 2}]});
        assert_eq!(progress_line("DrillRegions", &drilled).unwrap(), "us-east-1: 2 of 8 volumes drilled");
        let mailed = json!({"mail": {"subject": "[prod] Restore drill"}});
        assert_eq!(progress_line("SendDrillMail", &mailed).unwrap(), "mailed: [prod] Restore drill");
        assert_eq!(progress_line("IsNightComplete", &output), None);
    }
}
