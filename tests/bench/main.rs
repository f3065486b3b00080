//! `make bench` takes the measurements of docs/measurements.md and writes its tables and the two charts. Each measurement has a baseline
//! that ran at the same time on the same machine. `bench NAME` takes one measurement: `starts`, `alone`, `bound` or `nights`.
//!
//! # Layout
//! - [`starts`]: compares each function with the Python function of the tutorial and with one that links no SDK. It uses [`lambda`], the
//!   runtime API of Lambda, and [`answers`], an AWS that answers at once.
//! - [`alone`]: the functions that hold lists, with the generated EC2 of [`region`].
//! - [`nights`]: fleets of three sizes.
//! - [`bound`]: a run with EC2's token buckets.
//! - [`table`], [`charts`]: the output for the page.

mod alone;
mod answers;
mod bound;
mod charts;
mod lambda;
mod nights;
mod region;
mod starts;
mod table;

use std::time::Instant;
use tests::{page, root};

#[tokio::main]
async fn main() {
    match std::env::args().nth(1) {
        Some(name) => println!("{}", table(&name).await),
        None => all().await,
    }
}

/// Takes one measurement without changing docs/.
async fn table(name: &str) -> String {
    match name {
        "starts" => table::starts_table(&starts::measure().await),
        "alone" => table::alone_table(&alone::measure().await),
        "bound" => table::bound_table(&bound::measure().await),
        "nights" => table::nights_table(&nights::measure().await),
        other => panic!("{other} is not starts, alone, bound or nights"),
    }
}

/// Takes all measurements and writes them to docs/.
async fn all() {
    let began = Instant::now();
    let starts = starts::measure().await;
    println!("{}", table::starts_table(&starts));
    let alone = alone::measure().await;
    println!("{}", table::alone_table(&alone));
    let bound = bound::measure().await;
    println!("{}", table::bound_table(&bound));
    let nights = nights::measure().await;
    println!("{}", table::nights_table(&nights));
    std::fs::write(root().join("docs/starts.svg"), charts::starts(&starts)).expect("docs/starts.svg");
    std::fs::write(root().join("docs/fleets.svg"), charts::fleets(&nights)).expect("docs/fleets.svg");
    let text = [
        table::nights_table(&nights),
        table::alone_table(&alone),
        table::bound_table(&bound),
        table::starts_table(&starts),
        table::machine_line(),
    ];
    page::write("docs/measurements.md", "<!-- bench -->\n", "<!-- end -->\n", &text.join("\n"));
    println!("Written to docs/ after {:.0} s", began.elapsed().as_secs_f64());
}
