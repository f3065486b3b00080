//! Recreates a ledger bucket that was deleted. A deployment does not recreate it, because the template has not changed.

use anyhow::Result;
use aws_sdk_s3::{
    Client,
    types::{
        LifecycleExpiration, LifecycleRule, ServerSideEncryption, ServerSideEncryptionByDefault,
        ServerSideEncryptionConfiguration, ServerSideEncryptionRule,
    },
};

use crate::{
    account::error,
    deployment::artifacts::{create_bucket, make_private, put_lifecycle, require_tls},
};

/// Days for which the ledger keeps its lists and reports, as in `LedgerBucket` of infra/backup.yaml.
pub const DAYS: i32 = 400;

/// Returns whether the bucket is missing.
///
/// # Errors
/// S3 refuses or does not answer.
pub async fn is_missing(s3: &Client, bucket: &str) -> Result<bool> {
    match s3.head_bucket().bucket(bucket).send().await {
        Ok(_) => Ok(false),
        Err(error) if error.raw_response().is_some_and(|raw| raw.status().as_u16() == 404) => Ok(true),
        Err(error) => Err(error::from_sdk("HeadBucket", error)),
    }
}

/// Creates the bucket with the settings of infra/backup.yaml. `key` is the value of `KmsKeyArn`, or empty.
///
/// # Errors
/// The name is taken, or S3 refuses.
pub async fn create(s3: &Client, bucket: &str, region: &str, partition: &str, key: &str) -> Result<()> {
    create_bucket(s3, bucket, region).await?;
    make_private(s3, bucket).await?;
    require_tls(s3, bucket, partition).await?;
    let old = LifecycleExpiration::builder().days(DAYS).build();
    put_lifecycle(s3, bucket, LifecycleRule::builder().id("ForgetOldNights").expiration(old)).await?;
    if !key.is_empty() {
        let default = ServerSideEncryptionByDefault::builder().sse_algorithm(ServerSideEncryption::AwsKms);
        let default = default.kms_master_key_id(key).build()?;
        let rule = ServerSideEncryptionRule::builder().apply_server_side_encryption_by_default(default);
        let rules =
            ServerSideEncryptionConfiguration::builder().rules(rule.bucket_key_enabled(true).build()).build()?;
        let put = s3.put_bucket_encryption().bucket(bucket).server_side_encryption_configuration(rules).send().await;
        put.map_err(|error| error::from_sdk("PutBucketEncryption", error))?;
    }
    Ok(())
}
