//! Lambda's entry point of `snapshot-one`.

use runtime::{Aws, serve, setting};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), runtime::LambdaError> {
    let aws = Aws::load().await;
    let stack = setting("BACKUP_STACK");
    serve(async |input: snapshot_one::Input| snapshot_one::handle(&aws.ec2(&input.region), &stack, input).await).await
}
