//! Entry point of the Lambda function `drill-check`.

use aws::Aws;
use drill_check::{Clients, Input, Settings, handle};
use jiff::Timestamp;
use lambda::{serve, setting};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::LambdaError> {
    let aws = Aws::load();
    let settings = Settings { backup_stack: setting("BACKUP_STACK"), document: setting("DRILL_DOCUMENT") };
    let ssm = aws_sdk_ssm::Client::new(aws.config());
    serve(async |input: Input| {
        let clients = Clients { ec2: aws.ec2(&input.region), ssm: ssm.clone() };
        handle(&clients, &settings, Timestamp::now(), input).await
    })
    .await
}
