//! Lambda's entry point of `check-one`.

use check_one::{handle, server::Server};
use domain::drill_wire::Progress;
use jiff::Timestamp;
use runtime::{Aws, Throttles, serve, setting};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), runtime::LambdaError> {
    let aws = Aws::load();
    let ssm = aws_sdk_ssm::config::Builder::from(aws.config()).interceptor(Throttles).build();
    let server = Server { ssm: aws_sdk_ssm::Client::from_conf(ssm), document: setting("DRILL_DOCUMENT") };
    serve(&setting("BACKUP_STACK"), async |input: Progress| {
        handle(&aws.ec2(&input.region), &server, Timestamp::now(), input).await
    })
    .await
}
