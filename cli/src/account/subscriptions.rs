//! Who is told when a run fails.

use anyhow::Result;

use crate::account::{Account, error, stack::Stack};

/// What to do if nobody is: none if the topic of the emails has a confirmed subscription.
///
/// # Errors
/// SNS refuses or does not answer.
pub async fn missing(account: &Account, stack: &Stack) -> Result<Option<String>> {
    let list = account.sns().list_subscriptions_by_topic().topic_arn(&stack.topic).into_paginator().items().send();
    let listed =
        list.collect::<Result<Vec<_>, _>>().await.map_err(|error| error::of("ListSubscriptionsByTopic", error))?;
    // Until it is confirmed it has the ARN `PendingConfirmation` (SNS API reference, Subscribe).
    let mut arns = listed.iter().filter_map(|one| one.subscription_arn());
    if arns.any(|arn| arn.starts_with("arn:")) {
        return Ok(None);
    }
    let region = &account.region;
    let todo = match listed.is_empty() {
        true => format!(
            "nobody is subscribed to the emails, so nobody learns of a run that fails: `aws sns subscribe --region {region} --topic-arn {} \
             --protocol email --notification-endpoint YOU@EXAMPLE.COM`, then confirm it",
            stack.topic
        ),
        false => "no subscription to the emails is confirmed, so nobody learns of a run that fails: look for the email of AWS that asks".to_owned(),
    };
    Ok(Some(todo))
}
