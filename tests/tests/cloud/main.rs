//! Nights end to end, each test on a local cloud of its own. They wait more than they compute, so `make test` runs several at once.

mod bad_input;
mod coverage;
#[cfg(target_os = "linux")]
mod deaths;
mod deletes;
mod deploy;
mod drill;
mod drill_deaths;
mod drill_faults;
mod drill_instance;
mod failures;
mod faults;
mod fleet;
mod hostile;
mod lost;
mod make_night;
mod nightly;
mod once;
mod restore;
mod schedule;
mod selection;
mod stacks;
mod throttling;
mod unreported;
mod upgrade;
