//! Colours and marks. The colours are ones that the colour-blind can tell apart (Okabe and Ito); the marks need no colour.

use svg::node::element::{Circle, Group, Path};

use super::outcome::Outcome;

/// For a light and for a dark page.
pub const STYLE: &str = "
text { font: 12px system-ui, -apple-system, 'Segoe UI', sans-serif; fill: #1f2328 }
.heading { font-size: 17px; font-weight: 600 }
.name { font-size: 13px; font-weight: 600 }
.line { font-size: 11px; fill: #59636e }
.end { fill: #f6f8fa; stroke: #818b98; stroke-width: 1.5 }
.state { fill: #ffffff; stroke-width: 1.75 }
.container { stroke-width: 1.75 }
.tint { stroke: none; fill-opacity: .13 }
.container.tint { fill-opacity: .06 }
.plain { fill: none }
.way { fill: none; stroke: #818b98; stroke-width: 1.25; stroke-opacity: .65 }
.taken { stroke: #1f2328; stroke-width: 2; stroke-opacity: 1 }
.catch { stroke-dasharray: 4 4 }
.head { fill: #818b98; fill-opacity: .8 }
.head-taken { fill: #1f2328 }
.succeeded { stroke: #009e73 } .succeeded.fill { fill: #009e73 }
.caught { stroke: #e69f00 } .caught.fill { fill: #e69f00 }
.failed { stroke: #d55e00; stroke-width: 3 } .failed.fill { fill: #d55e00 }
.in-progress { stroke: #0072b2 } .in-progress.fill { fill: #0072b2 }
.aborted { stroke: #aa4499 } .aborted.fill { fill: #aa4499 }
.not-reached { stroke: #afb8c1; stroke-dasharray: 3 3 } .not-reached.fill { fill: none }
.dim { fill: #818b98 }
.mark { fill: none; stroke: #ffffff; stroke-width: 2; stroke-linecap: round; stroke-linejoin: round }
.caught.mark { stroke: #1f2328 }
@media (prefers-color-scheme: dark) {
  text { fill: #f0f6fc }
  .line { fill: #9198a1 }
  .dim { fill: #7d858f }
  .end { fill: #212830; stroke: #656c76 }
  .state { fill: #0d1117 }
  .way { stroke: #656c76 }
  .taken { stroke: #f0f6fc }
  .head { fill: #656c76 }
  .head-taken { fill: #f0f6fc }
  .tint { fill-opacity: .2 }
  .not-reached { stroke: #4a525c }
  .in-progress { stroke: #56b4e9 }
  .in-progress.fill { fill: #56b4e9 }
  .aborted { stroke: #cc79a7 }
  .aborted.fill { fill: #cc79a7 }
  .mark, .caught.mark { stroke: #0d1117 }
}";

/// A disc that says the outcome without its colour: a tick, a cross, an exclamation mark, three dots, a bar; empty if not reached.
pub fn mark(outcome: Outcome, x: f64, y: f64) -> Group {
    let disc = Circle::new().set("r", 8).set("class", format!("{} fill", outcome.class()));
    let sign = match outcome {
        Outcome::NotReached => "",
        Outcome::Succeeded => "M-3.6 .2L-1.2 2.8L3.6 -2.6",
        Outcome::InProgress => "M-3.6 0h.01M0 0h.01M3.6 0h.01",
        Outcome::Aborted => "M-3.5 0H3.5",
        Outcome::Caught => "M0 -4V.8M0 4h.01",
        Outcome::Failed => "M-2.8 -2.8L2.8 2.8M2.8 -2.8L-2.8 2.8",
    };
    let sign = Path::new().set("d", sign).set("class", format!("{} mark", outcome.class()));
    let group = Group::new().set("transform", format!("translate({x:.1} {y:.1})")).add(disc);
    if outcome == Outcome::NotReached { group } else { group.add(sign) }
}
