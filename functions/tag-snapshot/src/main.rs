//! Lambda's entry point of `tag-snapshot`.

use aws::Aws;
use domain::description::Owner;
use lambda::{serve, setting};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::LambdaError> {
    let aws = Aws::load();
    let owner = Owner { client: setting("CLIENT"), project: setting("PROJECT") };
    serve(async |input: tag_snapshot::Input| tag_snapshot::handle(&aws.ec2(&input.region), &owner, input).await).await
}
