//! Lambda's entry point of `discover-volumes`.

use discover_volumes::{Input, Settings, handle};
use runtime::{Aws, serve, setting};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), runtime::LambdaError> {
    let aws = Aws::load();
    let ledger = aws.ledger(setting("LEDGER_BUCKET"));
    let settings = Settings {
        backup_stack: setting("BACKUP_STACK"),
        time_zone: setting("TIME_ZONE"),
        volume_tag: setting("VOLUME_TAG"),
    };
    serve(&setting("BACKUP_STACK"), async |input: Input| {
        handle(aws.home(), &aws.ec2(&input.region), &ledger, &settings, input).await
    })
    .await
}
