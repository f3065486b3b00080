//! The ledger: an S3 bucket with the lists and the report of each run. A list has one JSON object per line.
//!
//! # Layout
//! - [`Ledger`]: the bucket.
//! - [`keys`]: all keys in the bucket.
//! - [`list`]: the lists. [`upload`]: an object that is written piece by piece.
//! - [`map_results`]: the results of a Map's child executions.

#[cfg(any(test, feature = "test-util"))]
pub mod bucket;
pub mod keys;
pub mod list;
pub mod map_results;
pub mod upload;

use aws_sdk_s3::{Client, primitives::ByteStream};
use domain::{Error, ErrorName, step_functions::LedgerList};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    list::{ListReader, ListWriter},
    upload::Upload,
};
use aws::error;

pub struct Ledger {
    pub(crate) s3: Client,
    pub(crate) bucket: String,
}

impl Ledger {
    pub fn new(s3: Client, bucket: String) -> Self {
        Self { s3, bucket }
    }

    /// Returns `s3://bucket/key`.
    pub fn location(&self, key: &str) -> String {
        format!("s3://{}/{key}", self.bucket)
    }

    /// Starts a list. When the list is closed, it replaces the object with that key.
    pub fn write_list(&self, key: String) -> ListWriter<'_> {
        ListWriter::new(Upload::new(self, key, "application/jsonl"))
    }

    /// Writes a value as a JSON document, and replaces the object with that key.
    pub async fn write_value<T: Serialize>(&self, key: String, value: &T) -> Result<(), Error> {
        let mut document = Upload::new(self, key, "application/json");
        document.append_text(&json(value)?).await?;
        document.close_object().await.map(drop)
    }

    /// Reads a list line by line. Does not request an empty list from S3.
    ///
    /// # Errors
    /// `Transient` or `Refused` from S3.
    pub async fn read_list<T: DeserializeOwned>(&self, list: &LedgerList) -> Result<ListReader<T>, Error> {
        match list.count {
            0 => Ok(ListReader::new(ByteStream::default(), self.location(&list.key), Some(0))),
            count => self.read_object(&list.key, Some(count)).await,
        }
    }

    /// Reads an object line by line. `lines` is the expected number of lines, if known.
    ///
    /// # Errors
    /// `Transient` or `Refused` from S3.
    pub async fn read_object<T: DeserializeOwned>(
        &self,
        key: &str,
        lines: Option<usize>,
    ) -> Result<ListReader<T>, Error> {
        Ok(ListReader::new(self.object_body(key).await?, self.location(key), lines))
    }

    /// Reads a list of any length. Returns an empty list if the object does not exist. Looks for the object with ListObjectsV2, because
    /// GetObject returns `AccessDenied` to a caller that may not list (S3 API reference, GetObject, "Permissions").
    ///
    /// # Errors
    /// `Transient` or `Refused` from S3.
    pub async fn read_any_list<T: DeserializeOwned>(&self, key: &str) -> Result<ListReader<T>, Error> {
        let list = self.s3.list_objects_v2().bucket(&self.bucket).prefix(key).max_keys(1);
        let list = Box::pin(list.send()).await;
        let list = list.map_err(|error| self.at(key, error::from_sdk("ListObjectsV2", error)))?;
        // If the key exists, it is the first key with this prefix.
        match list.contents().iter().any(|object| object.key() == Some(key)) {
            true => self.read_object(key, None).await,
            false => Ok(ListReader::new(ByteStream::default(), self.location(key), Some(0))),
        }
    }

    /// Reads a list of at most one line. Returns none if the object does not exist.
    ///
    /// # Errors
    /// `Transient` or `Refused` from S3.
    pub async fn read_any_line<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, Error> {
        self.read_any_list(key).await?.next().await
    }

    /// Reads a whole object.
    ///
    /// # Errors
    /// `Transient` or `Refused` from S3.
    pub async fn read_whole(&self, key: &str) -> Result<Vec<u8>, Error> {
        let body = self.object_body(key).await?.collect().await;
        let body = body.map_err(|error| Error { name: ErrorName::Transient, message: error.to_string() });
        body.map(|body| body.to_vec()).map_err(|error| self.at(key, error))
    }

    async fn object_body(&self, key: &str) -> Result<ByteStream, Error> {
        // Boxed here and below, because the SDK's futures are large, and nested too deeply for the compiler inside those of a function.
        let object = Box::pin(self.s3.get_object().bucket(&self.bucket).key(key).send()).await;
        object.map(|object| object.body).map_err(|error| self.at(key, error::from_sdk("GetObject", error)))
    }

    pub(crate) fn at(&self, key: &str, error: Error) -> Error {
        Error { message: format!("{}: {}", self.location(key), error.message), ..error }
    }
}

pub(crate) fn json<T: Serialize>(value: &T) -> Result<String, Error> {
    serde_json::to_string(value).map_err(|error| Error { name: ErrorName::Refused, message: error.to_string() })
}
