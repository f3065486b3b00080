//! Lambda's entry point of `tag-snapshot`.

use domain::tags::Owner;
use runtime::{Aws, serve, setting};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), runtime::LambdaError> {
    let aws = Aws::load();
    let owner = Owner { client: setting("CLIENT"), project: setting("PROJECT") };
    serve(&setting("BACKUP_STACK"), async |input: tag_snapshot::Input| {
        tag_snapshot::handle(&aws.ec2(&input.region), &owner, input).await
    })
    .await
}
