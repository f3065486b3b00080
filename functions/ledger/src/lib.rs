//! The ledger: an S3 bucket that holds each night's lists, one JSON object a line, and its report.
//!
//! # Layout
//! - [`Ledger`]: the bucket.
//! - [`lines`]: its lists. [`document`]: its reports. [`upload`]: an object, written piece by piece.
//! - [`sorter`]: long lists in order, in little memory.

#[cfg(test)]
mod bucket;
pub mod document;
pub mod lines;
pub mod sorter;
pub mod upload;

use aws_sdk_s3::{Client, error::ProvideErrorMetadata, primitives::ByteStream};
use domain::{Error, ErrorName, step_functions::List};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    document::Document,
    lines::{LineReader, LineWriter},
    upload::Upload,
};
use aws::error;

pub use sorter::{Merge, Sorted, Sorter};

/// The ledger bucket.
pub struct Ledger {
    pub(crate) s3: Client,
    pub(crate) bucket: String,
}

impl Ledger {
    /// The ledger in `bucket`.
    pub fn new(s3: Client, bucket: String) -> Self {
        Self { s3, bucket }
    }

    /// `s3://bucket/key`
    pub fn location(&self, key: &str) -> String {
        format!("s3://{}/{key}", self.bucket)
    }

    /// Begins a list, which replaces what is there when it is finished.
    pub fn write_list(&self, key: String) -> LineWriter<'_> {
        LineWriter::new(Upload::new(self, key, "application/jsonl"))
    }

    /// Begins a JSON document, which replaces what is there when it is finished.
    pub fn write_document(&self, key: String) -> Document<'_> {
        Document::new(Upload::new(self, key, "application/json"))
    }

    /// Writes a value as a JSON document, in the place of what is there.
    pub async fn write_value<T: Serialize>(&self, key: String, value: &T) -> Result<(), Error> {
        let mut document = Upload::new(self, key, "application/json");
        document.write(&json(value)?).await?;
        document.finish().await.map(drop)
    }

    /// Reads a list back, line by line. One that has no line is not asked for.
    pub async fn read_list<T: DeserializeOwned>(&self, list: &List) -> Result<LineReader<T>, Error> {
        let place = self.location(&list.key);
        if list.count == 0 {
            return Ok(LineReader::new(ByteStream::default(), place, Some(0)));
        }
        let object = self.s3.get_object().bucket(&self.bucket).key(&list.key).send().await;
        let object = object.map_err(|error| self.at(&list.key, error::of("GetObject", error)))?;
        Ok(LineReader::new(object.body, place, Some(list.count)))
    }

    /// Reads a list of whatever length, empty where there is no such object. It looks for it by ListObjectsV2: whoever may not list gets no
    /// `NoSuchKey` but `AccessDenied` (S3 API reference, GetObject, "Permissions").
    ///
    /// # Errors
    /// `Transient` or `Refused` from S3.
    pub async fn read_any_list<T: DeserializeOwned>(&self, key: &str) -> Result<LineReader<T>, Error> {
        let list = self.s3.list_objects_v2().bucket(&self.bucket).prefix(key).max_keys(1).send().await;
        let list = list.map_err(|error| self.at(key, error::of("ListObjectsV2", error)))?;
        // The first of those that begin with the key is the key itself, if it is there.
        if !list.contents().iter().any(|object| object.key() == Some(key)) {
            return Ok(LineReader::new(ByteStream::default(), self.location(key), None));
        }
        let object = self.s3.get_object().bucket(&self.bucket).key(key).send().await;
        let object = object.map_err(|error| self.at(key, error::of("GetObject", error)))?;
        Ok(LineReader::new(object.body, self.location(key), None))
    }

    /// Claims a key: true for the one caller to whom S3 grants it, false where it is somebody's already (S3 user guide, "How to prevent
    /// object overwrites with conditional writes"). Who loses the answer to a claim that was granted is told false as well.
    ///
    /// # Errors
    /// `Transient` or `Refused` where S3 says neither.
    pub async fn claim(&self, key: &str) -> Result<bool, Error> {
        let put = self.s3.put_object().bucket(&self.bucket).key(key).if_none_match("*").send().await;
        let Err(error) = put else { return Ok(true) };
        match error.code() {
            Some("PreconditionFailed") => Ok(false),
            // Another claim of the same key is on its way: one of the two will be granted.
            Some("ConditionalRequestConflict") => {
                Err(Error { name: ErrorName::Transient, ..self.at(key, error::of("PutObject", error)) })
            }
            _ => Err(self.at(key, error::of("PutObject", error))),
        }
    }

    pub(crate) fn at(&self, key: &str, error: Error) -> Error {
        Error { message: format!("{}: {}", self.location(key), error.message), ..error }
    }
}

pub(crate) fn json<T: Serialize>(value: &T) -> Result<String, Error> {
    serde_json::to_string(value).map_err(|error| Error { name: ErrorName::Refused, message: error.to_string() })
}

#[cfg(test)]
mod tests {
    use crate::bucket::bucket;

    #[tokio::test]
    async fn a_claim_is_granted_once() {
        let (ledger, _) = bucket();
        let mut granted = Vec::new();
        for key in ["claims/a", "claims/a", "claims/b"] {
            granted.push(ledger.claim(key).await.unwrap());
        }
        assert_eq!(granted, [true, false, true]);
    }
}
