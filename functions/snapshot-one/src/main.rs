//! Entry point of the Lambda function `snapshot-one`.

use aws::Aws;
use domain::descriptive_tags::Owner;
use lambda::{serve, setting};
use snapshot_one::{Input, Settings, handle};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::LambdaError> {
    let aws = Aws::load();
    let settings = Settings {
        backup_stack: setting("BACKUP_STACK"),
        snapshots_per_second: setting("SNAPSHOTS_PER_SECOND"),
        owner: Owner { client: setting("CLIENT"), project: setting("PROJECT") },
        tags_at_creation: setting("TAGS_AT_CREATION"),
    };
    serve(async |input: Input| handle(&aws.ec2(&input.region), &settings, input).await).await
}
