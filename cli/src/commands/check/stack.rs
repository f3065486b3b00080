//! Checks the stack: its status, its drift, its release, its schedule and its last run.

use anyhow::{Context, Result};
use aws_sdk_cloudformation::types::{StackDriftDetectionStatus, StackDriftStatus, StackResourceDriftStatus};
use aws_sdk_scheduler::types::ScheduleState;
use jiff::{SignedDuration, Timestamp};
use report::summary::STALE;
use std::time::Duration;
use tokio::time::sleep;

use super::{CheckResult, Finding};
use crate::{
    account::{
        Account, error,
        executions::{RunHistory, RunStatus},
        stack::Stack,
    },
    deployment::{
        files::Files,
        releases, schedule,
        stack::{self, Resource},
    },
    ui::text::{age, plural},
};

/// Lists the resources of the stack and of the stacks nested in it.
///
/// # Errors
/// CloudFormation refuses or does not answer.
pub async fn resources(account: &Account, stack: &Stack) -> Result<Vec<Resource>> {
    stack::resources(&account.cloudformation(), &stack.name).await
}

pub async fn status(account: &Account, stack: &Stack) -> CheckResult {
    let found = stack::find(&account.cloudformation(), &stack.name).await?.context("the stack is gone")?;
    let status = found.status.to_string();
    Ok(match found.require_deployable(&account.region) {
        Ok(()) => Finding::fine("stack", format!("{} is {status}", stack.name)),
        Err(error) => Finding::problem("stack", format!("{} is {status}", stack.name), error.to_string()),
    })
}

/// Compares the resources with the template, which takes CloudFormation some minutes.
pub async fn drift(account: &Account, stack: &Stack) -> CheckResult {
    let cloudformation = account.cloudformation();
    let detection = cloudformation.detect_stack_drift().stack_name(&stack.name).send().await;
    let detection = detection.map_err(|error| error::from_sdk("DetectStackDrift", error))?;
    let id = detection.stack_drift_detection_id().context("DetectStackDrift: the answer has no id")?;
    let ended = loop {
        let status = cloudformation.describe_stack_drift_detection_status().stack_drift_detection_id(id).send().await;
        let status = status.map_err(|error| error::from_sdk("DescribeStackDriftDetectionStatus", error))?;
        if status.detection_status() != Some(&StackDriftDetectionStatus::DetectionInProgress) {
            break status;
        }
        sleep(Duration::from_secs(2)).await;
    };
    if ended.stack_drift_status() != Some(&StackDriftStatus::Drifted) {
        return Ok(Finding::fine("drift", "no resource was changed outside CloudFormation"));
    }
    let changed = cloudformation.describe_stack_resource_drifts().stack_name(&stack.name);
    let changed = changed.stack_resource_drift_status_filters(StackResourceDriftStatus::Modified);
    let changed = changed.stack_resource_drift_status_filters(StackResourceDriftStatus::Deleted).send().await;
    let changed = changed.map_err(|error| error::from_sdk("DescribeStackResourceDrifts", error))?;
    let names: Vec<_> = changed.stack_resource_drifts().iter().filter_map(|one| one.logical_resource_id()).collect();
    Ok(Finding::warning(
        "drift",
        format!("changed or deleted outside CloudFormation: {}", names.join(", ")),
        "undo that, or put it into the template",
    ))
}

/// Compares the stack's functions with those of this program. Skips the comparison if this program has no files.
pub async fn release(account: &Account, stack: &Stack) -> CheckResult {
    let Ok(files) = Files::open(None) else {
        return Ok(Finding::fine(
            "release",
            format!("nightly {}, without templates to compare", env!("CARGO_PKG_VERSION")),
        ));
    };
    let found = stack::find(&account.cloudformation(), &stack.name).await?.context("the stack is gone")?;
    let deployed = found.parameters.get(releases::PARAMETER).map(String::as_str).unwrap_or_default();
    let digests = releases::digests(&files, &found.parameters)?;
    Ok(match releases::next_releases(deployed, &digests, None) == deployed {
        true => Finding::fine("release", "the stack has the functions of this nightly"),
        false => Finding::warning("release", "this nightly has other functions than the stack", "deploy again"),
    })
}

pub async fn schedule(account: &Account, stack: &Stack, resources: &[Resource], now: Timestamp) -> CheckResult {
    let name = resources.iter().find(|one| one.kind == "AWS::Scheduler::Schedule" && one.logical_id == "Schedule");
    let name = name.context("the stack has no schedule")?;
    let schedule = account.scheduler().get_schedule().name(&name.physical_id).send().await;
    let schedule = schedule.map_err(|error| error::from_sdk("GetSchedule", error))?;
    let expression = schedule.schedule_expression().unwrap_or_default();
    let zone = schedule.schedule_expression_timezone().unwrap_or("UTC");
    if schedule.state() != Some(&ScheduleState::Enabled) {
        let enable = "enable it in the EventBridge Scheduler console";
        return Ok(Finding::problem("schedule", format!("{} is disabled, so no run starts", name.physical_id), enable));
    }
    let days = schedule::days_between_runs(expression);
    if days != stack.days_between_runs {
        let finding = format!(
            "{expression} pauses for {} at most, but the alarms expect {}",
            plural(days as usize, "day"),
            stack.days_between_runs
        );
        return Ok(Finding::warning("schedule", finding, "deploy again: `nightly deploy` adjusts the alarms"));
    }
    if days > 7 {
        let finding = format!(
            "{expression} in {zone}: no alarm can watch for a missing run, because it pauses for more than a week"
        );
        return Ok(Finding::warning(
            "schedule",
            finding,
            "run `nightly status` after each run, in a cron job outside AWS",
        ));
    }
    let next = now.in_tz(zone).ok().and_then(|now| schedule::next_run(expression, &now).ok());
    let next = next.map(|next| format!(", next run at {}", next.strftime("%F %H:%M %Z"))).unwrap_or_default();
    Ok(Finding::fine("schedule", format!("enabled: {expression} in {zone}{next}")))
}

pub async fn last_run(account: &Account, stack: &Stack, now: Timestamp) -> CheckResult {
    let starts = RunHistory::new(account, stack).last(1).await?;
    let Some(last) = starts.iter().find(|start| start.is_real_and_over()) else {
        return Ok(Finding::problem("last run", "no run has ended yet", "start one with `nightly run`"));
    };
    let ago = last.ended.map_or(SignedDuration::ZERO, |ended| now.duration_since(ended));
    let finding = format!("ended {} ago", age(ago));
    Ok(match (&last.outcome, ago > STALE + stack.longer_pause()) {
        (RunStatus::Complete, false) => Finding::fine("last run", format!("complete, {finding}")),
        (RunStatus::Complete, true) => Finding::problem("last run", finding, "check the schedule"),
        _ => Finding::problem("last run", format!("not complete, {finding}"), "see `nightly status`"),
    })
}

/// Returns the number of Regions: `1 Region`, `2 Regions`.
pub fn regions(stack: &Stack) -> String {
    plural(stack.regions.len(), "Region")
}
