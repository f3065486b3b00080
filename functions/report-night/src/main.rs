//! Entry point of the Lambda function `report-night`.

use aws::Aws;
use domain::rules::Rules;
use lambda::{serve, setting};
use ledger::Ledger;
use report::{metrics, summary::Summary};
use report_night::{Input, Output, Settings, handle};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::LambdaError> {
    let aws = Aws::load();
    let settings = Settings {
        backup_stack: setting("BACKUP_STACK"),
        stack: setting("STACK"),
        time_zone: setting("TIME_ZONE"),
        rules: Rules { keep: setting("KEEP"), plans: setting("PLANS") },
        weekly_on: setting("WEEKLY_ON"),
    };
    let ledger = Ledger::new(aws.s3(), setting("LEDGER_BUCKET"));
    serve(async |input: Input| {
        let report = handle(|region| aws.ec2(region), &ledger, &settings, jiff::Timestamp::now, input).await?;
        if let Some(metrics) = metrics::run_metrics(&Summary::from(&report)) {
            println!("{metrics}");
        }
        Ok(Output::from(report))
    })
    .await
}
