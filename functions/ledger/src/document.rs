//! A JSON document of the ledger, written member by member.

use domain::Error;
use serde::Serialize;

use crate::{json, upload::Upload};

/// A JSON document that is being written: one object, with objects and lists in it.
pub struct Document<'a> {
    upload: Upload<'a>,
    /// The brackets that are open, innermost last.
    open: Vec<char>,
    /// Whether the innermost has a member already.
    has_members: bool,
}

impl<'a> Document<'a> {
    pub(crate) fn new(upload: Upload<'a>) -> Self {
        Self { upload, open: Vec::new(), has_members: false }
    }

    /// Opens an object: the document itself, or the next of a list.
    pub async fn object(&mut self) -> Result<(), Error> {
        self.begin("{", '}').await
    }

    /// Opens a list that is a member of this name.
    pub async fn list(&mut self, name: &str) -> Result<(), Error> {
        let name = json(&name)?;
        self.begin(&format!("{name}:["), ']').await
    }

    /// Closes what was opened last.
    pub async fn close(&mut self) -> Result<(), Error> {
        let bracket = self.open.pop().unwrap_or_default();
        self.has_members = true;
        self.upload.write(bracket.encode_utf8(&mut [0; 4])).await
    }

    /// Adds a member to the object.
    pub async fn member<T: Serialize>(&mut self, name: &str, value: &T) -> Result<(), Error> {
        let text = format!("{}:{}", json(&name)?, json(value)?);
        self.add(&text).await
    }

    /// Adds an item to the list.
    pub async fn item<T: Serialize>(&mut self, value: &T) -> Result<(), Error> {
        let text = json(value)?;
        self.add(&text).await
    }

    /// Puts the document in its place.
    pub async fn finish(self) -> Result<(), Error> {
        self.upload.finish().await.map(drop)
    }

    async fn begin(&mut self, text: &str, closed_by: char) -> Result<(), Error> {
        self.add(text).await?;
        self.open.push(closed_by);
        self.has_members = false;
        Ok(())
    }

    async fn add(&mut self, text: &str) -> Result<(), Error> {
        if self.has_members {
            self.upload.write(",").await?;
        }
        self.has_members = true;
        self.upload.write(text).await
    }
}

#[cfg(test)]
mod tests {
    use crate::bucket::bucket;
    use serde_json::{Value, json};

    #[tokio::test]
    async fn is_the_json_that_was_written_member_by_member() {
        let (ledger, objects) = bucket();
        let mut document = ledger.write_document("report.json".into());
        document.object().await.unwrap();
        document.member("na\"me", &"a").await.unwrap();
        document.list("empty").await.unwrap();
        document.close().await.unwrap();
        document.list("list").await.unwrap();
        for number in 1..=2 {
            document.object().await.unwrap();
            document.list("values").await.unwrap();
            document.item(&number).await.unwrap();
            document.item(&"two").await.unwrap();
            document.close().await.unwrap();
            document.close().await.unwrap();
        }
        document.close().await.unwrap();
        document.member("last", &true).await.unwrap();
        document.close().await.unwrap();
        document.finish().await.unwrap();
        let written: Value = serde_json::from_slice(&objects.lock().unwrap()["report.json"]).unwrap();
        let list = json!([{"values": [1, "two"]}, {"values": [2, "two"]}]);
        assert_eq!(written, json!({"na\"me": "a", "empty": [], "list": list, "last": true}));
    }
}
