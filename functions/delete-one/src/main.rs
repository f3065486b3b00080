//! Lambda's entry point of `delete-one`.

use delete_one::{Input, handle};
use runtime::{Aws, serve, setting};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), runtime::LambdaError> {
    let aws = Aws::load();
    let per_second = setting("SNAPSHOTS_PER_SECOND");
    serve(&setting("BACKUP_STACK"), async |input: Input| handle(&aws.ec2(&input.region), &per_second, input).await)
        .await
}
