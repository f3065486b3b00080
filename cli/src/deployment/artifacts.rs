//! Bucket of the uploaded files. There is one for each stack, account and Region.

use anyhow::{Result, bail};
use aws_sdk_s3::{
    Client,
    error::ProvideErrorMetadata,
    presigning::PresigningConfig,
    primitives::ByteStream,
    types::{
        AbortIncompleteMultipartUpload, BucketLifecycleConfiguration, BucketLocationConstraint, BucketVersioningStatus,
        CreateBucketConfiguration, ExpirationStatus, LifecycleRule, LifecycleRuleFilter, NoncurrentVersionExpiration,
        PublicAccessBlockConfiguration, VersioningConfiguration,
    },
};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use crate::account::{Account, error, identity::CallerIdentity};

/// Maximum length of a bucket name, in characters (S3 user guide, "General purpose bucket naming rules").
const LONGEST_NAME: usize = 63;
/// Days for which S3 keeps an object that no deployment uses any more.
const DAYS_OF_OLD_VERSIONS: i32 = 30;

pub struct Artifacts<'a> {
    s3: Client,
    identity: &'a CallerIdentity,
    account: &'a Account,
    pub bucket: String,
}

impl<'a> Artifacts<'a> {
    /// Returns the bucket of a stack. The bucket name contains the account id, so that nobody else has it by chance.
    ///
    /// # Errors
    /// The stack name is too long for a bucket name.
    pub fn name(account: &'a Account, identity: &'a CallerIdentity, stack: &str) -> Result<Self> {
        let ending = format!("-artifacts-{}-{}", identity.account, account.region);
        if stack.len() + ending.len() > LONGEST_NAME {
            let most = LONGEST_NAME.saturating_sub(ending.len());
            bail!("the stack name {stack} is too long: at most {most} characters in {}", account.region);
        }
        let bucket = (stack.to_owned() + &ending).to_lowercase();
        Ok(Self { s3: account.s3(), identity, account, bucket })
    }

    /// Creates the bucket if it is missing: private, versioned, and closed to plain HTTP.
    ///
    /// # Errors
    /// The bucket belongs to another account, or S3 refuses.
    pub async fn create(&self) -> Result<()> {
        let found =
            self.s3.head_bucket().bucket(&self.bucket).expected_bucket_owner(&self.identity.account).send().await;
        match found {
            Ok(_) => return self.protect().await,
            Err(error) if error.raw_response().is_some_and(|raw| raw.status().as_u16() == 404) => {}
            Err(error) if error.raw_response().is_some_and(|raw| matches!(raw.status().as_u16(), 301 | 403)) => bail!(
                "the bucket {} belongs to another account, or these credentials may not use it: choose another stack name, or ask for \
                 s3:ListBucket",
                self.bucket
            ),
            Err(error) => return Err(error::from_sdk("HeadBucket", error)),
        }
        create_bucket(&self.s3, &self.bucket, &self.account.region).await?;
        self.protect().await
    }

    async fn protect(&self) -> Result<()> {
        make_private(&self.s3, &self.bucket).await?;
        // A local cloud has no TLS, so the policy would block this deployment.
        if self.account.endpoint("S3").is_none_or(|endpoint| endpoint.starts_with("https:")) {
            require_tls(&self.s3, &self.bucket, &self.identity.partition).await?;
        }
        let versioning = VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled).build();
        let versioning = self.s3.put_bucket_versioning().bucket(&self.bucket).versioning_configuration(versioning);
        versioning.send().await.map_err(|error| error::from_sdk("PutBucketVersioning", error))?;
        let old = NoncurrentVersionExpiration::builder().noncurrent_days(DAYS_OF_OLD_VERSIONS).build();
        let rule = LifecycleRule::builder().id("ForgetOldVersions").noncurrent_version_expiration(old);
        put_lifecycle(&self.s3, &self.bucket, rule).await
    }

    /// Returns a function from the key of an object to its URL at this endpoint.
    ///
    /// # Errors
    /// There are no credentials.
    pub async fn url(&self) -> Result<impl Fn(&str) -> String + use<>> {
        let minute = PresigningConfig::expires_in(Duration::from_secs(60))?;
        let signed = self.s3.get_object().bucket(&self.bucket).key("KEY").presigned(minute).await;
        let signed = signed.map_err(|error| error::from_sdk("GetObject", error))?;
        let base = signed.uri().split("/KEY").next().unwrap_or_default().to_owned();
        Ok(move |key: &str| format!("{base}/{key}"))
    }

    /// Uploads the objects that the bucket lacks.
    ///
    /// # Errors
    /// S3 refuses or does not answer.
    pub async fn upload(&self, objects: &BTreeMap<String, Vec<u8>>) -> Result<()> {
        let there = self.keys().await?;
        for (key, content) in objects.iter().filter(|(key, _)| !there.contains(*key)) {
            let put = self.s3.put_object().bucket(&self.bucket).key(key).body(ByteStream::from(content.clone()));
            put.send().await.map_err(|error| error::from_sdk("PutObject", error))?;
        }
        Ok(())
    }

    /// Deletes the objects that this deployment does not use. S3 keeps them as old versions for 30 days.
    ///
    /// # Errors
    /// S3 refuses or does not answer.
    pub async fn clean(&self, used: &BTreeMap<String, Vec<u8>>) -> Result<()> {
        for key in self.keys().await?.iter().filter(|key| !used.contains_key(*key)) {
            let delete = self.s3.delete_object().bucket(&self.bucket).key(key).send().await;
            delete.map_err(|error| error::from_sdk("DeleteObject", error))?;
        }
        Ok(())
    }

    async fn keys(&self) -> Result<BTreeSet<String>> {
        let mut pages = self.s3.list_objects_v2().bucket(&self.bucket).into_paginator().send();
        let mut keys = BTreeSet::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| error::from_sdk("ListObjectsV2", error))?;
            keys.extend(page.contents().iter().filter_map(|object| object.key().map(str::to_owned)));
        }
        Ok(keys)
    }
}

/// Creates a bucket.
///
/// # Errors
/// The name is taken, or S3 refuses.
pub async fn create_bucket(s3: &Client, bucket: &str, region: &str) -> Result<()> {
    let place =
        CreateBucketConfiguration::builder().location_constraint(BucketLocationConstraint::from(region)).build();
    // us-east-1 is not a location constraint (S3 API reference, CreateBucket).
    let place = (region != "us-east-1").then_some(place);
    match s3.create_bucket().bucket(bucket).set_create_bucket_configuration(place).send().await {
        Err(error) if matches!(error.code(), Some("BucketAlreadyExists")) => {
            bail!("the bucket name {bucket} is taken by another account: choose another stack name")
        }
        Err(error) if error.code() != Some("BucketAlreadyOwnedByYou") => Err(error::from_sdk("CreateBucket", error)),
        _ => Ok(()),
    }
}

/// Makes a bucket private.
///
/// # Errors
/// S3 refuses or does not answer.
pub async fn make_private(s3: &Client, bucket: &str) -> Result<()> {
    let block = PublicAccessBlockConfiguration::builder().block_public_acls(true).ignore_public_acls(true);
    let block = block.block_public_policy(true).restrict_public_buckets(true).build();
    let blocked = s3.put_public_access_block().bucket(bucket).public_access_block_configuration(block).send().await;
    blocked.map(drop).map_err(|error| error::from_sdk("PutPublicAccessBlock", error))
}

/// Denies plain HTTP to a bucket.
///
/// # Errors
/// S3 refuses or does not answer.
pub async fn require_tls(s3: &Client, bucket: &str, partition: &str) -> Result<()> {
    let arn = format!("arn:{partition}:s3:::{bucket}");
    let policy = serde_json::json!({"Version": "2012-10-17", "Statement": [{
        "Sid": "TlsOnly", "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": [&arn, format!("{arn}/*")],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }]});
    let put = s3.put_bucket_policy().bucket(bucket).policy(policy.to_string()).send().await;
    put.map(drop).map_err(|error| error::from_sdk("PutBucketPolicy", error))
}

/// Sets a bucket's only lifecycle rule.
///
/// # Errors
/// S3 refuses or does not answer.
pub async fn put_lifecycle(
    s3: &Client,
    bucket: &str,
    rule: aws_sdk_s3::types::builders::LifecycleRuleBuilder,
) -> Result<()> {
    let unfinished = AbortIncompleteMultipartUpload::builder().days_after_initiation(1).build();
    let all = LifecycleRuleFilter::builder().prefix("").build();
    let rule =
        rule.abort_incomplete_multipart_upload(unfinished).filter(all).status(ExpirationStatus::Enabled).build()?;
    let rules = BucketLifecycleConfiguration::builder().rules(rule).build()?;
    let put = s3.put_bucket_lifecycle_configuration().bucket(bucket).lifecycle_configuration(rules).send().await;
    put.map(drop).map_err(|error| error::from_sdk("PutBucketLifecycleConfiguration", error))
}
