//! Picture of the restore points that survive over time. Each restore point is a line from its Night to the Night on which it expired.

pub mod kept;

pub use kept::kept;

use domain::{Interval, Night};
use jiff::{ToSpan, civil::Date};
use strum::VariantArray;
use svg::{
    Document,
    node::element::{Group, Line, Path, Style, Text, Title},
};

#[derive(Clone, Debug)]
pub struct Life {
    pub interval: Interval,
    pub made: Night,
    /// Night on which the restore point expired. None if it has not expired.
    pub expired: Option<Night>,
}

const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 560.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 24.0;
const TOP: f64 = 108.0;
const BOTTOM: f64 = 48.0;
/// Width of an entry of the legend. There are at most five.
const LEGEND: f64 = 178.0;

/// Style of the text and axes of every picture with the class `chart`, for light and dark pages. The class is needed because the style must
/// not apply to the other pictures of an HTML page.
pub const THEME: &str = "
.chart text { font: 13px system-ui, sans-serif; fill: #1f2328 }
.chart .title { font-size: 17px; font-weight: 600 }
.chart .axis { stroke: #d1d9e0 }
@media (prefers-color-scheme: dark) {
  .chart text { fill: #f0f6fc }
  .chart .axis { stroke: #3d444d }
}";

/// Colours that colour-blind people can tell apart (Okabe and Ito).
const STYLE: &str = "
.chart .life { fill: none }
.chart .Daily { stroke: #0072b2; stroke-width: 1 }
.chart .Weekly { stroke: #56b4e9; stroke-width: 2 }
.chart .Monthly { stroke: #cc79a7; stroke-width: 2.5 }
.chart .Quarterly { stroke: #d55e00; stroke-width: 3 }
.chart .Annual { stroke: #009e73; stroke-width: 4 }
@media (prefers-color-scheme: dark) {
  .chart .Daily { stroke: #56b4e9 }
  .chart .Weekly { stroke: #0072b2 }
  .chart .Quarterly { stroke: #e69f00 }
}";

/// Draws the restore points that one volume had between two Nights.
pub fn survival(volume: &str, lives: &[Life], first: Night, last: Night) -> String {
    let nights = first.nights_before(last) + 1;
    let title = format!("{nights} nights in a row: the restore points of {volume}");
    let says =
        "Each line is one: it begins on its Night and ends where it expires. A gap is a run of nights that failed.";
    draw(title, says, lives, first, last)
}

fn draw(title: String, says: &str, lives: &[Life], first: Night, last: Night) -> String {
    let scale = Scale { first, nights: first.nights_before(last).max(1) as f64 };
    let mut document = Document::new()
        .set("viewBox", (0, 0, WIDTH, HEIGHT))
        .set("class", "chart")
        .set("role", "img")
        .add(Title::new(title.clone()))
        .add(Style::new([THEME, STYLE].concat()))
        .add(Text::new(title).set("class", "title").set("x", LEFT).set("y", 26))
        .add(Text::new(says).set("x", LEFT).set("y", 48))
        .add(scale.axes(last));
    let made = Interval::VARIANTS.iter().copied();
    let made = made.filter(|interval| lives.iter().any(|life| life.interval == *interval));
    for (number, interval) in made.enumerate() {
        let of = |life: &&Life| life.interval == interval;
        let lines: Vec<_> = lives.iter().filter(of).map(|life| scale.line(life, last)).collect();
        let alive = lives.iter().filter(of).filter(|life| life.expired.is_none()).count();
        let path = Path::new().set("class", format!("life {interval}")).set("d", lines.join(" "));
        document = document.add(path).add(legend(number, interval, lines.len(), alive));
    }
    document.to_string()
}

/// Scale of the picture. The horizontal axis is time. The vertical axis is the Night of a restore point.
struct Scale {
    first: Night,
    nights: f64,
}

impl Scale {
    fn along(&self, night: Night) -> f64 {
        self.first.nights_before(night) as f64 / self.nights
    }

    fn x(&self, night: Night) -> f64 {
        LEFT + self.along(night) * (WIDTH - LEFT - RIGHT)
    }

    fn y(&self, night: Night) -> f64 {
        HEIGHT - BOTTOM - self.along(night) * (HEIGHT - TOP - BOTTOM)
    }

    fn line(&self, life: &Life, last: Night) -> String {
        format!("M{:.1} {:.1}H{:.1}", self.x(life.made), self.y(life.made), self.x(life.expired.unwrap_or(last)))
    }

    fn axes(&self, last: Night) -> Group {
        let mut axes = Group::new();
        for (month, night) in firsts_of_months(self.first, last).filter(|(month, _)| [1, 7].contains(&month.month())) {
            let (x, y) = (self.x(night), self.y(night));
            let label = month.strftime("%Y-%m").to_string();
            let vertical = Line::new().set("x1", x).set("x2", x).set("y1", TOP).set("y2", HEIGHT - BOTTOM);
            let level = Line::new().set("x1", LEFT).set("x2", WIDTH - RIGHT).set("y1", y).set("y2", y);
            let below = Text::new(label.clone()).set("x", x).set("y", HEIGHT - BOTTOM + 20.0);
            let beside = Text::new(label).set("x", LEFT - 8.0).set("y", y + 4.0).set("text-anchor", "end");
            axes = axes.add(vertical.set("class", "axis")).add(level.set("class", "axis"));
            axes = axes.add(below.set("text-anchor", "middle")).add(beside);
        }
        let across = Text::new("time").set("x", WIDTH - RIGHT).set("y", HEIGHT - 8.0).set("text-anchor", "end");
        axes.add(across).add(Text::new("made on").set("x", LEFT - 8.0).set("y", TOP - 8.0).set("text-anchor", "end"))
    }
}

/// Returns the first day of each month between two Nights, as a date and as a Night.
fn firsts_of_months(first: Night, last: Night) -> impl Iterator<Item = (Date, Night)> {
    let months = first.date().first_of_month().series(1.month());
    let night = |month: Date| Some((month, month.to_string().parse().ok()?));
    months.filter_map(night).skip_while(move |(_, night)| *night < first).take_while(move |(_, night)| *night <= last)
}

fn legend(number: usize, interval: Interval, made: usize, alive: usize) -> Group {
    let x = LEFT + number as f64 * LEGEND;
    let swatch =
        Line::new().set("x1", x).set("x2", x + 20.0).set("y1", 70).set("y2", 70).set("class", interval.to_string());
    let text = format!("{interval}: {made} made, {alive} left");
    Group::new().add(swatch).add(Text::new(text).set("x", x + 26.0).set("y", 74))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn night(text: &str) -> Night {
        text.parse().expect("a Night")
    }

    #[test]
    fn each_restore_point_is_a_line_from_its_night_to_its_end() {
        let life =
            |interval, made, expired: Option<&str>| Life { interval, made: night(made), expired: expired.map(night) };
        let lives = [
            life(Interval::Daily, "2026-12-30", Some("2027-01-06")),
            life(Interval::Annual, "2026-12-31", None),
            life(Interval::Quarterly, "2027-01-01", None),
        ];
        let picture = survival("vol-1", &lives, night("2026-12-30"), night("2027-01-09"));
        assert!(picture.contains("Daily: 1 made, 0 left") && picture.contains("Annual: 1 made, 1 left"));
        let (left, width) = (LEFT, WIDTH - LEFT - RIGHT);
        let daily = format!("M{:.1} {:.1}H{:.1}", left, HEIGHT - BOTTOM, left + 0.7 * width);
        let annual = format!(
            "M{:.1} {:.1}H{:.1}",
            left + 0.1 * width,
            HEIGHT - BOTTOM - 0.1 * (HEIGHT - TOP - BOTTOM),
            left + width
        );
        assert!(picture.contains(&daily) && picture.contains(&annual), "{picture}");
    }
}
