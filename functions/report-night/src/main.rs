//! Lambda's entry point of `report-night`.

use report_night::{Clients, Input, Settings, handle};
use runtime::{Aws, serve, setting};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), runtime::LambdaError> {
    let aws = Aws::load().await;
    let settings = Settings { backup_stack: setting("BACKUP_STACK"), time_zone: setting("TIME_ZONE") };
    let clients = Clients {
        ec2: |region: &str| aws.ec2(region),
        sfn: aws_sdk_sfn::Client::new(aws.config()),
        ledger: aws.ledger(setting("LEDGER_BUCKET")),
    };
    serve(async |input: Input| {
        let report = handle(&clients, &settings, input).await?;
        report_night::metrics::emit(&report, jiff::Timestamp::now());
        Ok(report_night::Output::of(&report))
    })
    .await
}
