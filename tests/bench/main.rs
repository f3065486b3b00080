//! `make bench`: the measurements of docs/measurements.md, each beside something that ran at the same time on the same machine. It
//! writes its tables and the two charts.
//!
//! # Layout
//! - [`starts`]: each function against the tutorial's in Python and against one that links no SDK, over [`lambda`], Lambda's own
//!   interface, and [`answers`], an AWS that answers at once.
//! - [`nights`]: fleets of three sizes. - [`bound`]: a night against EC2's token buckets.
//! - [`table`], [`charts`]: what the page shows.

mod answers;
mod bound;
mod charts;
mod lambda;
mod nights;
mod starts;
mod table;

use std::time::Instant;
use tests::{page, root};

#[tokio::main]
async fn main() {
    let began = Instant::now();
    let starts = starts::measure().await;
    println!("{}", table::of_starts(&starts));
    let bound = bound::measure().await;
    println!("{}", table::of_bound(&bound));
    let nights = nights::measure().await;
    println!("{}", table::of_nights(&nights));
    std::fs::write(root().join("docs/starts.svg"), charts::starts(&starts)).expect("docs/starts.svg");
    std::fs::write(root().join("docs/fleets.svg"), charts::fleets(&nights)).expect("docs/fleets.svg");
    let text = [table::of_nights(&nights), table::of_bound(&bound), table::of_starts(&starts), table::of_machine()];
    page::write("docs/measurements.md", "<!-- bench -->\n", "<!-- end -->\n", &text.join("\n"));
    println!("Written to docs/ after {:.0} s", began.elapsed().as_secs_f64());
}
