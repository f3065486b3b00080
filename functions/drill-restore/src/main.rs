//! Lambda's entry point of `drill-restore`.

use aws::Aws;
use domain::drill::messages::Progress;
use drill_restore::handle;
use lambda::{serve, setting};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::LambdaError> {
    let aws = Aws::load();
    let stack = setting("BACKUP_STACK");
    serve(async |input: Progress| handle(&aws.ec2(&input.region), &stack, input).await).await
}
