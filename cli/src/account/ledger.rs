//! What the ledger holds of each start of a Night: `nights/<Night>/<execution>/`, with `report.json` and `summary.json`.

use anyhow::{Context, Result};
use aws_sdk_s3::{Client, operation::list_objects_v2::ListObjectsV2Output};
use domain::Night;
use jiff::Timestamp;
use report::night::Summary;

use crate::{
    account::{Account, error, stack::Stack},
    view::report::Report,
};

/// The ledger of a stack.
#[derive(Clone, Debug)]
pub struct Nights {
    s3: Client,
    bucket: String,
}

/// The folder of one start of a Night.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folder {
    /// Which Night.
    pub night: Night,
    /// The execution's name.
    pub execution: String,
}

impl Folder {
    /// The folder that an execution's output or cause names: `…; report: s3://<bucket>/nights/<Night>/<execution>/report.json`.
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

/// A start's report, as it is written and read.
#[derive(Clone, Debug)]
pub struct Written {
    /// The JSON.
    pub text: String,
    /// The same, read.
    pub report: Report,
}

impl Nights {
    /// The ledger of a stack.
    pub fn of(account: &Account, stack: &Stack) -> Self {
        Self { s3: account.s3(), bucket: stack.ledger.clone() }
    }

    /// The report of a start; none where it did not come so far.
    ///
    /// # Errors
    /// S3 does not answer, or it is no report.
    pub async fn report(&self, folder: &Folder) -> Result<Option<Written>> {
        let Some((text, _)) = self.object(&folder.key("report.json")).await? else { return Ok(None) };
        let report = serde_json::from_str(&text).context("the report is not one that this version writes")?;
        Ok(Some(Written { report, text }))
    }

    /// Returns the numbers of a run; none if it did not come that far.
    ///
    /// # Errors
    /// S3 does not answer, or it is no summary.
    pub async fn summary(&self, folder: &Folder) -> Result<Option<Summary>> {
        let summary = self.object(&folder.key("summary.json")).await?;
        summary
            .map(|(text, _)| serde_json::from_str(&text).context("the summary is not one that this version writes"))
            .transpose()
    }

    /// The Nights that the ledger has, oldest first.
    ///
    /// # Errors
    /// S3 does not answer.
    pub async fn all(&self) -> Result<Vec<Night>> {
        Ok(self.folders("nights/").await?.iter().filter_map(|name| name.parse().ok()).collect())
    }

    /// The starts of a Night.
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
            names.extend(names_below(&page.map_err(|error| error::of("ListObjectsV2", error))?, prefix));
        }
        names.sort();
        Ok(names)
    }

    /// The text of an object, and when it was written; none where there is no such key.
    ///
    /// # Errors
    /// S3 does not answer.
    pub async fn object(&self, key: &str) -> Result<Option<(String, Timestamp)>> {
        let got = match self.s3.get_object().bucket(&self.bucket).key(key).send().await {
            Ok(got) => got,
            Err(error) if error.as_service_error().is_some_and(|error| error.is_no_such_key()) => return Ok(None),
            Err(error) => return Err(error::of("GetObject", error)),
        };
        let at = got.last_modified().map(timestamp).unwrap_or_default();
        let body = got.body.collect().await?.into_bytes();
        Ok(Some((String::from_utf8(body.into())?, at)))
    }
}

/// A time of AWS's.
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
        assert_eq!(Folder::named("BadInput: time: yesterday"), None);
    }
}
