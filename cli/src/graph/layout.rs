//! Where everything of the picture is. A Map's inside is laid out by itself, and is one box outside: no way leads into a Map.

use dagre::{
    EdgeLabel, LayoutOptions, NodeLabel,
    graph::{Graph, GraphOptions},
};

use super::definition::{Kind, Machine, State};

/// A box, by its upper left corner.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[expect(missing_docs, reason = "they say it")]
pub struct Rect {
    pub x: f64,
    pub y: f64,
    pub width: f64,
    pub height: f64,
}

/// A state's box, with those inside it.
#[derive(Clone, Debug)]
pub struct Placed {
    /// The state; [`START`] and [`END`] are none.
    pub name: String,
    /// Its box.
    pub rect: Rect,
    /// What is inside.
    pub inside: Level,
}

/// A way from one box to another.
#[derive(Clone, Debug)]
pub struct Route {
    /// From this box.
    pub from: String,
    /// To that one.
    pub to: String,
    /// Whether it is the way of an error.
    pub catch: bool,
    /// The points that it goes by.
    pub points: Vec<(f64, f64)>,
}

/// What lies beside each other.
#[derive(Clone, Debug, Default)]
pub struct Level {
    /// The boxes.
    pub boxes: Vec<Placed>,
    /// The ways between them.
    pub routes: Vec<Route>,
    /// How wide it is.
    pub width: f64,
    /// How high it is.
    pub height: f64,
}

/// The box where the execution begins; no state's name has a control character.
pub const START: &str = "\u{1}start";
/// The box where it ends.
pub const END: &str = "\u{1}end";

/// The height of a container's caption.
pub const CAPTION: f64 = 48.0;
const PADDING: f64 = 14.0;
const BOX: f64 = 46.0;
const TERMINAL: (f64, f64) = (58.0, 26.0);

/// Lays the whole machine out; `line` is the second line of a state's box.
pub fn layout(machine: &Machine, line: &dyn Fn(&State) -> String) -> Level {
    let mut level = level(std::slice::from_ref(machine), line, true);
    level.shift(0.0, 0.0);
    level
}

fn level(machines: &[Machine], line: &dyn Fn(&State) -> String, outermost: bool) -> Level {
    let mut graph = Graph::with_options(GraphOptions { directed: true, multigraph: true, compound: false });
    let mut boxes = Vec::new();
    if outermost {
        boxes.push(Placed::of(START, TERMINAL, Level::default()));
    }
    for state in machines.iter().flat_map(|machine| &machine.states) {
        boxes.push(placed(state, line));
    }
    if outermost {
        boxes.push(Placed::of(END, TERMINAL, Level::default()));
    }
    for one in &boxes {
        graph.set_node(
            &*one.name,
            Some(NodeLabel { width: one.rect.width, height: one.rect.height, ..NodeLabel::default() }),
        );
    }
    let ways = ways(machines, outermost);
    for (number, way) in ways.iter().enumerate() {
        // The way without errors is to be the straight one.
        let label = EdgeLabel { weight: if way.catch { 1 } else { 8 }, ..EdgeLabel::default() };
        graph.set_edge(&*way.from, &*way.to, Some(label), Some(&number.to_string()));
    }
    let options = LayoutOptions { nodesep: 26.0, edgesep: 16.0, ranksep: 30.0, ..LayoutOptions::default() };
    dagre::layout(&mut graph, Some(options));
    collect(&graph, boxes, ways)
}

fn placed(state: &State, line: &dyn Fn(&State) -> String) -> Placed {
    let own = text_width(&state.name, 8.0).max(text_width(&line(state), 6.2)) + 62.0;
    if state.inside.is_empty() {
        let slanted = if state.kind == Kind::Choice { 12.0 } else { 0.0 };
        return Placed::of(&state.name, (own + slanted, BOX), Level::default());
    }
    let inside = level(&state.inside, line, false);
    let size = (own.max(inside.width + 2.0 * PADDING), inside.height + CAPTION + PADDING);
    Placed::of(&state.name, size, inside)
}

/// Rather too wide than too narrow: which font there is is not known.
fn text_width(text: &str, each: f64) -> f64 {
    text.chars().count() as f64 * each
}

fn ways(machines: &[Machine], outermost: bool) -> Vec<Route> {
    let way =
        |from: &str, to: &str, catch| Route { from: from.to_owned(), to: to.to_owned(), catch, points: Vec::new() };
    let mut ways = Vec::new();
    for machine in machines {
        if outermost {
            ways.push(way(START, &machine.start, false));
        }
        for state in &machine.states {
            for arrow in &state.arrows {
                match &arrow.to {
                    Some(to) => ways.push(way(&state.name, to, arrow.catch)),
                    None if outermost => ways.push(way(&state.name, END, arrow.catch)),
                    None => {}
                }
            }
        }
    }
    ways
}

fn collect(graph: &Graph<NodeLabel, EdgeLabel>, mut boxes: Vec<Placed>, mut routes: Vec<Route>) -> Level {
    for one in &mut boxes {
        let node = graph.node(&one.name).expect("every box is a node");
        one.rect.x = node.x.unwrap_or_default() - one.rect.width / 2.0;
        one.rect.y = node.y.unwrap_or_default() - one.rect.height / 2.0;
    }
    for (number, route) in routes.iter_mut().enumerate() {
        let edge = graph.edge(&route.from, &route.to, Some(&number.to_string())).expect("every way is an edge");
        route.points = edge.points.iter().map(|point| (point.x, point.y)).collect();
    }
    let xs = boxes.iter().flat_map(|one| [one.rect.x, one.rect.x + one.rect.width]);
    let xs: Vec<_> = xs.chain(routes.iter().flat_map(|route| route.points.iter().map(|point| point.0))).collect();
    let left = xs.iter().copied().fold(f64::INFINITY, f64::min);
    let right = xs.iter().copied().fold(0.0, f64::max);
    let bottom = boxes.iter().map(|one| one.rect.y + one.rect.height).fold(0.0, f64::max);
    let mut level = Level { boxes, routes, width: right - left, height: bottom };
    level.boxes.iter_mut().for_each(|one| one.rect.x -= left);
    level.routes.iter_mut().flat_map(|route| &mut route.points).for_each(|point| point.0 -= left);
    level
}

impl Placed {
    fn of(name: &str, (width, height): (f64, f64), inside: Level) -> Self {
        Self { name: name.to_owned(), rect: Rect { x: 0.0, y: 0.0, width, height }, inside }
    }
}

impl Level {
    /// Moves it there, and everything inside to where its container is.
    fn shift(&mut self, x: f64, y: f64) {
        for point in self.routes.iter_mut().flat_map(|route| &mut route.points) {
            *point = (point.0 + x, point.1 + y);
        }
        for one in &mut self.boxes {
            (one.rect.x, one.rect.y) = (one.rect.x + x, one.rect.y + y);
            let beside = (one.rect.width - one.inside.width) / 2.0;
            one.inside.shift(one.rect.x + beside, one.rect.y + CAPTION);
        }
    }
}
