//! Measures the first run of fleets of three sizes.

use domain::pace::Pace;
use tests::fleet::{Fleet, Measured};

/// Number of volumes in each fleet.
const FLEETS: [usize; 3] = [10, 1_000, 20_000];
/// Number of items on a page of EC2.
const PAGE: usize = 1_000;
/// EC2's rate of CreateSnapshot calls (EC2 developer guide, "Request throttling for the Amazon EC2 API").
const PER_SECOND: &str = "5";

/// The first run of a fleet.
pub struct FleetNight {
    /// Number of volumes.
    pub volumes: usize,
    /// Measurements of the run that creates the first snapshot of each volume.
    pub measured: Measured,
}

impl FleetNight {
    /// Returns the duration of the run in seconds at EC2's rate. The pace alone determines it, because nothing else takes as long.
    pub fn paced(&self) -> f64 {
        let pace = Pace::read(PER_SECOND).expect("a pace");
        pace.due(self.volumes as u64 - 1).as_secs_f64()
    }

    /// Returns the state transitions of a usual run. As many snapshots expire as are created, and each deletion takes two transitions.
    pub fn transitions(&self) -> usize {
        self.measured.histories.transitions + 2 * self.volumes + 1
    }

    /// Returns the cost of these transitions in dollars (AWS Step Functions pricing, Standard Workflows).
    pub fn dollars(&self) -> f64 {
        self.transitions() as f64 * 0.025 / 1_000.0
    }
}

/// Runs the fleets.
pub async fn measure() -> Vec<FleetNight> {
    let mut all = Vec::new();
    for volumes in FLEETS {
        let fleet = Fleet::new(&format!("fleet-of-{volumes}"), volumes, PAGE).await;
        let measured = fleet.night("2026-05-20").await;
        assert_eq!(measured.night.status, "SUCCEEDED", "{volumes}: {}", measured.night.cause);
        all.push(FleetNight { volumes, measured });
    }
    all
}
