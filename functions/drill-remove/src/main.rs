//! Lambda's entry point of `drill-remove`.

use aws::Aws;
use domain::drill::messages::Progress;
use drill_remove::handle;
use jiff::Timestamp;
use lambda::{serve, setting};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::LambdaError> {
    let aws = Aws::load();
    let stack = setting("BACKUP_STACK");
    let remove = async |input: Progress| handle(&aws.ec2(&input.region), &stack, Timestamp::now(), input).await;
    serve(remove).await
}
