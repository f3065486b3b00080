//! Lambda's entry point of `find-expired`.

use find_expired::{Input, Settings, handle};
use runtime::{Aws, serve, setting};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), runtime::LambdaError> {
    let aws = Aws::load();
    let ledger = aws.ledger(setting("LEDGER_BUCKET"));
    let settings = Settings {
        backup_stack: setting("BACKUP_STACK"),
        keep_dailies: setting("KEEP_DAILIES"),
        quarterly_months: setting("QUARTERLY_MONTHS"),
        keep_quarterlies: setting("KEEP_QUARTERLIES"),
    };
    serve(&setting("BACKUP_STACK"), async |input: Input| {
        handle(&aws.ec2(&input.region), &ledger, &settings, input).await
    })
    .await
}
