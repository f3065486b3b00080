//! Objects of each run in the ledger: `nights/<Night>/<execution>/`, with `report.json` and `summary.json`.

use anyhow::{Context, Result};
use aws_sdk_s3::{Client, operation::list_objects_v2::ListObjectsV2Output};
use domain::Night;
use jiff::Timestamp;
use report::{night::Report, summary::Summary};
use serde::de::DeserializeOwned;

use crate::account::{Account, error, stack::Stack};

#[derive(Clone, Debug)]
pub struct LedgerRuns {
    s3: Client,
    bucket: String,
}

/// Folder of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folder {
    pub night: Night,
    pub execution: String,
}

impl Folder {
    /// Returns the folder that an execution's output or cause names: `…; report: s3://<bucket>/nights/<Night>/<execution>/report.json`.
    pub fn named(text: &str) -> Option<Self> {
        let (_, place) = text.rsplit_once("/nights/")?;
        let (night, place) = place.split_once('/')?;
        let (execution, _) = place.split_once("/report.json")?;
        Some(Self { night: night.parse().ok()?, execution: execution.to_owned() })
    }

    fn key(&self, name: &str) -> String {
        format!("nights/{}/{}/{name}", self.night, self.execution)
    }
}

impl LedgerRuns {
    pub fn new(account: &Account, stack: &Stack) -> Self {
        Self { s3: account.s3(), bucket: stack.ledger.clone() }
    }

    /// Returns the report of a run, if it wrote one.
    ///
    /// # Errors
    /// S3 does not answer, or this version cannot read the report.
    pub async fn report(&self, folder: &Folder) -> Result<Option<Report>> {
        self.read(&folder.key("report.json")).await
    }

    /// Returns the summary of a run, if it wrote one.
    ///
    /// # Errors
    /// S3 does not answer, or this version cannot read the summary.
    pub async fn summary(&self, folder: &Folder) -> Result<Option<Summary>> {
        self.read(&folder.key("summary.json")).await
    }

    /// Reads a JSON object. Returns none if the key does not exist.
    ///
    /// # Errors
    /// S3 does not answer, or this version cannot read the object.
    pub async fn read<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>> {
        let Some(text) = self.object(key).await? else { return Ok(None) };
        let value = serde_json::from_str(&text);
        Ok(Some(value.with_context(|| format!("s3://{}/{key} was not written by this version", self.bucket))?))
    }

    /// Lists the Nights in the ledger, oldest first.
    ///
    /// # Errors
    /// S3 does not answer.
    pub async fn all(&self) -> Result<Vec<Night>> {
        Ok(self.folders("nights/").await?.iter().filter_map(|name| name.parse().ok()).collect())
    }

    /// Lists the folders of a Night's runs.
    ///
    /// # Errors
    /// S3 does not answer.
    pub async fn starts(&self, night: Night) -> Result<Vec<Folder>> {
        let names = self.folders(&format!("nights/{night}/")).await?;
        Ok(names.into_iter().map(|execution| Folder { night, execution }).collect())
    }

    async fn folders(&self, prefix: &str) -> Result<Vec<String>> {
        let pages = self.s3.list_objects_v2().bucket(&self.bucket).prefix(prefix).delimiter("/").into_paginator();
        let mut pages = pages.send();
        let mut names = Vec::new();
        while let Some(page) = pages.next().await {
            names.extend(names_below(&page.map_err(|error| error::from_sdk("ListObjectsV2", error))?, prefix));
        }
        names.sort();
        Ok(names)
    }

    /// Returns the text of an object, or none if the key does not exist.
    ///
    /// # Errors
    /// S3 does not answer.
    pub async fn object(&self, key: &str) -> Result<Option<String>> {
        let got = match self.s3.get_object().bucket(&self.bucket).key(key).send().await {
            Ok(got) => got,
            Err(error) if error.as_service_error().is_some_and(|error| error.is_no_such_key()) => return Ok(None),
            Err(error) => return Err(error::from_sdk("GetObject", error)),
        };
        Ok(Some(String::from_utf8(got.body.collect().await?.into_bytes().into())?))
    }
}

pub fn timestamp(at: &aws_sdk_s3::primitives::DateTime) -> Timestamp {
    let nanoseconds = i32::try_from(at.subsec_nanos()).unwrap_or_default();
    Timestamp::new(at.secs(), nanoseconds).unwrap_or_default()
}

fn names_below(page: &ListObjectsV2Output, prefix: &str) -> Vec<String> {
    let below = |one: &str| Some(one.strip_prefix(prefix)?.trim_end_matches('/').to_owned());
    page.common_prefixes().iter().filter_map(|one| below(one.prefix()?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_is_found_by_what_its_execution_says() {
        let said =
            "Night 2026-12-31: all 2 volumes protected; report: s3://ledger/nights/2026-12-31/9a92-x/report.json";
        let folder = Folder { night: "2026-12-31".parse().unwrap(), execution: "9a92-x".into() };
        assert_eq!(Folder::named(said), Some(folder.clone()));
        assert_eq!(Folder::named(&format!("{{\"summary\":\"{said}\"}}")), Some(folder));
        assert_eq!(Folder::named("BadInput: time yesterday must be a time"), None);
    }
}
