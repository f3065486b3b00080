//! Positions of everything in the picture. The inside of a Map is laid out separately, because no transition leads into a Map. Outside,
//! the Map is one box.

use dagre::{
    EdgeLabel, LayoutOptions, NodeLabel,
    graph::{Graph, GraphOptions},
};

use super::definition::{Machine, State, StateKind};

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Rect {
    pub x: f64,
    pub y: f64,
    pub width: f64,
    pub height: f64,
}

#[derive(Clone, Debug)]
pub struct StateBox {
    /// Name of the state, or [`START`] or [`END`], which are not states.
    pub name: String,
    pub rect: Rect,
    /// States inside a Map. Empty for all other states.
    pub inside: Layout,
}

#[derive(Clone, Debug)]
pub struct Route {
    pub from: String,
    pub to: String,
    /// Whether the transition is a Catch.
    pub catch: bool,
    pub points: Vec<(f64, f64)>,
}

/// States of one level. Coordinates start at the upper left corner of the level.
#[derive(Clone, Debug, Default)]
pub struct Layout {
    pub boxes: Vec<StateBox>,
    pub routes: Vec<Route>,
    pub width: f64,
    pub height: f64,
}

/// Name of the box where the execution starts. The name of a state has no control characters.
pub const START: &str = "\u{1}start";
/// Name of the box where the execution ends.
pub const END: &str = "\u{1}end";

/// Height of a container's caption.
pub const CAPTION: f64 = 48.0;
const PADDING: f64 = 14.0;
const BOX: f64 = 46.0;
const TERMINAL: (f64, f64) = (58.0, 26.0);

/// Lays out the whole machine. `line` returns the second line of a state's box.
pub fn layout(machine: &Machine, line: &dyn Fn(&State) -> String) -> Layout {
    level(machine, line, true)
}

fn level(machine: &Machine, line: &dyn Fn(&State) -> String, is_outermost: bool) -> Layout {
    let terminal = |name| is_outermost.then(|| StateBox::new(name, TERMINAL, Layout::default()));
    let states = machine.states.iter().map(|state| placed(state, line));
    let boxes: Vec<_> = terminal(START).into_iter().chain(states).chain(terminal(END)).collect();
    let routes = routes(machine, is_outermost);
    let mut graph = Graph::with_options(GraphOptions { directed: true, multigraph: true, compound: false });
    for StateBox { name, rect, .. } in &boxes {
        let label = NodeLabel { width: rect.width, height: rect.height, ..NodeLabel::default() };
        graph.set_node(name.as_str(), Some(label));
    }
    for (number, route) in routes.iter().enumerate() {
        // Keeps the route without errors straight.
        let label = EdgeLabel { weight: if route.catch { 1 } else { 8 }, ..EdgeLabel::default() };
        graph.set_edge(route.from.as_str(), route.to.as_str(), Some(label), Some(&number.to_string()));
    }
    let options = LayoutOptions { nodesep: 26.0, edgesep: 16.0, ranksep: 30.0, ..LayoutOptions::default() };
    dagre::layout(&mut graph, Some(options));
    measured(&graph, boxes, routes)
}

fn placed(state: &State, line: &dyn Fn(&State) -> String) -> StateBox {
    // Too wide is better than too narrow, because the font is unknown.
    let text_width = |text: &str, character: f64| text.chars().count() as f64 * character;
    let own = text_width(&state.name, 8.0).max(text_width(&line(state), 6.2)) + 62.0;
    let Some(inside) = &state.inside else {
        let slanted = if state.kind == StateKind::Choice { 12.0 } else { 0.0 };
        return StateBox::new(&state.name, (own + slanted, BOX), Layout::default());
    };
    let inside = level(inside, line, false);
    let size = (own.max(inside.width + 2.0 * PADDING), inside.height + CAPTION + PADDING);
    StateBox::new(&state.name, size, inside)
}

fn routes(machine: &Machine, is_outermost: bool) -> Vec<Route> {
    let route = |from: &str, to: &str, catch| Route { from: from.into(), to: to.into(), catch, points: Vec::new() };
    let mut routes: Vec<_> = is_outermost.then(|| route(START, &machine.start, false)).into_iter().collect();
    for state in &machine.states {
        for arrow in &state.arrows {
            let to = arrow.to.as_deref().or(is_outermost.then_some(END));
            routes.extend(to.map(|to| route(&state.name, to, arrow.catch)));
        }
    }
    routes
}

fn measured(graph: &Graph<NodeLabel, EdgeLabel>, mut boxes: Vec<StateBox>, mut routes: Vec<Route>) -> Layout {
    for StateBox { name, rect, .. } in &mut boxes {
        let node = graph.node(name).expect("every box is a node");
        rect.x = node.x.unwrap_or_default() - rect.width / 2.0;
        rect.y = node.y.unwrap_or_default() - rect.height / 2.0;
    }
    for (number, route) in routes.iter_mut().enumerate() {
        let edge = graph.edge(&route.from, &route.to, Some(&number.to_string())).expect("every route is an edge");
        route.points = edge.points.iter().map(|point| (point.x, point.y)).collect();
    }
    let xs = boxes.iter().flat_map(|one| [one.rect.x, one.rect.x + one.rect.width]);
    let xs: Vec<_> = xs.chain(routes.iter().flat_map(|route| route.points.iter().map(|point| point.0))).collect();
    let (left, right) = (xs.iter().copied().fold(f64::INFINITY, f64::min), xs.iter().copied().fold(0.0, f64::max));
    boxes.iter_mut().for_each(|one| one.rect.x -= left);
    routes.iter_mut().flat_map(|route| &mut route.points).for_each(|point| point.0 -= left);
    let height = boxes.iter().map(|one| one.rect.y + one.rect.height).fold(0.0, f64::max);
    Layout { boxes, routes, width: right - left, height }
}

impl StateBox {
    fn new(name: &str, (width, height): (f64, f64), inside: Layout) -> Self {
        Self { name: name.to_owned(), rect: Rect { x: 0.0, y: 0.0, width, height }, inside }
    }

    /// Returns the upper left corner of the inside.
    pub fn inner_corner(&self) -> (f64, f64) {
        (self.rect.x + (self.rect.width - self.inside.width) / 2.0, self.rect.y + CAPTION)
    }
}
