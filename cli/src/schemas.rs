//! JSON Schemas of the commands' output: docs/json/<command>.schema.json. `UPDATE=1` rewrites them.

use report::{drill::DrillReport, night::Report};
use schemars::{JsonSchema, Schema, generate::SchemaSettings};
use serde_json::json;
use std::{env, fs, path::Path};

use crate::{
    commands::{
        check::CheckReport, coverage::CoverageReport, deploy::DeployReport, destroy::DestroyReport, list::Listing,
        plan::PlanReport, restore::RestoreReport, run::FailedExecution, why::Explanation,
    },
    graph::report::GraphReport,
    ui::output::VERSION,
    view::status_json::StatusReport,
};

/// Output of `nightly run`.
#[derive(JsonSchema)]
#[schemars(untagged)]
#[expect(dead_code, reason = "only its schema is used")]
enum RunOutput {
    Reported(Box<Report>),
    Failed(FailedExecution),
}

/// Output of `nightly drill`.
#[derive(JsonSchema)]
#[schemars(untagged)]
#[expect(dead_code, reason = "only its schema is used")]
enum DrillOutput {
    Reported(DrillReport),
    Failed(FailedExecution),
}

fn schema<T: JsonSchema>(command: &str) -> (String, Schema) {
    let mut schema = SchemaSettings::draft2020_12().for_serialize().into_generator().into_root_schema_for::<T>();
    schema.insert("title".into(), json!(format!("nightly {command} --json")));
    schema.insert("required".into(), {
        let mut required = schema.get("required").and_then(|all| all.as_array()).cloned().unwrap_or_default();
        required.insert(0, json!("version"));
        json!(required)
    });
    let properties = schema.ensure_object().entry("properties").or_insert_with(|| json!({}));
    properties["version"] = json!({"const": VERSION, "description": "Changes if a field is removed, or changes its name, type or meaning."});
    (command.to_owned(), schema)
}

#[test]
fn each_command_has_its_schema_in_the_docs() {
    let all = [
        schema::<CheckReport>("check"),
        schema::<CoverageReport>("coverage"),
        schema::<DeployReport<'_>>("deploy"),
        schema::<DestroyReport<'_>>("destroy"),
        schema::<DrillOutput>("drill"),
        schema::<GraphReport>("graph"),
        schema::<Listing>("list"),
        schema::<PlanReport>("plan"),
        schema::<RestoreReport<'_>>("restore"),
        schema::<RunOutput>("run"),
        schema::<StatusReport>("status"),
        schema::<Explanation>("why"),
    ];
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/json");
    for (command, schema) in &all {
        let (file, text) =
            (folder.join(format!("{command}.schema.json")), serde_json::to_string_pretty(schema).unwrap() + "\n");
        if env::var_os("UPDATE").is_some() {
            fs::create_dir_all(&folder).unwrap();
            fs::write(&file, &text).unwrap();
        }
        assert_eq!(fs::read_to_string(&file).unwrap_or_default(), text, "{}: UPDATE=1 rewrites it", file.display());
    }
    assert_eq!(fs::read_dir(&folder).unwrap().count(), all.len(), "a schema without a command");
}
