//! Entry point of the Lambda function `drill-report`.

use aws::Aws;
use drill_report::{Input, Output, Settings, handle};
use lambda::{serve, setting};
use ledger::Ledger;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::LambdaError> {
    let aws = Aws::load();
    let settings =
        Settings { backup_stack: setting("BACKUP_STACK"), stack: setting("STACK"), time_zone: setting("TIME_ZONE") };
    let ledger = Ledger::new(aws.s3(), setting("LEDGER_BUCKET"));
    serve(async |input: Input| {
        let report = handle(&ledger, &settings, jiff::Timestamp::now, |line| println!("{line}"), input).await?;
        println!("{}", report::metrics::drill_metrics(&report));
        Ok(Output::from(report))
    })
    .await
}
