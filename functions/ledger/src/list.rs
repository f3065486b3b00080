//! A list in the ledger, written and read line by line.

use aws_sdk_s3::primitives::ByteStream;
use domain::{Error, ErrorName, step_functions::LedgerList};
use serde::{Serialize, de::DeserializeOwned};
use std::{fmt::Write, marker::PhantomData, pin::Pin};
use tokio::io::{AsyncBufRead, AsyncBufReadExt};

use crate::{json, upload::Upload};

pub struct ListWriter<'a> {
    upload: Upload<'a>,
    count: usize,
}

impl<'a> ListWriter<'a> {
    pub(crate) fn new(upload: Upload<'a>) -> Self {
        Self { upload, count: 0 }
    }

    pub async fn write<T: Serialize>(&mut self, item: &T) -> Result<(), Error> {
        let mut line = ascii(&json(item)?);
        line.push('\n');
        self.count += 1;
        self.upload.append_text(&line).await
    }

    /// Completes the upload. The list then replaces the object with its key.
    pub async fn close_list(self) -> Result<LedgerList, Error> {
        Ok(LedgerList { count: self.count, key: self.upload.close_object().await? })
    }
}

pub struct ListReader<T> {
    lines: tokio::io::Lines<Pin<Box<dyn AsyncBufRead>>>,
    place: String,
    /// Expected number of lines, if known.
    written: Option<usize>,
    read: usize,
    items: PhantomData<T>,
}

impl<T: DeserializeOwned> ListReader<T> {
    pub(crate) fn new(body: ByteStream, place: String, written: Option<usize>) -> Self {
        let body: Pin<Box<dyn AsyncBufRead>> = Box::pin(body.into_async_read());
        Self { lines: body.lines(), place, written, read: 0, items: PhantomData }
    }

    /// Returns the next line.
    ///
    /// # Errors
    /// `Refused` if the object is incomplete or unreadable, `Transient` if the connection breaks.
    pub async fn next(&mut self) -> Result<Option<T>, Error> {
        let line = self.lines.next_line().await;
        let Some(line) = line.map_err(|error| self.broken(ErrorName::Transient, error.to_string()))? else {
            let Some(written) = self.written.filter(|written| *written != self.read) else { return Ok(None) };
            let problem = format!("holds {} lines where {written} were written", self.read);
            return Err(self.broken(ErrorName::Refused, problem));
        };
        self.read += 1;
        let item = serde_json::from_str(&line);
        item.map(Some).map_err(|error| self.broken(ErrorName::Refused, format!("not what was written: {error}")))
    }

    fn broken(&self, name: ErrorName, problem: String) -> Error {
        Error { name, message: format!("{}: {problem}", self.place) }
    }
}

/// Escapes all non-ASCII characters. Otherwise a reader that splits at every Unicode line break would cut a line inside a tag's value.
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
    use crate::Ledger;
    use aws_sdk_s3::{
        Client,
        operation::{get_object::GetObjectOutput, put_object::PutObjectOutput},
    };
    use aws_smithy_mocks::{RuleMode, mock, mock_client};

    fn ledger(s3: Client) -> Ledger {
        Ledger::new(s3, "ledger".into())
    }

    async fn read(body: &'static str, count: usize) -> Result<Vec<String>, Error> {
        let get = mock!(Client::get_object)
            .match_requests(|request| request.bucket() == Some("ledger") && request.key() == Some("list"))
            .then_output(|| GetObjectOutput::builder().body(ByteStream::from_static(body.as_bytes())).build());
        let s3 = mock_client!(aws_sdk_s3, RuleMode::MatchAny, &[&get]);
        let ledger = ledger(s3);
        let mut lines = ledger.read_list(&LedgerList { key: "list".into(), count }).await?;
        let mut read = Vec::new();
        while let Some(line) = lines.next().await? {
            read.push(line);
        }
        Ok(read)
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
        let ledger = ledger(s3);
        let mut list = ledger.write_list("list".into());
        for item in ["a", "b"] {
            list.write(&item).await.unwrap();
        }
        let list = list.close_list().await.unwrap();
        assert_eq!(list, LedgerList { key: "list".into(), count: 2 });
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
