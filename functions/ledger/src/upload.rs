//! An object in the ledger, written piece by piece. A short object takes one call. A long one is uploaded in parts, so it is never
//! completely in memory.

use aws_sdk_s3::{
    error::ProvideErrorMetadata,
    primitives::ByteStream,
    types::{ChecksumAlgorithm, CompletedMultipartUpload, CompletedPart},
};
use domain::{Error, ErrorName};

use crate::Ledger;
use aws::error;

/// Size of each part except the last, in bytes. This is the minimum of S3 (S3 user guide, "Amazon S3 multipart upload limits").
const PART: usize = if cfg!(test) { 16 } else { 5 * 1024 * 1024 };

/// An object that is being written. The previous object remains until the upload is complete. If an upload is never completed, the bucket's
/// lifecycle rule deletes its parts.
pub struct Upload<'a> {
    ledger: &'a Ledger,
    key: String,
    content_type: &'static str,
    text: String,
    begun: Option<String>,
    parts: Vec<CompletedPart>,
}

impl<'a> Upload<'a> {
    pub(crate) fn new(ledger: &'a Ledger, key: String, content_type: &'static str) -> Self {
        Self { ledger, key, content_type, text: String::new(), begun: None, parts: Vec::new() }
    }

    pub async fn append_text(&mut self, text: &str) -> Result<(), Error> {
        self.text.push_str(text);
        // Boxed, because the SDK's futures are large and deeply nested, and each write would hold one.
        if self.text.len() >= PART { Box::pin(self.flush_part()).await } else { Ok(()) }
    }

    /// Completes the upload, and returns the key of the object.
    pub async fn close_object(mut self) -> Result<String, Error> {
        match self.begun {
            None => Box::pin(self.put()).await?,
            Some(_) => {
                if !self.text.is_empty() {
                    Box::pin(self.flush_part()).await?;
                }
                Box::pin(self.complete()).await?;
            }
        }
        Ok(self.key)
    }

    async fn put(&mut self) -> Result<(), Error> {
        let (s3, bucket) = (&self.ledger.s3, &self.ledger.bucket);
        let body = ByteStream::from(std::mem::take(&mut self.text).into_bytes());
        let put = s3.put_object().bucket(bucket).key(&self.key).content_type(self.content_type).body(body);
        put.send().await.map(drop).map_err(|error| self.at(error::from_sdk("PutObject", error)))
    }

    async fn flush_part(&mut self) -> Result<(), Error> {
        let upload = match self.begun.take() {
            Some(upload) => upload,
            None => self.begin().await?,
        };
        let (s3, bucket, number) = (&self.ledger.s3, &self.ledger.bucket, self.parts.len() as i32 + 1);
        let body = ByteStream::from(std::mem::take(&mut self.text).into_bytes());
        let part = s3.upload_part().bucket(bucket).key(&self.key).upload_id(&upload).part_number(number).body(body);
        let sent = part.checksum_algorithm(ChecksumAlgorithm::Crc32).send().await;
        let sent = sent.map_err(|error| self.at(error::from_sdk("UploadPart", error)))?;
        let part = CompletedPart::builder().part_number(number).set_e_tag(sent.e_tag);
        self.parts.push(part.set_checksum_crc32(sent.checksum_crc32).build());
        self.begun = Some(upload);
        Ok(())
    }

    async fn begin(&self) -> Result<String, Error> {
        let (s3, bucket) = (&self.ledger.s3, &self.ledger.bucket);
        let create = s3.create_multipart_upload().bucket(bucket).key(&self.key).content_type(self.content_type);
        let created = create.checksum_algorithm(ChecksumAlgorithm::Crc32).send().await;
        let created = created.map_err(|error| self.at(error::from_sdk("CreateMultipartUpload", error)))?;
        let missing = || self.at(Error::unanswered("CreateMultipartUpload", "no upload id"));
        created.upload_id.ok_or_else(missing)
    }

    async fn complete(&mut self) -> Result<(), Error> {
        let (s3, bucket) = (&self.ledger.s3, &self.ledger.bucket);
        let parts = CompletedMultipartUpload::builder().set_parts(Some(std::mem::take(&mut self.parts))).build();
        let complete = s3.complete_multipart_upload().bucket(bucket).key(&self.key).multipart_upload(parts);
        let completed = complete.set_upload_id(self.begun.clone()).send().await;
        completed.map(drop).map_err(|error| {
            // If the first response was lost, the upload no longer exists. Writing the object again is safe.
            let gone = error.code() == Some("NoSuchUpload");
            let error = self.at(error::from_sdk("CompleteMultipartUpload", error));
            Error { name: if gone { ErrorName::Transient } else { error.name }, ..error }
        })
    }

    fn at(&self, error: Error) -> Error {
        self.ledger.at(&self.key, error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bucket::bucket;

    #[tokio::test]
    async fn a_short_object_is_one_call_and_a_long_one_is_its_parts_in_order() {
        for pieces in [0, 1, 3, 4, 100] {
            let (ledger, objects) = bucket();
            let mut upload = Upload::new(&ledger, "key".into(), "text/plain");
            for number in 0..pieces {
                upload.append_text(&format!("{number:05}")).await.unwrap();
            }
            assert!(objects.lock().unwrap().is_empty(), "nothing is there before it is finished");
            assert_eq!(upload.close_object().await.unwrap(), "key");
            let expected: String = (0..pieces).map(|number| format!("{number:05}")).collect();
            assert_eq!(objects.lock().unwrap()["key"], expected.as_bytes());
        }
    }
}
