//! The charts of docs/measurements.md: time and cost by size of the fleet, and the start of each function compared with the Python function.

use svg::{
    Document,
    node::element::{Group, Line, Rectangle, Style, Text, Title},
};

use nightly::chart::THEME;

use crate::{
    nights::FleetNight,
    starts::{BARE, MeasuredStart, PYTHON},
    table::{grouped, milliseconds, seconds},
};

const WIDTH: f64 = 960.0;
const LEFT: f64 = 170.0;
const RIGHT: f64 = 150.0;
const TOP: f64 = 84.0;
const ROW: f64 = 34.0;
const BAR: f64 = 20.0;

/// Colours that colour-blind people can distinguish (Okabe and Ito).
const STYLE: &str = "
.ours { fill: #56b4e9 }
.bare { fill: #009e73 }
.python { fill: #e69f00 }";

struct Bar {
    label: String,
    value: f64,
    shown: String,
    class: &'static str,
}

/// Draws the time from start to first poll, one bar for each function, the shortest first.
pub fn starts(starts: &[MeasuredStart]) -> String {
    let mut bars: Vec<_> = starts.iter().map(bar).collect();
    bars.sort_by(|one, other| one.value.total_cmp(&other.value));
    let says = "From the start of the process to its first poll for an invocation; the scale is logarithmic.";
    let (bars, height) = panel("", &bars, TOP, 0.5);
    document("How long a function takes to start", says, height).add(bars).to_string()
}

fn bar(start: &MeasuredStart) -> Bar {
    let class = match start.name.as_str() {
        PYTHON => "python",
        BARE => "bare",
        _ => "ours",
    };
    let value = start.start.as_secs_f64() * 1_000.0;
    Bar { label: start.name.clone(), value, shown: milliseconds(start.start), class }
}

/// Draws the time and the cost of a run, one bar for each fleet.
pub fn fleets(nights: &[FleetNight]) -> String {
    let bars = |value: fn(&FleetNight) -> f64, shown: fn(f64) -> String| -> Vec<_> {
        let label = |fleet: &FleetNight| format!("{} volumes", grouped(fleet.volumes));
        let bar = |fleet: &FleetNight| Bar {
            label: label(fleet),
            value: value(fleet),
            shown: shown(value(fleet)),
            class: "ours",
        };
        nights.iter().map(bar).collect()
    };
    let here = bars(|fleet| fleet.measured.took.as_secs_f64(), seconds);
    let cost = bars(|fleet| fleet.dollars(), |dollars| format!("${dollars:.4}"));
    let says = "Each volume gets a snapshot. In the run that is priced, one snapshot of each volume expires as well. The scales are logarithmic.";
    let (time, next) = panel("Time of a night on the local cloud, without EC2's pace", &here, TOP, 0.5);
    let (dollars, height) = panel("Dollars for the state transitions of a usual run on AWS", &cost, next, 0.0001);
    document("What a night takes, by the size of the fleet", says, height).add(time).add(dollars).to_string()
}

fn document(title: &str, says: &str, height: f64) -> Document {
    Document::new()
        .set("viewBox", (0, 0, WIDTH, height))
        .set("class", "chart")
        .set("role", "img")
        .add(Title::new(title))
        .add(Style::new([THEME, STYLE].concat()))
        .add(Text::new(title).set("class", "title").set("x", 24).set("y", 28))
        .add(Text::new(says).set("x", 24).set("y", 52))
}

/// Draws bars from `top` down, on a logarithmic scale that starts at `least`. Returns the group and the position below it.
fn panel(title: &str, bars: &[Bar], top: f64, least: f64) -> (Group, f64) {
    let first = if title.is_empty() { top } else { top + 26.0 };
    let most = bars.iter().map(|bar| bar.value).fold(least, f64::max);
    let along = |value: f64| (value.max(least) / least).ln() / (most / least).ln() * (WIDTH - LEFT - RIGHT);
    let bottom = first + bars.len() as f64 * ROW;
    let axis =
        Line::new().set("class", "axis").set("x1", LEFT).set("x2", LEFT).set("y1", first - 4.0).set("y2", bottom);
    let mut panel = Group::new().add(Text::new(title).set("x", 24).set("y", top + 8.0)).add(axis);
    for (number, bar) in bars.iter().enumerate() {
        let (y, width) = (first + number as f64 * ROW, along(bar.value));
        let drawn =
            Rectangle::new().set("class", bar.class).set("x", LEFT).set("y", y).set("width", width).set("height", BAR);
        let label = Text::new(bar.label.clone()).set("x", LEFT - 10.0).set("y", y + 15.0).set("text-anchor", "end");
        panel = panel
            .add(drawn)
            .add(label)
            .add(Text::new(bar.shown.clone()).set("x", LEFT + width + 8.0).set("y", y + 15.0));
    }
    (panel, bottom + 20.0)
}
