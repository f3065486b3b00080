//! The tables of docs/measurements.md.

use std::{collections::BTreeSet, time::Duration};

use crate::{
    alone::Alone,
    bound::Bound,
    nights::FleetNight,
    starts::{BARE, MeasuredStart, PYTHON},
};

/// Returns the table of the fleets.
pub fn nights_table(nights: &[FleetNight]) -> String {
    let mut table = String::from(
        "The first night of three fleets on the local cloud, of which nothing expires. A volume of the first two has 45 tags, of the third 2: \
         their payloads and pages differ by that. What is said of EC2's pace and of AWS is calculated, the last column for a run in which as \
         many snapshots expire as are created.\n\n\
         | volumes | a night here, no pace | its snapshots at EC2's pace | transitions | EC2 calls | the functions' S3 calls | longest history | largest payload | transitions of a usual run on AWS |\n\
         |--:|--:|--:|--:|--:|--:|--:|--:|--:|\n",
    );
    for fleet in nights {
        let (night, histories) = (&fleet.measured, &fleet.measured.histories);
        table += &format!(
            "| {} | {} | {} | {} | {} | {} | {} events | {} | ${:.4} |\n",
            grouped(fleet.volumes),
            seconds(night.took.as_secs_f64()),
            seconds(fleet.paced()),
            grouped(histories.transitions),
            grouped(night.ec2.values().sum()),
            grouped(night.s3.values().sum()),
            histories.most_events,
            kibibytes(histories.largest_payload),
            fleet.dollars(),
        );
    }
    table + &memory(nights)
}

/// Returns the peak memory of each function by size of the fleet.
fn memory(nights: &[FleetNight]) -> String {
    let sizes: Vec<_> = nights.iter().map(|fleet| grouped(fleet.volumes)).collect();
    let mut table =
        format!("\n| peak memory with volumes | {} |\n|---|{}\n", sizes.join(" | "), "--:|".repeat(sizes.len()));
    for function in nights.iter().flat_map(|fleet| fleet.measured.memory.keys()).collect::<BTreeSet<_>>() {
        let peaks = nights
            .iter()
            .map(|fleet| fleet.measured.memory.get(function).map_or(String::new(), |peak| mebibytes(*peak)));
        table += &format!("| {function} | {} |\n", peaks.collect::<Vec<_>>().join(" | "));
    }
    table
}

/// Returns the table of the run with EC2's token buckets.
pub fn bound_table(bound: &Bound) -> String {
    format!(
        "{} volumes against an imitation of EC2 (`tests/strict-ec2`) whose buckets fill {} times as fast: {:.1} s from the first CreateSnapshot to the last, {:.2} times the {:.1} s that the bucket \
         takes at least; {:.1} % of the calls refused.\n",
        grouped(bound.volumes),
        bound.times,
        bound.seconds,
        bound.seconds / bound.bound,
        bound.bound,
        bound.refused,
    )
}

/// Returns the table of the functions that hold lists.
pub fn alone_table(all: &[Alone]) -> String {
    let mut table = String::from(
        "The functions that hold lists in memory, each alone in one Region of 100,000 volumes with 20 tags each and 500,000 managed \
         snapshots. EC2 is generated, at once and without throttling. Each function has 1 GiB and 15 minutes.\n\n\
         | function | input | time | peak memory | EC2 calls |\n\
         |---|---|--:|--:|--:|\n",
    );
    for one in all {
        table += &format!(
            "| {} | {} | {} | {} | {} |\n",
            one.function,
            one.what,
            seconds(one.took.as_secs_f64()),
            mebibytes(one.peak),
            grouped(one.ec2_calls),
        );
    }
    table
}

/// Returns the table that compares the functions with the Python function and the bare one.
pub fn starts_table(starts: &[MeasuredStart]) -> String {
    let of = |name: &str| starts.iter().find(|start| start.name == name).expect("measured");
    let (python, bare) = (of(PYTHON), of(BARE));
    let times = |one: Duration, other: Duration| one.as_secs_f64() / other.as_secs_f64();
    let mut table = String::from(
        "| function, for one volume | start to first poll | quicker than Python | times bare | first invocation | later ones | peak memory | of Python's | zip |\n\
         |---|--:|--:|--:|--:|--:|--:|--:|--:|\n",
    );
    for one in starts {
        table += &format!(
            "| {} | {} | {:.1} x | {:.1} x | {} | {} | {} | {:.1} % | {:.2} MB |\n",
            one.name,
            milliseconds(one.start),
            times(python.start, one.start),
            times(one.start, bare.start),
            milliseconds(one.first),
            milliseconds(one.warm),
            mebibytes(one.peak),
            100.0 * one.peak as f64 / python.peak as f64,
            one.zip as f64 / 1_000_000.0,
        );
    }
    table
}

/// Describes the machine and the date of the measurements.
pub fn machine_line() -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let model = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model =
        model.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": ")).map(|(_, model)| model);
    let today = chrono::DateTime::from_timestamp_secs(now()).expect("a time").date_naive();
    format!(
        "Measured by `make bench` on {today}: {cores} cores, {}, {}.\n",
        model.unwrap_or("of an unknown kind"),
        std::env::consts::ARCH
    )
}

fn now() -> i64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.map_or(0, |now| now.as_secs() as i64)
}

/// Formats a number, for example `20,000`.
pub fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let groups: Vec<_> = digits.as_bytes().rchunks(3).rev().map(|group| String::from_utf8_lossy(group)).collect();
    groups.join(",")
}

/// Formats a duration, for example `12.3 s` or `70 min`.
pub fn seconds(seconds: f64) -> String {
    if seconds < 120.0 { format!("{seconds:.1} s") } else { format!("{:.0} min", seconds / 60.0) }
}

/// Formats a duration, for example `3.2 ms`.
pub fn milliseconds(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1_000.0)
}

fn kibibytes(bytes: usize) -> String {
    format!("{:.1} KiB", bytes as f64 / 1024.0)
}

fn mebibytes(bytes: usize) -> String {
    format!("{:.1} MiB", bytes as f64 / 1024.0 / 1024.0)
}
