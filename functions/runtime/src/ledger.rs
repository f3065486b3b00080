//! The ledger: an S3 bucket that holds each night's lists, one JSON object a line, and its report.

use aws_sdk_s3::{Client, primitives::ByteStream};
use domain::{Error, ErrorName, wire::List};
use serde::{Serialize, de::DeserializeOwned};
use std::fmt::Write;

use crate::error;

/// The ledger bucket.
pub struct Ledger {
    s3: Client,
    bucket: String,
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

    /// Writes a list, replacing what is there.
    pub async fn write_lines<T: Serialize>(&self, key: String, items: &[T]) -> Result<List, Error> {
        let mut text = String::new();
        for item in items {
            text.push_str(&ascii(&json(item)?));
            text.push('\n');
        }
        self.put(&key, text, "application/jsonl").await?;
        Ok(List { key, count: items.len() })
    }

    /// Reads a list back; an object that is missing, cut short or not what was written is `Refused`.
    pub async fn read_lines<T: DeserializeOwned>(&self, list: &List) -> Result<Vec<T>, Error> {
        let object = self.s3.get_object().bucket(&self.bucket).key(&list.key).send().await;
        let body = object.map_err(|error| self.at(&list.key, error::of("GetObject", error)))?.body.collect().await;
        let broken = |name, problem: String| self.at(&list.key, Error { name, message: problem });
        let bytes = body.map_err(|error| broken(ErrorName::Transient, error.to_string()))?.into_bytes();
        let items: Vec<T> = serde_json::Deserializer::from_slice(&bytes)
            .into_iter()
            .collect::<Result<_, _>>()
            .map_err(|error| broken(ErrorName::Refused, format!("not what was written: {error}")))?;
        if items.len() != list.count {
            let problem = format!("holds {} lines where {} were written", items.len(), list.count);
            return Err(broken(ErrorName::Refused, problem));
        }
        Ok(items)
    }

    /// Writes one JSON document, replacing what is there.
    pub async fn write_json<T: Serialize>(&self, key: &str, value: &T) -> Result<(), Error> {
        self.put(key, json(value)?, "application/json").await
    }

    async fn put(&self, key: &str, text: String, content_type: &str) -> Result<(), Error> {
        let body = ByteStream::from(text.into_bytes());
        let put = self.s3.put_object().bucket(&self.bucket).key(key).content_type(content_type).body(body);
        put.send().await.map(drop).map_err(|error| self.at(key, error::of("PutObject", error)))
    }

    fn at(&self, key: &str, error: Error) -> Error {
        Error { message: format!("{}: {}", self.location(key), error.message), ..error }
    }
}

fn json<T: Serialize>(value: &T) -> Result<String, Error> {
    serde_json::to_string(value).map_err(|error| Error { name: ErrorName::Refused, message: error.to_string() })
}

/// The same JSON in ASCII. A reader that splits at every Unicode line break would cut a line at one inside a tag's value.
fn ascii(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for character in json.chars() {
        if character.is_ascii() {
            text.push(character);
        } else {
            for unit in character.encode_utf16(&mut [0; 2]) {
                let _ = write!(text, "\\u{unit:04x}");
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_s3::operation::{get_object::GetObjectOutput, put_object::PutObjectOutput};
    use aws_smithy_mocks::{RuleMode, mock, mock_client};

    fn ledger(s3: Client) -> Ledger {
        Ledger::new(s3, "ledger".into())
    }

    async fn read(body: &'static str, count: usize) -> Result<Vec<String>, Error> {
        let get = mock!(Client::get_object)
            .match_requests(|request| request.bucket() == Some("ledger") && request.key() == Some("list"))
            .then_output(|| GetObjectOutput::builder().body(ByteStream::from_static(body.as_bytes())).build());
        let s3 = mock_client!(aws_sdk_s3, RuleMode::MatchAny, &[&get]);
        ledger(s3).read_lines(&List { key: "list".into(), count }).await
    }

    #[test]
    fn a_line_holds_no_line_break_of_any_alphabet() {
        let text = "a\u{2028}b\u{85}c\n🦀";
        let line = ascii(&json(&text).unwrap());
        assert_eq!(line, r#""a\u2028b\u0085c\n\ud83e\udd80""#);
        assert_eq!(serde_json::from_str::<String>(&line).unwrap(), text);
    }

    #[tokio::test]
    async fn writes_a_line_an_item_and_counts_them() {
        let put = mock!(Client::put_object)
            .match_requests(|request| {
                request.bucket() == Some("ledger")
                    && request.key() == Some("list")
                    && request.body().bytes() == Some(b"\"a\"\n\"b\"\n")
            })
            .then_output(|| PutObjectOutput::builder().build());
        let s3 = mock_client!(aws_sdk_s3, RuleMode::MatchAny, &[&put]);
        let list = ledger(s3).write_lines("list".into(), &["a", "b"]).await.unwrap();
        assert_eq!(list, List { key: "list".into(), count: 2 });
        assert_eq!(put.num_calls(), 1);
    }

    #[tokio::test]
    async fn an_object_that_is_cut_short_or_not_json_is_refused_by_its_name() {
        assert_eq!(read("\"a\"\n\"b\"\n", 2).await.unwrap(), ["a", "b"]);
        let short = read("\"a\"\n", 2).await.unwrap_err();
        assert_eq!(short.to_string(), "Refused: s3://ledger/list: holds 1 lines where 2 were written");
        let torn = read("\"a\"\n\"b", 2).await.unwrap_err();
        assert!(torn.to_string().starts_with("Refused: s3://ledger/list: not what was written: EOF"), "{torn}");
    }
}
