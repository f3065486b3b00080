//! Lambda's entry point of `snapshot-one`.

use runtime::{Aws, serve, setting};
use snapshot_one::{Input, Settings, handle};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), runtime::LambdaError> {
    let aws = Aws::load();
    let settings =
        Settings { backup_stack: setting("BACKUP_STACK"), snapshots_per_second: setting("SNAPSHOTS_PER_SECOND") };
    let ledger = aws.ledger(setting("LEDGER_BUCKET"));
    serve(&setting("BACKUP_STACK"), async |input: Input| {
        handle(&aws.ec2(&input.region), &ledger, &settings, input).await
    })
    .await
}
