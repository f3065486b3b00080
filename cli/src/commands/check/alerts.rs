//! Checks the alerts: subscriptions, alarms and dead letters.

use anyhow::Context;
use aws_sdk_cloudwatch::types::StateValue;
use aws_sdk_sqs::types::QueueAttributeName;

use super::{CheckResult, Finding};
use crate::{
    account::{Account, error, stack::Stack, subscriptions},
    deployment::stack::{self, Resource},
    ui::text::plural,
};

pub async fn subscription(account: &Account, stack: &Stack) -> CheckResult {
    Ok(match subscriptions::missing(&account.sns(), &stack.topic, &account.region).await? {
        None => Finding::fine("emails", "the topic has a confirmed subscription"),
        Some(missing) => Finding::problem("emails", missing, "afterwards test it (docs/operating.md, Test the alerts)"),
    })
}

pub async fn alarms(account: &Account, resources: &[Resource]) -> CheckResult {
    let names: Vec<_> = resources.iter().filter(|one| one.kind == "AWS::CloudWatch::Alarm").collect();
    let described = account.cloudwatch().describe_alarms();
    let described = described.set_alarm_names(Some(names.iter().map(|one| one.physical_id.clone()).collect()));
    let described = described.send().await.map_err(|error| error::from_sdk("DescribeAlarms", error))?;
    let alarms = described.metric_alarms();
    let on: Vec<_> = alarms.iter().filter(|alarm| alarm.state_value() == Some(&StateValue::Alarm)).collect();
    if alarms.len() < names.len() {
        let missing = plural(names.len() - alarms.len(), "alarm");
        return Ok(Finding::problem("alarms", format!("the stack lacks {missing}"), "deploy again"));
    }
    Ok(match on.as_slice() {
        [] => Finding::fine("alarms", format!("none of {} is on", plural(alarms.len(), "alarm"))),
        on => {
            let names: Vec<_> = on.iter().filter_map(|alarm| alarm.alarm_name()).collect();
            Finding::problem("alarms", format!("on: {}", names.join(", ")), "see docs/operating.md, Alarms")
        }
    })
}

pub async fn dead_letters(account: &Account, stack: &Stack) -> CheckResult {
    let found = stack::find(&account.cloudformation(), &stack.name).await?.context("the stack is gone")?;
    let queue = found.outputs.get("DeadLetters").context("the stack has no output DeadLetters; deploy it again")?;
    let number = QueueAttributeName::ApproximateNumberOfMessages;
    let asked = account.sqs().get_queue_attributes().queue_url(queue).attribute_names(number.clone()).send().await;
    let asked = asked.map_err(|error| error::from_sdk("GetQueueAttributes", error))?;
    let count = asked.attributes().and_then(|all| all.get(&number)).map(String::as_str).unwrap_or("0");
    Ok(match count {
        "0" => Finding::fine("dead letters", "none"),
        count => Finding::problem(
            "dead letters",
            format!("{count}: a run did not start, or an email was not sent"),
            "read the newest (docs/operating.md, No run started)",
        ),
    })
}
