//! The endpoint and the command over HTTP, in front of moto's EC2.

mod caller;
mod command;
mod control;
mod faults;
mod moto;
mod rules;
mod volumes;

use caller::Caller;
use moto::Moto;
use std::time::Duration;
use strict_ec2::{Rules, StrictEc2};

/// The longest wait for a process or an answer. No test needs it; a test that reaches it fails with a message.
const DEADLINE: Duration = Duration::from_secs(120);

/// Starts moto with an endpoint in front of it.
fn start(rules: Rules) -> (StrictEc2, Caller) {
    let moto = Moto::start();
    let strict = StrictEc2::listen(rules);
    strict.forward_to(&moto.url);
    let ec2 = Caller::new(&strict.url, moto);
    (strict, ec2)
}
