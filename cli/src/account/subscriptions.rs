//! Subscriptions to the emails.

use anyhow::Result;
use aws_sdk_sns::Client;

use crate::account::error;

/// Returns the problem and the remedy if the topic of the emails has no confirmed subscription.
///
/// # Errors
/// SNS refuses or does not answer.
pub async fn missing(sns: &Client, topic: &str, region: &str) -> Result<Option<String>> {
    let list = sns.list_subscriptions_by_topic().topic_arn(topic).into_paginator().items().send();
    let listed = list
        .collect::<Result<Vec<_>, _>>()
        .await
        .map_err(|error| error::from_sdk("ListSubscriptionsByTopic", error))?;
    // An unconfirmed subscription has the ARN `PendingConfirmation` (SNS API reference, Subscribe).
    let mut arns = listed.iter().filter_map(|one| one.subscription_arn());
    if arns.any(|arn| arn.starts_with("arn:")) {
        return Ok(None);
    }
    let todo = match listed.is_empty() {
        true => format!(
            "nobody is subscribed to the emails, so nobody is alerted if a run fails: `aws sns subscribe --region {region} --topic-arn {topic} \
             --protocol email --notification-endpoint YOU@EXAMPLE.COM`, then confirm it"
        ),
        false => "no subscription to the emails is confirmed, so nobody is alerted if a run fails: follow the link in AWS's email".to_owned(),
    };
    Ok(Some(todo))
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_sns::{operation::list_subscriptions_by_topic::ListSubscriptionsByTopicOutput, types::Subscription};
    use aws_smithy_mocks::{RuleMode, mock, mock_client};

    async fn error_text(arns: &'static [&'static str]) -> Option<String> {
        let list = mock!(Client::list_subscriptions_by_topic).then_output(|| {
            let all = arns.iter().map(|arn| Subscription::builder().subscription_arn(*arn).build()).collect();
            ListSubscriptionsByTopicOutput::builder().set_subscriptions(Some(all)).build()
        });
        missing(&mock_client!(aws_sdk_sns, RuleMode::MatchAny, &[&list]), "arn:topic", "eu-west-1").await.unwrap()
    }

    #[tokio::test]
    async fn only_a_confirmed_subscription_is_one() {
        assert_eq!(error_text(&["PendingConfirmation", "arn:aws:sns:eu-west-1:1:t:s"]).await, None);
        assert!(
            error_text(&["PendingConfirmation"])
                .await
                .unwrap()
                .starts_with("no subscription to the emails is confirmed")
        );
        assert!(error_text(&[]).await.unwrap().contains("--region eu-west-1 --topic-arn arn:topic"));
    }
}
