//! Lambda's entry point of `report-night`.

use aws::Aws;
use aws_sdk_sfn::config::retry::RetryConfig;
use lambda::{serve, setting};
use ledger::Ledger;
use report_night::{Clients, Input, Output, Settings, handle};

/// The SDK's attempts at a call to Step Functions, whose buckets many failed children empty.
const ATTEMPTS: u32 = 10;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::LambdaError> {
    let aws = Aws::load();
    let settings = Settings { backup_stack: setting("BACKUP_STACK"), time_zone: setting("TIME_ZONE") };
    let patient = aws_sdk_sfn::config::Builder::from(aws.config())
        .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
        .build();
    let clients = Clients {
        ec2: |region: &str| aws.ec2(region),
        sfn: aws_sdk_sfn::Client::from_conf(patient),
        ledger: Ledger::new(aws.s3(), setting("LEDGER_BUCKET")),
    };
    serve(async |input: Input| {
        let reported = handle(&clients, &settings, jiff::Timestamp::now, input).await?;
        if let Some(metrics) = report::metrics::of_night(&reported.night) {
            println!("{metrics}");
        }
        Ok(Output::of(reported))
    })
    .await
}
