//! Lambda's entry point of `drill-restore`.

use domain::drill_wire::Progress;
use drill_restore::handle;
use runtime::{Aws, serve, setting};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), runtime::LambdaError> {
    let aws = Aws::load();
    let stack = setting("BACKUP_STACK");
    serve(&stack, async |input: Progress| handle(&aws.ec2(&input.region), &stack, input).await).await
}
