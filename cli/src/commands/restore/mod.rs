//! `nightly restore`: creates a volume like its original from a restore point, or every volume of a server.
//!
//! # Layout
//! - [`found`]: the EC2 resources. [`choose`]: the restore point of one volume. [`server`]: the restore points of a server.
//! - [`place`]: the zone and the instance. [`device`]: the device.
//! - [`plan`]: the complete plan, which only needs read calls. [`marketplace`]: volumes that cannot be attached to a running server.
//! - [`make`]: carries out the plan. [`tell`]: the plan and its result as text.

pub mod choose;
pub mod device;
pub mod found;
pub mod make;
pub mod marketplace;
pub mod place;
pub mod plan;
pub mod server;
pub mod tell;

use anyhow::Result;
use serde::Serialize;

use crate::{
    Verdict,
    account::{
        Account,
        ec2::Region,
        inventory::{each_region, readable},
        stack::Stack,
    },
    cli::Restore,
    ui::{output, progress::Progress},
};
use found::Found;
use make::Maker;
use plan::Plan;
use tell::Outcome;

/// Restores, or prints the plan.
pub async fn run(account: &Account, stack: &Stack, asked: &Restore, json: bool) -> Result<Verdict> {
    let read = async |region: Region| Found::read(&region, &stack.backup_stack, asked).await;
    let (parts, _) = readable(each_region(account, &stack.regions, read).await)?;
    let mut found = Found::default();
    parts.into_iter().for_each(|part| found.add(part));
    let mut plan = Plan::new(&found, asked, stack)?;
    let region = Region { name: plan.region.clone(), client: account.ec2(&plan.region) };
    marketplace::require_stopped(&region, &mut plan).await?;
    if asked.plan {
        tell(&plan, Outcome::Planned, json)?;
        return Ok(Verdict::Good);
    }
    if plan.is_done() {
        tell(&plan, Outcome::Found, json)?;
        return Ok(Verdict::Good);
    }
    let mut maker = Maker { region, progress: Progress::on_stderr(stack.time_zone.clone()) };
    let done = maker.carry_out(&mut plan).await;
    let outcome = if done.is_ok() { Outcome::Done } else { Outcome::Partly };
    if done.is_ok() || plan.volumes.iter().any(|planned| planned.restored.is_some()) {
        tell(&plan, outcome, json)?;
    }
    done.map(|()| Verdict::Good)
}

/// Plan and its outcome as JSON.
#[derive(Serialize)]
struct Answer<'a> {
    outcome: Outcome,
    #[serde(flatten)]
    plan: &'a Plan,
}

fn tell(plan: &Plan, outcome: Outcome, json: bool) -> Result<()> {
    output::answer(json, &Answer { outcome, plan }, |terminal| plan.text(outcome, terminal))
}

#[cfg(test)]
mod tests;
