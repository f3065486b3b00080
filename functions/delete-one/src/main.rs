//! Entry point of the Lambda function `delete-one`.

use aws::Aws;
use delete_one::{Input, handle};
use lambda::{serve, setting};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::LambdaError> {
    let aws = Aws::load();
    let per_second = setting("SNAPSHOTS_PER_SECOND");
    serve(async |input: Input| handle(&aws.ec2(&input.region), &per_second, input).await).await
}
