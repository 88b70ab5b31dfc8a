//! `PayloadDefaults` on their way through a custom resource, which turns every scalar into text (deployment-plan.md 4.5).
//!
//! A scalar that is no text travels as `attini:json:` and its JSON: `5` as `attini:json:5`. A text that itself begins so
//! travels as `attini:json:` and its JSON too, so nothing is ambiguous. Intrinsic functions stay as they are, because
//! CloudFormation resolves them on the way; only the two branches of `Fn::If` are encoded.

use serde_json::Value;

use super::references::is_intrinsic;

const TAG: &str = "attini:json:";

/// Encodes defaults for the properties of a custom resource.
#[must_use]
pub fn encode_defaults(value: &Value) -> Value {
    match value {
        Value::String(text) if !text.starts_with(TAG) => value.clone(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Value::String(format!("{TAG}{value}")),
        Value::Array(items) => Value::Array(items.iter().map(encode_defaults).collect()),
        Value::Object(fields) if is_intrinsic(value) => match fields.get("Fn::If").and_then(Value::as_array) {
            Some(parts) if parts.len() == 3 => {
                let parts = vec![parts[0].clone(), encode_defaults(&parts[1]), encode_defaults(&parts[2])];
                serde_json::json!({"Fn::If": parts})
            }
            _ => value.clone(),
        },
        Value::Object(fields) => {
            Value::Object(fields.iter().map(|(key, value)| (key.clone(), encode_defaults(value))).collect())
        }
    }
}

/// Decodes defaults as they arrive at the custom resource.
///
/// What is not encoded stays as it is, so defaults sent by older macros can be read.
#[must_use]
pub fn decode_defaults(value: &Value) -> Value {
    match value {
        Value::String(text) => {
            let tagged = text.strip_prefix(TAG).and_then(|json| serde_json::from_str(json).ok());
            tagged.unwrap_or_else(|| value.clone())
        }
        Value::Array(items) => Value::Array(items.iter().map(decode_defaults).collect()),
        Value::Object(fields) => {
            Value::Object(fields.iter().map(|(key, value)| (key.clone(), decode_defaults(value))).collect())
        }
        other => other.clone(),
    }
}
