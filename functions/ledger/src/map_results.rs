//! The results of a Map's child executions: a manifest, and files with one record per line. A ResultWriter with `OutputType` `JSONL` and
//! `Transformation` `NONE` writes them (Step Functions developer guide, "ResultWriter (Map)").

use domain::{Error, ErrorName, step_functions::Caught};
use serde::Deserialize;
use std::collections::BTreeMap;

use crate::Ledger;

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ChildResult {
    pub execution_arn: String,
    /// `SUCCEEDED`, `FAILED`, `TIMED_OUT`, `ABORTED` or `PENDING`.
    pub status: String,
    #[serde(default)]
    pub input: String,
    #[serde(default)]
    pub output: Option<String>,
    #[serde(default)]
    pub error: Option<String>,
    #[serde(default)]
    pub cause: Option<String>,
}

impl ChildResult {
    /// Returns the error of the child execution. If it has none, its status takes the place of the error.
    pub fn caught(&self) -> Caught {
        let error = self.error.clone().unwrap_or_else(|| self.status.clone());
        Caught { error, cause: self.cause.clone().unwrap_or_default() }
    }
}

/// The kinds of result files in a manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum ResultKind {
    /// Child executions that succeeded.
    Succeeded,
    /// Child executions that failed, timed out or were stopped.
    Failed,
    /// Items without a child execution, because it did not start.
    Pending,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Manifest {
    result_files: BTreeMap<ResultKind, Vec<ResultFile>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ResultFile {
    key: String,
}

/// Passes each child execution of these kinds to `take`, file by file and line by line.
///
/// # Errors
/// `Transient` or `Refused` from S3, and `Refused` for a file that is not in the format of Step Functions.
pub async fn each_child(
    ledger: &Ledger,
    manifest: &str,
    kinds: &[ResultKind],
    mut take: impl FnMut(ResultKind, ChildResult),
) -> Result<(), Error> {
    let text = ledger.read_whole(manifest).await?;
    let read: Result<Manifest, _> = serde_json::from_slice(&text);
    let read =
        read.map_err(|error| ledger.at(manifest, Error { name: ErrorName::Refused, message: error.to_string() }))?;
    for kind in kinds {
        for file in read.result_files.get(kind).into_iter().flatten() {
            let mut children = ledger.read_object::<ChildResult>(&file.key, None).await?;
            while let Some(child) = children.next().await? {
                take(*kind, child);
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bucket::bucket;

    #[tokio::test]
    async fn hands_on_the_children_of_every_file_of_the_kinds_asked_for() {
        let (ledger, objects) = bucket();
        let manifest = r#"{"DestinationBucket":"ledger","MapRunArn":"arn","ResultFiles":{
            "FAILED":[{"Key":"f0","Size":1},{"Key":"f1","Size":1}],"PENDING":[],"SUCCEEDED":[{"Key":"s0","Size":1}]}}"#;
        let line = |arn: &str, more: &str| format!("{{\"ExecutionArn\":\"{arn}\",\"Input\":\"{{}}\"{more}}}\n");
        for (key, text) in [
            ("manifest.json", manifest.to_owned()),
            ("f0", line("a", r#","Status":"FAILED","Error":"Refused","Cause":"{\"errorMessage\":\"no\"}""#)),
            ("f1", line("b", r#","Status":"TIMED_OUT""#) + &line("c", r#","Status":"ABORTED""#)),
        ] {
            objects.lock().unwrap().insert(key.to_owned(), text.into_bytes());
        }
        let mut found = Vec::new();
        each_child(&ledger, "manifest.json", &[ResultKind::Failed, ResultKind::Pending], |_, child| {
            found.push((child.execution_arn.clone(), child.caught().reason().to_string()));
        })
        .await
        .unwrap();
        let expected = [("a", "Refused: no"), ("b", "TIMED_OUT"), ("c", "ABORTED")];
        assert_eq!(found, expected.map(|(arn, reason)| (arn.to_owned(), reason.to_owned())));
    }

    #[tokio::test]
    async fn a_manifest_of_another_shape_is_an_error_that_names_it() {
        let (ledger, objects) = bucket();
        objects.lock().unwrap().insert("manifest.json".into(), b"[]".to_vec());
        let error =
            each_child(&ledger, "manifest.json", &[ResultKind::Failed], |_, _| ()).await.unwrap_err().to_string();
        assert!(error.starts_with("Refused: s3://ledger/manifest.json: "), "{error}");
    }
}
