//! Lambda's entry point of `report-night`.

use aws_sdk_sfn::config::retry::RetryConfig;
use report_night::{Clients, Input, Settings, handle};
use runtime::{Aws, serve, setting};

/// Each failed child execution is a DescribeExecution, of which Step Functions grants 300 at once and then 15 a second, in some
/// Regions 250 and 10 (Step Functions developer guide, "Quotas related to API action throttling"): 5,000 take five to eight
/// minutes of the function's fifteen.
const ATTEMPTS: u32 = 10;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), runtime::LambdaError> {
    let aws = Aws::load().await;
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
        let report = handle(&clients, &settings, input).await?;
        report_night::metrics::emit(&report, jiff::Timestamp::now());
        Ok(report_night::Output::of(&report))
    })
    .await
}
