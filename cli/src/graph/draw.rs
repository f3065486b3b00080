//! Draws the picture as SVG.

use strum::VariantArray;
use svg::Document;
use svg::node::element::{Circle, Definitions, Description, Group, Marker, Path, Rectangle, Style, Text, Title};

use super::caption;
use super::definition::{Machine, State, StateKind};
use super::fetch::FetchedExecution;
use super::layout::{self, END, Layout, Rect, Route, START, StateBox};
use super::outcome::{StateOutcome, Trace};

const MARGIN: f64 = 20.0;
const TOP: f64 = 104.0;
/// Minimum width, which is that of the legend.
const LEAST: f64 = 620.0;

/// Draws the state machine with the outcome of each state.
pub fn svg(machine: &Machine, execution: &FetchedExecution, trace: &Trace) -> String {
    let picture = Picture { machine, trace };
    let level = layout::layout(machine, &|state| caption::line(state, &trace.state(&state.name)));
    let width = level.width.max(LEAST) + 2.0 * MARGIN;
    let height = level.height + TOP + MARGIN;
    let states: Vec<_> = machine.all().into_iter().map(|state| (state, trace.state(&state.name))).collect();
    let summary = caption::summary(execution);
    let heading = caption::capitalised(&summary);
    let title = format!("{} of {}: {summary}", execution.name, execution.machine);
    let at = format!("translate({:.1} {TOP})", (width - level.width) / 2.0);
    Document::new()
        .set("viewBox", format!("0 0 {width:.0} {height:.0}"))
        .set("width", format!("{width:.0}"))
        .set("height", format!("{height:.0}"))
        .set("role", "img")
        .set("aria-labelledby", "title description")
        .add(Title::new(title).set("id", "title"))
        .add(
            Description::new()
                .set("id", "description")
                .add(svg::node::Text::new(caption::description(execution, &states))),
        )
        .add(Style::new(include_str!("style.css")))
        .add(Definitions::new().add(head("head")).add(head("head-taken")))
        .add(text(&format!("{} · {}", execution.machine, execution.name), "line", MARGIN, 24.0))
        .add(text(&heading, "heading", MARGIN, 46.0))
        .add(legend())
        .add(picture.level(&level).set("transform", at))
        .to_string()
}

fn head(name: &str) -> Marker {
    let triangle = Path::new().set("d", "M0 0L9 4.5L0 9z").set("class", name);
    let marker = Marker::new().set("id", name).set("markerUnits", "userSpaceOnUse").set("orient", "auto");
    marker.set("markerWidth", 9).set("markerHeight", 9).set("refX", 8.5).set("refY", 4.5).add(triangle)
}

fn text(says: &str, class: &str, x: f64, y: f64) -> Text {
    Text::new(says).set("class", class).set("x", format!("{x:.1}")).set("y", format!("{y:.1}"))
}

fn legend() -> Group {
    let mut legend = Group::new();
    let mut x = MARGIN + 8.0;
    for outcome in StateOutcome::VARIANTS.iter().rev().copied() {
        let words = outcome.words();
        legend = legend.add(mark(outcome, x, 74.0)).add(text(&words, "", x + 14.0, 78.0));
        x += words.len() as f64 * 6.6 + 38.0;
    }
    legend
}

struct Picture<'a> {
    machine: &'a Machine,
    trace: &'a Trace,
}

impl Picture<'_> {
    /// Draws a level. Transitions that were not taken come first, so that the others lie on top.
    fn level(&self, level: &Layout) -> Group {
        let mut routes: Vec<_> = level.routes.iter().map(|route| (self.taken(route), route)).collect();
        routes.sort_by_key(|(taken, _)| *taken);
        let group = routes.into_iter().fold(Group::new(), |group, (taken, route)| group.add(way(route, taken)));
        level.boxes.iter().fold(group, |group, one| match self.machine.find(&one.name) {
            Some(state) => group.add(self.state(state, one)),
            None => group.add(terminal(one)),
        })
    }

    fn taken(&self, route: &Route) -> bool {
        match (route.from.as_str(), route.to.as_str()) {
            (START, first) => self.trace.state(first).outcome() != StateOutcome::NotReached,
            (last, END) => self.trace.took(last, None),
            (from, to) if route.catch => {
                // A Catch may have the same target as another transition.
                let both = self.machine.find(from).is_some_and(|state| !state.catches_into(to));
                self.trace.took(from, Some(to)) && (!both || self.trace.state(from).outcome() == StateOutcome::Caught)
            }
            (from, to) => self.trace.took(from, Some(to)) && !self.only_caught(from),
        }
    }

    fn only_caught(&self, state: &str) -> bool {
        let passages = self.trace.state(state);
        passages.entered() > 0 && passages.count(StateOutcome::Caught) == passages.entered()
    }

    fn state(&self, state: &State, one: &StateBox) -> Group {
        let passages = self.trace.state(&state.name);
        let outcome = passages.outcome();
        let Rect { x, y, width, .. } = one.rect;
        let contains = state.inside.is_some();
        let kind = if contains { "container" } else { "state" };
        let shape = |classes: String| Path::new().set("d", outline(state.kind, one.rect)).set("class", classes);
        let dim = if outcome == StateOutcome::NotReached { " dim" } else { "" };
        let mut group =
            Group::new().set("id", format!("state-{}", state.name)).add(Title::new(caption::title(state, &passages)));
        if !contains {
            group = group.add(shape("state".into()));
        }
        group = group.add(shape(format!("{kind} {} fill tint", outcome.class())));
        group = group.add(shape(format!("{kind} plain {}", outcome.class())));
        if contains {
            // A second outline, because a Map has several iterations.
            let inner = Rect { x: x + 4.0, y: y + 4.0, width: width - 8.0, height: one.rect.height - 8.0 };
            group = group.add(Path::new().set("d", outline(state.kind, inner)).set("class", "way"));
        }
        let left = x + if state.kind == StateKind::Choice { 22.0 } else { 16.0 };
        let right = x + width - if state.kind == StateKind::Choice { 24.0 } else { 18.0 };
        group = group
            .add(text(&state.name, &format!("name{dim}"), left, y + 20.0))
            .add(text(&caption::line(state, &passages), &format!("line{dim}"), left, y + 36.0))
            .add(mark(outcome, right, y + 19.0));
        if !contains {
            return group;
        }
        let (x, y) = one.inner_corner();
        group.add(self.level(&one.inside).set("transform", format!("translate({x:.1} {y:.1})")))
    }
}

/// Returns the outline of a box. A Choice has points, a Succeed and a Fail round ends, a Pass sharp corners, all others round corners.
fn outline(kind: StateKind, Rect { x, y, width, height }: Rect) -> String {
    let r: f64 = match kind {
        StateKind::Choice => {
            let (across, down) = (width - 24.0, height / 2.0);
            let middle = y + down;
            return format!(
                "M{x:.1} {middle:.1}l12 {:.1}h{across:.1}l12 {down:.1}l-12 {down:.1}h{:.1}z",
                -down, -across
            );
        }
        StateKind::Succeed | StateKind::Fail => height / 2.0,
        StateKind::Pass => 1.0,
        _ => 8.0,
    };
    let (across, down) = (width - 2.0 * r, height - 2.0 * r);
    let corner = |x: f64, y: f64| format!("a{r:.1} {r:.1} 0 0 1 {x:.1} {y:.1}");
    let (one, two, three, four) = (corner(r, r), corner(-r, r), corner(-r, -r), corner(r, -r));
    format!("M{:.1} {y:.1}h{across:.1}{one}v{down:.1}{two}h{:.1}{three}v{:.1}{four}z", x + r, -across, -down)
}

fn terminal(one: &StateBox) -> Group {
    let Rect { x, y, width, height } = one.rect;
    let oval =
        Rectangle::new().set("x", x).set("y", y).set("width", width).set("height", height).set("rx", height / 2.0);
    let says = if one.name == START { "Start" } else { "End" };
    let says = text(says, "", x + width / 2.0, y + height / 2.0 + 4.0).set("text-anchor", "middle");
    Group::new().add(oval.set("class", "end")).add(says)
}

/// Draws a line that is rounded at each point. The last curve stops short of the end, so that the arrowhead points straight.
fn way(route: &Route, taken: bool) -> Path {
    let between = |one: (f64, f64), other: (f64, f64), part: f64| {
        (one.0 + (other.0 - one.0) * part, one.1 + (other.1 - one.1) * part)
    };
    let points = &route.points;
    let mut d = String::new();
    for (number, &(x, y)) in points.iter().enumerate() {
        d += &match points.get(number + 1) {
            _ if number == 0 => format!("M{x:.1} {y:.1}"),
            None => format!("L{x:.1} {y:.1}"),
            Some(next) => {
                let to = between((x, y), *next, if number + 2 == points.len() { 0.7 } else { 0.5 });
                format!("Q{x:.1} {y:.1} {:.1} {:.1}", to.0, to.1)
            }
        };
    }
    let classes = format!("way{}{}", if route.catch { " catch" } else { "" }, if taken { " taken" } else { "" });
    let head = if taken { "url(#head-taken)" } else { "url(#head)" };
    Path::new().set("d", d).set("class", classes).set("marker-end", head)
}

/// Draws a disc with a sign, so that the outcome is clear without colour: a tick, a cross, an exclamation mark, three dots or a bar. The
/// disc of a state that was not reached is empty.
pub fn mark(outcome: StateOutcome, x: f64, y: f64) -> Group {
    let disc = Circle::new().set("r", 8).set("class", format!("{} fill", outcome.class()));
    let sign = match outcome {
        StateOutcome::NotReached => "",
        StateOutcome::Succeeded => "M-3.6 .2L-1.2 2.8L3.6 -2.6",
        StateOutcome::InProgress => "M-3.6 0h.01M0 0h.01M3.6 0h.01",
        StateOutcome::Aborted => "M-3.5 0H3.5",
        StateOutcome::Caught => "M0 -4V.8M0 4h.01",
        StateOutcome::Failed => "M-2.8 -2.8L2.8 2.8M2.8 -2.8L-2.8 2.8",
    };
    let sign = Path::new().set("d", sign).set("class", format!("{} mark", outcome.class()));
    let group = Group::new().set("transform", format!("translate({x:.1} {y:.1})")).add(disc);
    if outcome == StateOutcome::NotReached { group } else { group.add(sign) }
}
