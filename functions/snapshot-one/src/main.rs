//! Lambda's entry point of `snapshot-one`.

use aws::Aws;
use lambda::{serve, setting};
use ledger::Ledger;
use snapshot_one::{Input, Settings, handle};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::LambdaError> {
    let aws = Aws::load();
    let settings =
        Settings { backup_stack: setting("BACKUP_STACK"), snapshots_per_second: setting("SNAPSHOTS_PER_SECOND") };
    let ledger = Ledger::new(aws.s3(), setting("LEDGER_BUCKET"));
    serve(async |input: Input| handle(&aws.ec2(&input.region), &ledger, &settings, input).await).await
}
