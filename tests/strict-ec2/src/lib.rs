#![doc = include_str!("../README.md")]
//!
//! # Layout
//! - `endpoint`: [`StrictEc2`] for Rust tests; `control`: the same over HTTP, with `json` and `milliseconds`.
//! - `server`: connections and the order of steps; `enforce`: the rules of each API; `forward`: calls to the upstream.
//! - `rules`, `states`, `fault`, `matching`, `call`: the data.
//! - `buckets`, `pages`, `snapshots`, `volumes`: the state behind the rules.

mod answer;
mod buckets;
mod call;
mod control;
mod endpoint;
mod enforce;
mod fault;
mod forward;
mod json;
mod matching;
mod milliseconds;
mod pages;
mod rules;
mod server;
mod snapshots;
mod states;
mod volumes;

pub use call::Call;
pub use endpoint::{Before, Record, StrictEc2};
pub use fault::Fault;
pub use rules::{NewSnapshots, NewVolumes, Rules, Throttle};
pub use states::{SnapshotState, VolumeState};

impl std::str::FromStr for Rules {
    type Err = String;

    /// Reads rules in the JSON of the control endpoint. An error is one line with the field and its value.
    fn from_str(document: &str) -> Result<Self, String> {
        control::read_rules(document.as_bytes())
    }
}
