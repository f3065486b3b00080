//! Lambda's entry point of `delete-one`.

use runtime::{Aws, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), runtime::LambdaError> {
    let aws = Aws::load().await;
    serve(async |input: delete_one::Input| delete_one::handle(&aws.ec2(&input.region), input).await).await
}
