//! Lambda's entry point of `drill-report`.

use aws::Aws;
use aws_sdk_sfn::config::retry::RetryConfig;
use drill_report::{Clients, Input, Output, Settings, handle};
use lambda::{serve, setting};

/// The SDK's attempts at a call to Step Functions, whose buckets many rounds empty.
const ATTEMPTS: u32 = 10;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::LambdaError> {
    let aws = Aws::load();
    let settings = Settings { backup_stack: setting("BACKUP_STACK"), time_zone: setting("TIME_ZONE") };
    let patient = aws_sdk_sfn::config::Builder::from(aws.config())
        .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
        .build();
    let sfn = aws_sdk_sfn::Client::from_conf(patient);
    let clients = Clients { sfn, ledger: ledger::Ledger::new(aws.s3(), setting("LEDGER_BUCKET")) };
    serve(async |input: Input| {
        let drill = handle(&clients, &settings, jiff::Timestamp::now, |line| println!("{line}"), input).await?;
        println!("{}", report::metrics::of_drill(&drill));
        Ok(Output::of(&drill))
    })
    .await
}
