//! Entry point of the Lambda function `tag-snapshot`.

use aws::Aws;
use domain::descriptive_tags::Owner;
use lambda::{serve, setting};
use tag_snapshot::{Input, Settings, handle};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::LambdaError> {
    let aws = Aws::load();
    let owner = Owner { client: setting("CLIENT"), project: setting("PROJECT") };
    let settings =
        Settings { owner, tags_not_copied: setting("TAGS_NOT_COPIED"), tags_at_creation: setting("TAGS_AT_CREATION") };
    serve(async |input: Input| handle(&aws.ec2(&input.region), &settings, input).await).await
}
