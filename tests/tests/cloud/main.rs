//! End-to-end tests, each on its own local cloud. They wait more than they compute, so `make test` runs several at once.

mod bad_input;
mod coverage;
#[cfg(target_os = "linux")]
mod deaths;
mod deletes;
mod deploy;
mod deploy_refused;
mod drill;
mod drill_deaths;
mod drill_faults;
mod drill_instance;
mod failures;
mod faults;
mod fleet;
mod hostile;
mod json_output;
mod lost_ledger;
mod make_night;
mod nightly;
mod once;
mod plans;
mod restore;
mod schedule;
mod second_engine;
mod selection;
mod side_by_side;
mod stacks;
mod throttling;
mod unreported;
mod up;
mod upgrade;
