//! Lambda's entry point of `drill-choose`.

use drill_choose::{Input, Settings, handle};
use runtime::{Aws, Throttles, serve, setting};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), runtime::LambdaError> {
    let aws = Aws::load();
    let ledger = aws.ledger(setting("LEDGER_BUCKET"));
    let sfn = aws_sdk_sfn::config::Builder::from(aws.config()).interceptor(Throttles).build();
    let sfn = aws_sdk_sfn::Client::from_conf(sfn);
    let settings = Settings {
        backup_stack: setting("BACKUP_STACK"),
        time_zone: setting("TIME_ZONE"),
        zones: setting("DRILL_ZONES"),
        instance: setting("DRILL_INSTANCE"),
        volumes: setting("DRILL_VOLUMES"),
        gibibytes: setting("DRILL_GIB"),
        weeks: setting("DRILL_WEEKS"),
        home: aws.config().region().map(ToString::to_string).unwrap_or_default(),
    };
    serve(&setting("BACKUP_STACK"), async |input: Input| {
        handle(&aws.ec2(&input.region), &sfn, &ledger, &settings, input).await
    })
    .await
}
