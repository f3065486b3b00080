//! Waiting for one's turn.

use domain::{messages::Turn, pace::Pace};
use std::time::{Duration, SystemTime};

/// However wrong a clock is, the wait ends long before the function's time does. With 20 children at once a turn is 20 / rate away:
/// 4 s at EC2's 5 a second, 8 s at the 2.5 that the template takes at least.
const LONGEST: Duration = Duration::from_secs(10);

/// Waits until a child execution of a Map may call; not at all where its time is past, as at a second attempt.
pub async fn wait_for(turn: Turn, pace: Pace) {
    let due = SystemTime::from(turn.since) + pace.due(turn.index);
    let wait = due.duration_since(SystemTime::now()).unwrap_or_default().min(LONGEST);
    if !wait.is_zero() {
        tokio::time::sleep(wait).await;
    }
}
