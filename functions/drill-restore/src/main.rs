//! Entry point of the Lambda function `drill-restore`.

use aws::Aws;
use drill_restore::{Input, handle};
use lambda::{serve, setting};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::LambdaError> {
    let aws = Aws::load();
    let stack = setting("BACKUP_STACK");
    serve(async |input: Input| handle(&aws.ec2(&input.region), &stack, input).await).await
}
