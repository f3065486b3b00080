//! The wait for a child execution's turn.

use domain::{messages::ChildPosition, pace::Pace};
use std::time::{Duration, SystemTime};

/// Maximum wait. Even if a clock is wrong, the wait ends long before the function times out. With 20 concurrent children, a turn takes 20
/// divided by the rate: 4 s at EC2's 5 per second, 8 s at 2.5, the minimum that the template accepts.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Waits until a child execution of a Map may call. Returns immediately if that time is past, as in a second attempt.
pub async fn wait_for(turn: ChildPosition, pace: Pace) {
    let due = SystemTime::from(turn.since) + pace.due(turn.index);
    let wait = due.duration_since(SystemTime::now()).unwrap_or_default().min(LONGEST_PAUSE);
    if !wait.is_zero() {
        tokio::time::sleep(wait).await;
    }
}
