//! Entry point of the Lambda function `drill-choose`.

use aws::Aws;
use domain::descriptive_tags::Owner;
use drill_choose::{Input, Settings, handle};
use lambda::{any_night, serve, setting};
use ledger::Ledger;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::LambdaError> {
    let aws = Aws::load();
    let ledger = Ledger::new(aws.s3(), setting("LEDGER_BUCKET"));
    let sfn = aws_sdk_sfn::Client::new(aws.config());
    let settings = Settings {
        backup_stack: setting("BACKUP_STACK"),
        time_zone: setting("TIME_ZONE"),
        zones: setting("DRILL_ZONES"),
        instance: setting("DRILL_INSTANCE"),
        volumes: setting("DRILL_VOLUMES"),
        gibibytes: setting("DRILL_GIB"),
        weeks: setting("DRILL_WEEKS"),
        owner: Owner { client: setting("CLIENT"), project: setting("PROJECT") },
        tags_at_creation: setting("TAGS_AT_CREATION"),
        regions: setting("REGIONS"),
        any_night: any_night(),
        home: aws.config().region().map(ToString::to_string).unwrap_or_default(),
    };
    serve(async |input: Input| handle(&aws.ec2(&input.region), &sfn, &ledger, &settings, input).await).await
}
