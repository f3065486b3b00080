//! Entry point of the Lambda function `find-expired`.

use aws::Aws;
use find_expired::{Input, Settings, handle};
use lambda::{serve, setting};
use ledger::Ledger;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::LambdaError> {
    let aws = Aws::load();
    let ledger = Ledger::new(aws.s3(), setting("LEDGER_BUCKET"));
    let settings = Settings {
        backup_stack: setting("BACKUP_STACK"),
        keep: setting("KEEP"),
        plans: setting("PLANS"),
        weekly_on: setting("WEEKLY_ON"),
        days_between_runs: setting("DAYS_BETWEEN_RUNS"),
    };
    serve(async |input: Input| handle(&aws.ec2(&input.region), &ledger, &settings, input).await).await
}
