//! Lambda's entry point of `report-drill`.

use aws_sdk_sfn::config::retry::RetryConfig;
use jiff::Timestamp;
use report_drill::{Input, Output, Settings, handle};
use runtime::{Aws, Throttles, serve, setting};

/// The SDK's attempts at a call to Step Functions, whose buckets many rounds empty.
const ATTEMPTS: u32 = 10;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), runtime::LambdaError> {
    let aws = Aws::load();
    let settings = Settings { backup_stack: setting("BACKUP_STACK"), time_zone: setting("TIME_ZONE") };
    let ledger = aws.ledger(setting("LEDGER_BUCKET"));
    let sfn = aws_sdk_sfn::config::Builder::from(aws.config()).interceptor(Throttles);
    let sfn = sfn.retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS)).build();
    let sfn = aws_sdk_sfn::Client::from_conf(sfn);
    serve(&setting("BACKUP_STACK"), async |input: Input| {
        let say = |line| println!("{line}");
        let drill = handle(&sfn, &ledger, &settings, Timestamp::now, &say, input).await?;
        Ok(Output::of(&drill))
    })
    .await
}
