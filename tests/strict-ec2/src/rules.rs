//! The rules that EC2 enforces and a local cloud does not. Each is off by default.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::milliseconds;

/// The rules in force. Set them with the methods: `Rules::default().page(3).empty_pages()`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Rules {
    /// Token buckets for each API and Region; `None` turns throttling off.
    pub throttle: Option<Throttle>,
    /// Most items on a page of DescribeVolumes and DescribeSnapshots. A smaller `MaxResults` of the caller wins.
    pub page: Option<usize>,
    /// Whether a page with a token and no items precedes each page.
    pub empty_pages: bool,
    /// Least time between two snapshots of one volume; 15 s at AWS.
    #[serde(rename = "between_snapshots_ms", with = "milliseconds")]
    pub between_snapshots: Duration,
    /// Whether a volume has at most 5 pending snapshots, and a volume of type st1 or sc1 at most 1.
    pub limit_pending: bool,
    /// State of a new snapshot.
    pub new_snapshots: NewSnapshots,
    /// State of a new volume.
    pub new_volumes: NewVolumes,
    /// How long DescribeSnapshots and CreateTags do not find a new snapshot.
    #[serde(rename = "found_after_ms", with = "milliseconds")]
    pub found_after: Duration,
}

impl Rules {
    /// Throttles each API in each Region.
    pub fn throttle(mut self, throttle: Throttle) -> Self {
        self.throttle = Some(throttle);
        self
    }

    /// Limits a page to this many items, at least 1.
    pub fn page(mut self, items: usize) -> Self {
        self.page = Some(items.max(1));
        self
    }

    /// Sends a page with a token and no items before each page.
    pub fn empty_pages(mut self) -> Self {
        self.empty_pages = true;
        self
    }

    /// Refuses a snapshot of a volume until this time has passed since its last one.
    pub fn between_snapshots(mut self, time: Duration) -> Self {
        self.between_snapshots = time;
        self
    }

    /// Limits the pending snapshots of a volume: 5, or 1 for type st1 or sc1.
    pub fn limit_pending(mut self) -> Self {
        self.limit_pending = true;
        self
    }

    /// Sets the state that new snapshots are in.
    pub fn new_snapshots(mut self, state: NewSnapshots) -> Self {
        self.new_snapshots = state;
        self
    }

    /// Sets the state that new volumes are in.
    pub fn new_volumes(mut self, state: NewVolumes) -> Self {
        self.new_volumes = state;
        self
    }

    /// Hides a new snapshot from DescribeSnapshots and CreateTags for this time.
    pub fn found_after(mut self, time: Duration) -> Self {
        self.found_after = time;
        self
    }

    /// Refuses values that no rule can have. The setters cannot produce most of them, JSON can.
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.page == Some(0) {
            return Err("page: 0 items end no listing; use 1 or more".to_owned());
        }
        match self.throttle {
            Some(throttle) if throttle.times <= 0.0 => Err(format!(
                "throttle.times: {} fills no bucket; use a number above 0, 1 is the rate at AWS",
                throttle.times
            )),
            Some(Throttle { burst: Some(0), .. }) => {
                Err("throttle.burst: a bucket of 0 tokens refuses every call; use 1 or more".to_owned())
            }
            _ => Ok(()),
        }
    }
}

/// How fast the token buckets fill and how many tokens they hold.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Throttle {
    /// How many times faster than at AWS the buckets fill, so that a test is short.
    pub times: f64,
    /// Tokens in a full bucket; `None` is the number at AWS.
    #[serde(default)]
    pub burst: Option<u32>,
}

impl Throttle {
    /// Fills the buckets this many times faster than AWS does: 1.0 is the rate at AWS.
    pub fn times(times: f64) -> Self {
        Self { times, burst: None }
    }

    /// Limits each bucket to this many tokens.
    pub fn burst(mut self, tokens: u32) -> Self {
        self.burst = Some(tokens);
        self
    }
}

/// State of a new snapshot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum NewSnapshots {
    /// The local cloud's state, usually completed at once.
    #[default]
    Unchanged,
    /// Pending for this time, then completed.
    #[serde(rename = "pending_for_ms", with = "milliseconds")]
    PendingFor(Duration),
    /// Pending until the test sets another state.
    StayPending,
}

/// State of a new volume.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum NewVolumes {
    /// The local cloud's state, usually available at once.
    #[default]
    Unchanged,
    /// Creating for this time, then available.
    #[serde(rename = "creating_for_ms", with = "milliseconds")]
    CreatingFor(Duration),
    /// Creating until the test sets another state.
    StayCreating,
}
