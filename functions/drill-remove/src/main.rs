//! Lambda's entry point of `drill-remove`.

use domain::drill_wire::Progress;
use drill_remove::handle;
use jiff::Timestamp;
use runtime::{Aws, serve, setting};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), runtime::LambdaError> {
    let aws = Aws::load();
    let stack = setting("BACKUP_STACK");
    let remove = async |input: Progress| handle(&aws.ec2(&input.region), &stack, Timestamp::now(), input).await;
    serve(&stack, remove).await
}
