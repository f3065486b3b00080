//! Follows CloudFormation's work on a stack, and prints each resource when it is done.

use anyhow::{Result, bail};
use aws_sdk_cloudformation::{
    Client,
    types::{ResourceStatus, StackEvent},
};
use jiff::Timestamp;
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};
use tokio::time::sleep;

use crate::{
    account::error,
    deployment::{package::NESTED, stack},
    ui::{interrupt::interrupted, output, progress::Progress},
};

const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(3));

/// Follower of a stack's events.
pub struct StackFollower<'a> {
    cloudformation: &'a Client,
    progress: &'a Progress,
    /// The root stack's id.
    root: &'a str,
    /// Unix time in seconds, by CloudFormation's clock. Older events belong to earlier work.
    since: i64,
    /// Path of each nested stack by stack id. The path of the root is empty.
    stacks: BTreeMap<String, String>,
    seen: BTreeSet<String>,
    /// Resource path and reason of the first failure.
    failure: Option<(String, String)>,
}

impl<'a> StackFollower<'a> {
    /// Starts to follow a stack. Must be called before the work on the stack starts, because earlier events are not shown.
    ///
    /// # Errors
    /// CloudFormation refuses or does not answer.
    pub async fn begin(cloudformation: &'a Client, progress: &'a Progress, root: &'a str) -> Result<Self> {
        let page = cloudformation.describe_stack_events().stack_name(root).send().await;
        let page = page.map_err(|error| error::from_sdk("DescribeStackEvents", error))?;
        // The newest come first.
        let since = page.stack_events().first().and_then(|event| event.timestamp()).map_or(0, |time| time.secs());
        let seen = page.stack_events().iter().filter_map(|event| event.event_id().map(str::to_owned)).collect();
        let stacks = BTreeMap::from([(root.to_owned(), String::new())]);
        Ok(Self { cloudformation, progress, root, since, stacks, seen, failure: None })
    }

    /// Waits until the stack has one of these statuses. Returns false if Ctrl-C or SIGTERM ends the wait.
    ///
    /// # Errors
    /// The stack ends with another status, or CloudFormation refuses or does not answer. The error has the reason of the first resource that
    /// failed.
    pub async fn until(self, wanted: &[&str]) -> Result<bool> {
        let interrupted = interrupted()?;
        let stack = self.root.to_owned();
        tokio::select! {
            biased;
            () = interrupted => {
                output::note(&format!(
                    "\nStopped watching, but CloudFormation continues. To see how far it is: aws cloudformation describe-stacks --stack-name {stack}"
                ));
                Ok(false)
            }
            ended = self.wait(wanted) => ended.map(|()| true),
        }
    }

    async fn wait(mut self, wanted: &[&str]) -> Result<()> {
        let mut pause = PAUSES.0;
        loop {
            // Reads the status first, because its events exist by then.
            let status = stack::find(self.cloudformation, self.root).await?.map(|found| found.status.to_string());
            let status = status.unwrap_or_else(|| "DELETE_COMPLETE".to_owned());
            self.read_events().await?;
            let has_ended = ["_COMPLETE", "_FAILED"].iter().any(|end| status.ends_with(end));
            if has_ended && self.seen.contains(self.root) {
                if wanted.contains(&status.as_str()) {
                    return Ok(());
                }
                match self.failure {
                    Some((path, reason)) => bail!("the stack is {status}: {path}: {reason}"),
                    None => bail!("the stack is {status}, and no resource says why"),
                }
            }
            sleep(pause).await;
            pause = (pause * 2).min(PAUSES.1);
        }
    }

    async fn read_events(&mut self) -> Result<()> {
        let mut unread: Vec<_> = self.stacks.keys().cloned().collect();
        while let Some(stack) = unread.pop() {
            for event in self.news(&stack).await? {
                unread.extend(self.take(&stack, &event));
            }
        }
        Ok(())
    }

    /// Returns the events of a stack that were not read yet, oldest first.
    async fn news(&mut self, stack: &str) -> Result<Vec<StackEvent>> {
        let mut pages = self.cloudformation.describe_stack_events().stack_name(stack).into_paginator().send();
        let mut news = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| error::from_sdk("DescribeStackEvents", error))?;
            let before = news.len();
            let is_recent = |event: &&StackEvent| event.timestamp().is_some_and(|time| time.secs() >= self.since);
            let events = page.stack_events().iter().filter(is_recent);
            news.extend(events.filter(|event| !self.seen.contains(event.event_id().unwrap_or_default())).cloned());
            if news.len() == before {
                break;
            }
        }
        news.reverse();
        Ok(news)
    }

    /// Prints an event that ends the work on a resource. Returns the id of a nested stack that was not known before.
    fn take(&mut self, stack: &str, event: &StackEvent) -> Option<String> {
        self.seen.insert(event.event_id().unwrap_or_default().to_owned());
        let (logical, physical) = (event.logical_resource_id()?, event.physical_resource_id().unwrap_or_default());
        let status = event.resource_status().map(ResourceStatus::as_str).unwrap_or_default();
        let is_stack_itself = physical == stack;
        let prefix = self.stacks.get(stack).cloned().unwrap_or_default();
        let path = if is_stack_itself { prefix.clone() } else { format!("{prefix}{logical}") };
        let has_ended = ["_COMPLETE", "_FAILED"].iter().any(|end| status.ends_with(end));
        if is_stack_itself && stack == self.root && has_ended {
            self.seen.insert(self.root.to_owned());
        }
        let is_nested = event.resource_type() == Some(NESTED);
        if status.ends_with("_FAILED") && !is_nested && self.failure.is_none() {
            let reason = event.resource_status_reason().unwrap_or("no reason given").to_owned();
            self.failure = Some((path.clone(), reason));
        }
        if has_ended && !is_stack_itself {
            let time = event.timestamp().and_then(|time| Timestamp::from_second(time.secs()).ok()).unwrap_or_default();
            let kind = event.resource_type().unwrap_or_default();
            let reason = event.resource_status_reason().filter(|_| status.ends_with("_FAILED"));
            let reason = reason.map(|reason| format!(": {reason}")).unwrap_or_default();
            self.progress.say(time, status, &format!("{path} ({kind}){reason}"));
        }
        let is_unknown = is_nested && !is_stack_itself && !physical.is_empty() && !self.stacks.contains_key(physical);
        is_unknown.then(|| {
            self.stacks.insert(physical.to_owned(), format!("{path}/"));
            physical.to_owned()
        })
    }
}
