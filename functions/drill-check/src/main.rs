//! Lambda's entry point of `drill-check`.

use domain::drill_wire::Progress;
use drill_check::{Clients, Settings, handle};
use jiff::Timestamp;
use runtime::{Aws, Throttles, serve, setting};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), runtime::LambdaError> {
    let aws = Aws::load();
    let settings = Settings { backup_stack: setting("BACKUP_STACK"), document: setting("DRILL_DOCUMENT") };
    let ssm = aws_sdk_ssm::config::Builder::from(aws.config()).interceptor(Throttles).build();
    let ssm = aws_sdk_ssm::Client::from_conf(ssm);
    serve(&setting("BACKUP_STACK"), async |input: Progress| {
        let clients = Clients { ec2: aws.ec2(&input.region), ssm: ssm.clone() };
        handle(&clients, &settings, Timestamp::now(), input).await
    })
    .await
}
