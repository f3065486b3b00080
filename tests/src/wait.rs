//! Waits for other processes. A wait has a deadline, and its failure names the missing event.

use std::{
    thread,
    time::{Duration, Instant},
};

/// Long enough for a machine under load. Only a failing test reaches it.
const DEADLINE: Duration = Duration::from_secs(120);
const PAUSE: Duration = Duration::from_millis(20);

pub struct Deadline {
    what: String,
    at: Instant,
}

impl Deadline {
    /// Starts the wait.
    pub fn new(what: &str) -> Self {
        Self { what: what.to_owned(), at: Instant::now() + DEADLINE }
    }

    /// Pauses before the next check.
    ///
    /// # Panics
    /// Panics after two minutes.
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
/// Panics if the condition does not hold within two minutes.
pub async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Deadline::new(what);
    while !holds() {
        deadline.pause().await;
    }
}

/// Waits until `look` returns a value, and returns it.
///
/// # Panics
/// Panics if `look` returns no value within two minutes.
pub async fn until_some<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Deadline::new(what);
    loop {
        match look().await {
            Some(found) => return found,
            None => deadline.pause().await,
        }
    }
}

/// Waits like [`until`], in a blocking test.
///
/// # Panics
/// Panics if the condition does not hold within two minutes.
pub fn until_blocking(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Deadline::new(what);
    while !holds() {
        deadline.check();
        thread::sleep(PAUSE);
    }
}
