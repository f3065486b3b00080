//! Entry point of the Lambda function `discover-volumes`.

use aws::Aws;
use discover_volumes::{Input, Settings, handle};
use lambda::{any_night, serve, setting};
use ledger::Ledger;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::LambdaError> {
    let aws = Aws::load();
    let ledger = Ledger::new(aws.s3(), setting("LEDGER_BUCKET"));
    let settings = Settings {
        backup_stack: setting("BACKUP_STACK"),
        time_zone: setting("TIME_ZONE"),
        volume_tag: setting("VOLUME_TAG"),
        tags_not_copied: setting("TAGS_NOT_COPIED"),
        tags_at_creation: setting("TAGS_AT_CREATION"),
        snapshots_per_second: setting("SNAPSHOTS_PER_SECOND"),
        keep: setting("KEEP"),
        plans: setting("PLANS"),
        weekly_on: setting("WEEKLY_ON"),
        days_between_runs: setting("DAYS_BETWEEN_RUNS"),
        any_night: any_night(),
    };
    serve(async |input: Input| handle(aws.home(), &aws.ec2(&input.region), &ledger, &settings, input).await).await
}
