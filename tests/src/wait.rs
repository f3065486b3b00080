//! Waiting for something that another process does: with a deadline, and a message that says what did not come.

use std::{
    thread,
    time::{Duration, Instant},
};

/// Long enough for a machine under load; only a test that fails waits for its end.
const DEADLINE: Duration = Duration::from_secs(120);
const PAUSE: Duration = Duration::from_millis(20);

/// The end of a wait.
pub struct Deadline {
    what: String,
    at: Instant,
}

impl Deadline {
    /// Begins to wait.
    pub fn new(what: &str) -> Self {
        Self { what: what.to_owned(), at: Instant::now() + DEADLINE }
    }

    /// Waits a moment until the next look.
    ///
    /// # Panics
    /// Two minutes have passed.
    pub async fn pause(&self) {
        self.check();
        tokio::time::sleep(PAUSE).await;
    }

    fn check(&self) {
        assert!(Instant::now() < self.at, "not within {DEADLINE:?}: {}", self.what);
    }
}

/// Waits until a condition holds.
///
/// # Panics
/// It does not hold within two minutes.
pub async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Deadline::new(what);
    while !holds() {
        deadline.pause().await;
    }
}

/// Waits until there is something, and returns it.
///
/// # Panics
/// There is nothing within two minutes.
pub async fn until_some<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Deadline::new(what);
    loop {
        match look().await {
            Some(found) => return found,
            None => deadline.pause().await,
        }
    }
}

/// The same as [`until`], in a test that blocks.
///
/// # Panics
/// The condition does not hold within two minutes.
pub fn until_blocking(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Deadline::new(what);
    while !holds() {
        deadline.check();
        thread::sleep(PAUSE);
    }
}
