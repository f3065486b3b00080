//! Inserts the locations of the uploaded files into a template.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

use crate::deployment::{
    files::{Files, resolve},
    template,
};

/// Resource type of a nested stack, whose property `TemplateURL` names a template.
pub const NESTED: &str = "AWS::CloudFormation::Stack";
const STATE_MACHINE: &str = "AWS::StepFunctions::StateMachine";

/// Template with its files.
#[derive(Debug)]
pub struct Package {
    /// Template as JSON.
    pub template: String,
    /// Content of each object to upload, by key. The key is the digest of the content, so an object never changes.
    pub objects: BTreeMap<String, Vec<u8>>,
}

/// Packages the template at `path` for a bucket. `url` returns the URL of an object of the bucket.
///
/// # Errors
/// A file is missing, or it is not YAML.
pub fn package(files: &Files, path: &str, bucket: &str, url: &dyn Fn(&str) -> String) -> Result<Package> {
    let mut packaged = Package { template: String::new(), objects: BTreeMap::new() };
    packaged.template = packaged.add_template(files, path, bucket, url)?;
    Ok(packaged)
}

impl Package {
    fn add_template(
        &mut self,
        files: &Files,
        path: &str,
        bucket: &str,
        url: &dyn Fn(&str) -> String,
    ) -> Result<String> {
        let mut template = template::read(files, path)?;
        if let Some(functions) = template.pointer_mut("/Mappings/Functions").and_then(Value::as_object_mut) {
            for (name, function) in functions {
                let zip = function["Code"].as_str().with_context(|| format!("{path}: {name} has no Code"))?;
                let content = files.read(&resolve(path, zip))?;
                function["Code"] = self.add(content, "").into();
            }
            template["Mappings"]["Artifacts"]["Bucket"]["Name"] = bucket.into();
        }
        // Skips loops (`Fn::ForEach`), because their resources name no files.
        let resources = template["Resources"].as_object_mut().with_context(|| format!("{path} has no Resources"))?;
        for resource in resources.values_mut() {
            let kind = resource["Type"].as_str().unwrap_or_default().to_owned();
            let Some(properties) = resource.get_mut("Properties") else { continue };
            if kind == STATE_MACHINE
                && let Some(named) = properties["DefinitionS3Location"].as_str()
            {
                let definition = template::read(files, &resolve(path, named))?.to_string();
                let key = self.add(definition.into_bytes(), "");
                properties["DefinitionS3Location"] = json!({"Bucket": bucket, "Key": key});
            }
            if kind == NESTED
                && let Some(named) = properties["TemplateURL"].as_str()
            {
                let nested = self.add_template(files, &resolve(path, named), bucket, url)?;
                properties["TemplateURL"] = url(&self.add(nested.into_bytes(), ".template")).into();
            }
        }
        Ok(template.to_string())
    }

    /// Adds an object, and returns its key.
    pub fn add(&mut self, content: Vec<u8>, suffix: &str) -> String {
        let key = digest(&content) + suffix;
        self.objects.insert(key.clone(), content);
        key
    }
}

/// Returns the SHA-256 of some content, in hexadecimal.
pub fn digest(content: &[u8]) -> String {
    Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect()
}
