//! `nightly restore`: creates a volume like its original from a restore point, or every volume of a server.
//!
//! # Layout
//! - [`sources`]: the EC2 resources. [`choose`]: the restore point of one volume. [`server`]: the restore points of a server.
//! - [`target`]: the zone and the instance. [`device`]: the device.
//! - [`plan`]: the complete plan, which only needs read calls. [`marketplace`]: volumes that cannot be attached to a running server.
//! - [`make`]: carries out the plan. [`report`]: the plan and its result as text.

pub mod choose;
pub mod device;
pub mod make;
pub mod marketplace;
pub mod plan;
pub mod report;
pub mod server;
pub mod sources;
pub mod target;

use anyhow::Result;
use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    Exit,
    account::{
        Account,
        ec2::Region,
        inventory::{each_region, readable},
        stack::Stack,
    },
    cli::Restore,
    ui::{output, progress::Progress},
};
use make::Maker;
use plan::RestorePlan;
use report::RestoreOutcome;
use sources::Sources;

/// Restores, or prints the plan.
pub async fn run(account: &Account, stack: &Stack, asked: &Restore, json: bool) -> Result<Exit> {
    let read = async |region: Region| Sources::read(&region, &stack.backup_stack, asked).await;
    let (parts, _) = readable(each_region(account, &stack.regions, read).await)?;
    let mut found = Sources::default();
    parts.into_iter().for_each(|part| found.add(part));
    let mut plan = RestorePlan::new(&found, asked, stack)?;
    let region = Region { name: plan.region.clone(), client: account.ec2(&plan.region) };
    marketplace::require_stopped(&region, &mut plan).await?;
    if asked.plan {
        print_report(&plan, RestoreOutcome::Planned, json)?;
        return Ok(Exit::Good);
    }
    if plan.is_done() {
        print_report(&plan, RestoreOutcome::Found, json)?;
        return Ok(Exit::Good);
    }
    let mut maker = Maker { region, progress: Progress::on_stderr(stack.time_zone.clone()) };
    let done = maker.carry_out(&mut plan).await;
    let outcome = if done.is_ok() { RestoreOutcome::Done } else { RestoreOutcome::Partly };
    if done.is_ok() || plan.volumes.iter().any(|planned| planned.restored.is_some()) {
        print_report(&plan, outcome, json)?;
    }
    done.map(|()| Exit::Good)
}

/// Plan and its outcome as JSON.
#[derive(JsonSchema, Serialize)]
pub struct RestoreReport<'a> {
    outcome: RestoreOutcome,
    #[serde(flatten)]
    plan: &'a RestorePlan,
}

fn print_report(plan: &RestorePlan, outcome: RestoreOutcome, json: bool) -> Result<()> {
    output::answer(json, &RestoreReport { outcome, plan }, |terminal| plan.text(outcome, terminal))
}

#[cfg(test)]
mod tests;
