//! The `Transform` section: applies every transform in order.

use serde_json::{Map, Value};

use super::template::Features;
use super::{Refusal, TransformCall, TransformError, Transforms, serverless};

const SERVERLESS: &str = "AWS::Serverless-2016-10-31";
const LANGUAGE_EXTENSIONS: &str = "AWS::LanguageExtensions";

/// A template without its `Transform` section.
#[derive(Debug)]
pub(super) struct Transformed {
    pub(super) template: Value,
    pub(super) features: Features,
}

/// Name and parameters of a transform.
type Named = (String, Map<String, Value>);

/// Applies all transforms of a template.
pub(super) fn apply(
    source: &Value,
    template_parameters: &Map<String, Value>,
    transforms: &Transforms<'_>,
    language_extensions: &dyn Fn(Value) -> Result<Value, Refusal>,
) -> Result<Transformed, Refusal> {
    let names = names(source)?;
    let mut template = source.clone();
    if let Some(root) = template.as_object_mut() {
        root.shift_remove("Transform");
    }
    let mut features = Features::default();
    for (name, parameters) in &names {
        match name.as_str() {
            SERVERLESS => {
                template = serverless::expand(template)?;
                features.serverless = true;
            }
            LANGUAGE_EXTENSIONS => {
                template = language_extensions(template)?;
                features.language_extensions = true;
            }
            "AWS::Include" => return Err(Refusal::unsupported("transform AWS::Include")),
            _ => {
                let call = TransformCall { name, fragment: &template, template_parameters, parameters };
                template = transforms(&call).map_err(|error| match error {
                    TransformError::Unknown => Refusal::validation(format!("No transform named {name} found.")),
                    TransformError::Failed(message) => {
                        Refusal::validation(format!("Transform {name} failed with: {message}"))
                    }
                })?;
            }
        }
    }
    Ok(Transformed { template, features })
}

/// Returns the names of the transforms with their parameters.
fn names(source: &Value) -> Result<Vec<Named>, Refusal> {
    let items = match source.get("Transform") {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Array(items)) => items.iter().collect(),
        Some(one) => vec![one],
    };
    let malformed =
        || Refusal::format("Transform must be a name, an object with Name and Parameters, or a list of them.");
    items
        .into_iter()
        .map(|item| match item {
            Value::String(name) => Ok((name.clone(), Map::new())),
            Value::Object(entries) => {
                let name = entries.get("Name").and_then(Value::as_str).ok_or_else(malformed)?;
                let parameters = entries.get("Parameters").and_then(Value::as_object).cloned();
                Ok((name.to_owned(), parameters.unwrap_or_default()))
            }
            _ => Err(malformed()),
        })
        .collect()
}
