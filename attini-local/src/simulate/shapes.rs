//! Mocked results held against the public models of the APIs (`shapes.json`, made by `scripts/api_shapes.py`
//! from the models in botocore).

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::Value;

/// How closely a mocked result is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FieldValidation {
    /// Required fields are there, and all fields are as the API has them.
    #[default]
    Strict,
    /// The fields that are there are as the API has them.
    Present,
    /// Anything goes.
    None,
}

#[derive(Deserialize)]
struct Service {
    results: BTreeMap<String, Option<String>>,
    shapes: BTreeMap<String, Shape>,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Shape {
    Object {
        fields: BTreeMap<String, String>,
        #[serde(default)]
        required: Vec<String>,
    },
    Array {
        of: String,
    },
    Map {
        of: String,
    },
    String {
        min: Option<f64>,
        max: Option<f64>,
    },
    Number {
        min: Option<f64>,
        max: Option<f64>,
    },
    Boolean,
    Any,
}

/// The models of the services that state machines call most; other calls are not checked.
static SERVICES: LazyLock<BTreeMap<String, Service>> =
    LazyLock::new(|| serde_json::from_str(include_str!("shapes.json")).expect("the file is part of the program"));

/// Checks the result of a task.
///
/// # Errors
///
/// What the service says about it.
pub(super) fn check(resource: &str, result: &Value, mode: FieldValidation) -> Result<(), String> {
    if mode == FieldValidation::None {
        return Ok(());
    }
    let Some((service, action, is_sdk)) = call(resource) else { return Ok(()) };
    let Some(model) = SERVICES.get(service) else { return Ok(()) };
    let Some(Some(shape)) = model.results.get(action) else { return Ok(()) };
    let check = Check { model, mode };
    // The integration decodes what the function returns.
    let open = if is_sdk { "" } else { "Payload" };
    check.value(shape, result, "result", open).map_err(|text| format!("Mock result schema validation error: {text}"))
}

/// Returns service, action and whether the resource is of `aws-sdk`; `None` for calls whose result is none of an API.
fn call(resource: &str) -> Option<(&str, &str, bool)> {
    let mut parts = resource.splitn(6, ':');
    let (service, rest) = (parts.nth(2)?, parts.nth(2)?);
    if service != "states" || rest.ends_with(".waitForTaskToken") || rest.contains(".sync") {
        return None;
    }
    match rest.strip_prefix("aws-sdk:") {
        Some(call) => call.split_once(':').map(|(service, action)| (service, action, true)),
        None => rest.split_once(':').map(|(service, action)| {
            let service = if service == "states" { "sfn" } else { service };
            (service, action, false)
        }),
    }
}

struct Check<'a> {
    model: &'a Service,
    mode: FieldValidation,
}

impl Check<'_> {
    /// JSON is nested 128 levels at most, so recursion is safe. `open` names a field that may hold anything.
    fn value(&self, shape: &str, value: &Value, name: &str, open: &str) -> Result<(), String> {
        let wrong = |wanted: &str| Err(format!("Field '{name}' must be {wanted}"));
        match self.model.shapes.get(shape) {
            None | Some(Shape::Any) => Ok(()),
            Some(Shape::Boolean) if value.is_boolean() => Ok(()),
            Some(Shape::Boolean) => wrong("a boolean"),
            Some(Shape::Number { min, max }) => match value.as_f64() {
                None => wrong("a number"),
                Some(number) if min.is_some_and(|min| number < min) => {
                    Err(format!("Field '{name}' is less than the minimum value"))
                }
                Some(number) if max.is_some_and(|max| number > max) => {
                    Err(format!("Field '{name}' exceeds the maximum value"))
                }
                Some(_) => Ok(()),
            },
            Some(Shape::String { min, max }) => match value.as_str() {
                None => wrong("a string"),
                Some(text) => {
                    #[expect(clippy::cast_precision_loss, reason = "texts are short")]
                    let length = text.chars().count() as f64;
                    if min.is_some_and(|min| length < min) {
                        Err(format!("Field '{name}' is smaller than the minimum length"))
                    } else if max.is_some_and(|max| length > max) {
                        Err(format!("Field '{name}' exceeds the maximum length"))
                    } else {
                        Ok(())
                    }
                }
            },
            Some(Shape::Array { of }) => match value {
                Value::Array(items) => items.iter().try_for_each(|item| self.value(of, item, name, "")),
                _ => wrong("an array"),
            },
            Some(Shape::Map { of }) => match value {
                Value::Object(fields) => fields.iter().try_for_each(|(key, value)| self.value(of, value, key, "")),
                _ => wrong("an object"),
            },
            Some(Shape::Object { fields, required }) => {
                let Value::Object(given) = value else { return wrong("an object") };
                let missing = required.iter().find(|field| !given.contains_key(*field));
                if let (FieldValidation::Strict, Some(missing)) = (self.mode, missing) {
                    return Err(format!("Required field '{missing}' is missing"));
                }
                given.iter().filter(|(field, _)| *field != open).try_for_each(|(field, value)| {
                    fields.get(field).map_or(Ok(()), |shape| self.value(shape, value, field, ""))
                })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(resource: &str, result: &Value) -> String {
        check(&format!("arn:aws:states:::{resource}"), result, FieldValidation::Strict).err().unwrap_or_default()
    }

    #[test]
    fn results_are_held_against_the_model() {
        let prefix = "Mock result schema validation error: ";
        let message = |resource, result| found(resource, &result).replace(prefix, "");
        assert_eq!(message("sns:publish", json!({"MessageId": 5})), "Field 'MessageId' must be a string");
        assert_eq!(message("states:startExecution", json!({})), "Required field 'ExecutionArn' is missing");
        let item = json!({"Item": {"id": {"S": 5}}});
        assert_eq!(message("dynamodb:getItem", item), "Field 'S' must be a string");
        let large = json!({"CiphertextBlob": "x".repeat(7000)});
        assert_eq!(message("aws-sdk:kms:encrypt", large), "Field 'CiphertextBlob' exceeds the maximum length");
    }

    #[test]
    fn only_results_of_apis_are_checked() {
        assert_eq!(found("lambda:invoke", &json!({"Payload": {"any": 1}, "Other": 1})), "");
        assert_eq!(found("sqs:sendMessage.waitForTaskToken", &json!({"MessageId": 5})), "");
        assert_eq!(found("aws-sdk:nobody:knows", &json!(5)), "");
    }
}
