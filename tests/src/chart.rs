//! The picture of which restore points survive over time: a line a restore point, from the Night that it was made on to the
//! Night that it expired on.

use chrono::{Datelike, Months, NaiveDate};
use svg::{
    Document,
    node::element::{Group, Line, Path, Style, Text, Title},
};

/// A restore point's life.
#[derive(Clone, Debug)]
pub struct Life {
    /// `Daily`, `Quarterly` or `Annual`: the Interval that governs it.
    pub interval: String,
    /// Its Night.
    pub made: NaiveDate,
    /// The Night on which it expired; none while it lives.
    pub expired: Option<NaiveDate>,
}

const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 560.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 24.0;
const TOP: f64 = 108.0;
const BOTTOM: f64 = 48.0;

/// Text and axes of every picture, for a light and for a dark page.
pub const THEME: &str = "
text { font: 13px system-ui, sans-serif; fill: #1f2328 }
.title { font-size: 17px; font-weight: 600 }
.axis { stroke: #d1d9e0 }
@media (prefers-color-scheme: dark) {
  text { fill: #f0f6fc }
  .axis { stroke: #3d444d }
}";

/// Colours that the colour-blind can tell apart (Okabe and Ito).
const STYLE: &str = "
.life { fill: none }
.Daily { stroke: #56b4e9; stroke-width: 1 }
.Quarterly { stroke: #e69f00; stroke-width: 3 }
.Annual { stroke: #009e73; stroke-width: 4 }";

/// Draws the restore points of one volume between two Nights.
pub fn survival(volume: &str, lives: &[Life], first: NaiveDate, last: NaiveDate) -> String {
    let scale = Scale { first, nights: (last - first).num_days() as f64 };
    let nights = (last - first).num_days() + 1;
    let title = format!("{nights} nights in a row: the restore points of {volume}");
    let says =
        "Each line is one: it begins on its Night and ends where it expires. A gap is a run of nights that failed.";
    let mut document = Document::new()
        .set("viewBox", (0, 0, WIDTH, HEIGHT))
        .set("role", "img")
        .add(Title::new(title.clone()))
        .add(Style::new([THEME, STYLE].concat()))
        .add(Text::new(title).set("class", "title").set("x", LEFT).set("y", 26))
        .add(Text::new(says).set("x", LEFT).set("y", 48))
        .add(scale.axes(last));
    for (number, interval) in ["Daily", "Quarterly", "Annual"].into_iter().enumerate() {
        let of = |life: &&Life| life.interval == interval;
        let lines: Vec<_> = lives.iter().filter(of).map(|life| scale.line(life, last)).collect();
        let alive = lives.iter().filter(of).filter(|life| life.expired.is_none()).count();
        let path = Path::new().set("class", format!("life {interval}")).set("d", lines.join(" "));
        document = document.add(path).add(legend(number, interval, lines.len(), alive));
    }
    document.to_string()
}

/// Where a Night lies in the picture: to the right with time, upwards with the Night that a restore point was made on.
struct Scale {
    first: NaiveDate,
    nights: f64,
}

impl Scale {
    fn along(&self, night: NaiveDate) -> f64 {
        (night - self.first).num_days() as f64 / self.nights
    }

    fn x(&self, night: NaiveDate) -> f64 {
        LEFT + self.along(night) * (WIDTH - LEFT - RIGHT)
    }

    fn y(&self, night: NaiveDate) -> f64 {
        HEIGHT - BOTTOM - self.along(night) * (HEIGHT - TOP - BOTTOM)
    }

    fn line(&self, life: &Life, last: NaiveDate) -> String {
        format!("M{:.1} {:.1}H{:.1}", self.x(life.made), self.y(life.made), self.x(life.expired.unwrap_or(last)))
    }

    fn axes(&self, last: NaiveDate) -> Group {
        let mut axes = Group::new();
        let mut month = self.first.with_day(1).expect("a month has a first day");
        while month <= last {
            if month >= self.first && [1, 7].contains(&month.month()) {
                let (x, y) = (self.x(month), self.y(month));
                let label = format!("{}-{:02}", month.year(), month.month());
                let vertical = Line::new().set("x1", x).set("x2", x).set("y1", TOP).set("y2", HEIGHT - BOTTOM);
                let level = Line::new().set("x1", LEFT).set("x2", WIDTH - RIGHT).set("y1", y).set("y2", y);
                let below = Text::new(label.clone()).set("x", x).set("y", HEIGHT - BOTTOM + 20.0);
                let beside = Text::new(label).set("x", LEFT - 8.0).set("y", y + 4.0).set("text-anchor", "end");
                axes = axes.add(vertical.set("class", "axis")).add(level.set("class", "axis"));
                axes = axes.add(below.set("text-anchor", "middle")).add(beside);
            }
            month = month + Months::new(1);
        }
        let across = Text::new("time").set("x", WIDTH - RIGHT).set("y", HEIGHT - 8.0).set("text-anchor", "end");
        axes.add(across).add(Text::new("made on").set("x", LEFT - 8.0).set("y", TOP - 8.0).set("text-anchor", "end"))
    }
}

fn legend(number: usize, interval: &str, made: usize, alive: usize) -> Group {
    let x = LEFT + number as f64 * 270.0;
    let swatch = Line::new().set("x1", x).set("x2", x + 28.0).set("y1", 70).set("y2", 70).set("class", interval);
    let text = format!("{interval}: {made} made, {alive} at the end");
    Group::new().add(swatch).add(Text::new(text).set("x", x + 36.0).set("y", 74))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> NaiveDate {
        text.parse().expect("a date")
    }

    #[test]
    fn each_restore_point_is_a_line_from_its_night_to_its_end() {
        let life = |interval: &str, made: &str, expired: Option<&str>| Life {
            interval: interval.into(),
            made: date(made),
            expired: expired.map(date),
        };
        let lives = [
            life("Daily", "2026-12-30", Some("2027-01-06")),
            life("Annual", "2026-12-31", None),
            life("Quarterly", "2027-01-01", None),
        ];
        let picture = survival("vol-1", &lives, date("2026-12-30"), date("2027-01-09"));
        assert!(picture.contains("Daily: 1 made, 0 at the end") && picture.contains("Annual: 1 made, 1 at the end"));
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
