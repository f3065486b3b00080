//! Lambda's entry point of `report-night`.

use aws_sdk_sfn::config::retry::RetryConfig;
use report_night::{Clients, Input, Settings, handle};
use runtime::{Aws, serve, setting};

/// The SDK's attempts at a call to Step Functions, whose buckets many failed children empty.
const ATTEMPTS: u32 = 10;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), runtime::LambdaError> {
    let aws = Aws::load();
    let settings = Settings { backup_stack: setting("BACKUP_STACK"), time_zone: setting("TIME_ZONE") };
    let patient = aws_sdk_sfn::config::Builder::from(aws.config())
        .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
        .build();
    let clients = Clients {
        ec2: |region: &str| aws.ec2(region),
        sfn: aws_sdk_sfn::Client::from_conf(patient),
        ledger: aws.ledger(setting("LEDGER_BUCKET")),
    };
    serve(async |input: Input| {
        let night = handle(&clients, &settings, jiff::Timestamp::now, input).await?;
        report_night::metrics::emit(&night, jiff::Timestamp::now());
        Ok(report_night::Output::of(&night))
    })
    .await
}
