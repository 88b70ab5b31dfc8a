use schemars::generate::SchemaSettings;
use serde_json::Value;

use super::model::FileForm;

/// Returns the JSON Schema (draft 7, which YAML language servers know) of a file of cases.
#[must_use]
pub fn schema() -> Value {
    let settings = SchemaSettings::draft07().with(|settings| settings.inline_subschemas = true);
    settings.into_generator().into_root_schema_for::<FileForm>().to_value()
}
