//! The first night of fleets of three sizes.

use domain::pace::Pace;
use tests::fleet::{Fleet, Measured};

/// The fleets' volumes.
const FLEETS: [usize; 3] = [10, 1_000, 20_000];
/// Volumes and snapshots of a page of EC2's.
const PAGE: usize = 1_000;
/// EC2's own rate (EC2 developer guide, "Request throttling for the Amazon EC2 API").
const PER_SECOND: &str = "5";

/// A fleet's night.
pub struct FleetNight {
    /// Its volumes.
    pub volumes: usize,
    /// The night in which each volume has its first snapshot.
    pub measured: Measured,
}

impl FleetNight {
    /// Seconds that its night takes at EC2's own rate: what the pace allows, for nothing else takes as long.
    pub fn paced(&self) -> f64 {
        let pace = Pace::read(PER_SECOND).expect("a pace");
        pace.due(self.volumes as u64 - 1).as_secs_f64()
    }

    /// State transitions of a usual run: as many snapshots expire as are created, each of them two transitions.
    pub fn transitions(&self) -> usize {
        self.measured.histories.transitions + 2 * self.volumes + 1
    }

    /// Dollars that those cost (AWS Step Functions pricing, Standard Workflows).
    pub fn dollars(&self) -> f64 {
        self.transitions() as f64 * 0.025 / 1_000.0
    }
}

/// Runs them.
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
