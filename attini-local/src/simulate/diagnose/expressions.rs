//! What the service refuses in the JSONata expressions of a state.

use serde_json::{Map, Value};

use super::Diagnostic;
use crate::engine::{Available, Objection, review};

/// Fields that hold no expressions, or machines with states of their own.
const OTHERS: [&str; 10] = [
    "Type",
    "Comment",
    "QueryLanguage",
    "Resource",
    "Next",
    "Default",
    "ErrorEquals",
    "Branches",
    "ItemProcessor",
    "Iterator",
];

/// Returns what is wrong with the expressions of a state that stands at `at`.
pub(super) fn problems(state: &Map<String, Value>, kind: &str, at: &str) -> Vec<Diagnostic> {
    let has_result = matches!(kind, "Task" | "Parallel" | "Map");
    let mut found = Vec::new();
    for (name, value) in state.iter().filter(|(name, _)| !OTHERS.contains(&name.as_str())) {
        let at = format!("{at}/{name}");
        match (name.as_str(), value) {
            ("Catch", Value::Array(catchers)) => {
                for (index, catcher) in catchers.iter().enumerate() {
                    for (name, value) in catcher.as_object().into_iter().flatten() {
                        let error = matches!(name.as_str(), "Output" | "Assign");
                        let available = Available { result: false, error };
                        if !OTHERS.contains(&name.as_str()) {
                            walk(value, &format!("{at}[{index}]/{name}"), available, &mut found);
                        }
                    }
                }
            }
            ("Output" | "Assign", value) => {
                walk(value, &at, Available { result: has_result, error: false }, &mut found);
            }
            (_, value) => walk(value, &at, Available { result: false, error: false }, &mut found),
        }
    }
    found
}

/// JSON is nested 128 levels at most, so recursion is safe.
fn walk(value: &Value, at: &str, available: Available, found: &mut Vec<Diagnostic>) {
    match value {
        Value::String(text) => {
            let source = text.strip_prefix("{%").and_then(|text| text.strip_suffix("%}"));
            let (code, message) = match source.and_then(|source| review(source, available)) {
                None => return,
                Some(Objection::Invalid(message)) => ("INVALID_JSONATA_EXPRESSION", message),
                Some(Objection::Unsupported(message)) => ("UNSUPPORTED_JSONATA_EXPRESSION", message),
            };
            found.push(Diagnostic::new(code, message, Some(at.to_owned())));
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                walk(item, &format!("{at}[{index}]"), available, found);
            }
        }
        Value::Object(fields) => {
            for (name, value) in fields.iter().filter(|(name, _)| !matches!(name.as_str(), "Next" | "ErrorEquals")) {
                walk(value, &format!("{at}/{name}"), available, found);
            }
        }
        _ => {}
    }
}
