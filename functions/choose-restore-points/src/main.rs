//! Lambda's entry point of `choose-restore-points`.

use choose_restore_points::{Clients, Input, Settings, handle};
use runtime::{Aws, Throttles, serve, setting};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), runtime::LambdaError> {
    let aws = Aws::load();
    let ledger = aws.ledger(setting("LEDGER_BUCKET"));
    let sfn = aws_sdk_sfn::config::Builder::from(aws.config()).interceptor(Throttles).build();
    let sfn = aws_sdk_sfn::Client::from_conf(sfn);
    let settings = |is_home| Settings {
        backup_stack: setting("BACKUP_STACK"),
        time_zone: setting("TIME_ZONE"),
        zones: setting("DRILL_ZONES"),
        instance: setting("DRILL_INSTANCE"),
        is_home,
        volumes: setting("DRILL_VOLUMES"),
        gibibytes: setting("DRILL_GIB"),
        weeks: setting("DRILL_WEEKS"),
    };
    serve(&setting("BACKUP_STACK"), async |input: Input| {
        let is_home = aws.config().region().is_some_and(|home| home.as_ref() == input.region);
        let clients = Clients { ec2: aws.ec2(&input.region), sfn: sfn.clone() };
        handle(&clients, &ledger, &settings(is_home), input).await
    })
    .await
}
