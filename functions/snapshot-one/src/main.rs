//! Lambda's entry point of `snapshot-one`.

use aws::Aws;
use lambda::{serve, setting};
use snapshot_one::{Input, Settings, handle};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::LambdaError> {
    let aws = Aws::load();
    let settings =
        Settings { backup_stack: setting("BACKUP_STACK"), snapshots_per_second: setting("SNAPSHOTS_PER_SECOND") };
    serve(async |input: Input| handle(&aws.ec2(&input.region), &settings, input).await).await
}
